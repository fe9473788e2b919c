"""A list of submission ids as people have it: one a line, a CSV file with a header, or JSON."""

import csv
import io
import json
from typing import Any

from core.errors import InvalidInputError

LARGEST = 4 * 1024 * 1024
_NAMES = ("activity_id", "submission_id", "submission", "id")


def submission_ids(body: bytes) -> list[str]:
    """In order, each once. Raises InvalidInputError."""
    if len(body) > LARGEST:
        raise InvalidInputError("The list is larger than 4 MiB.", field="body", status=413)
    try:
        text = body.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise InvalidInputError("The list is not in UTF-8.", field="body") from error
    found = _of_json(text) if text.startswith(("[", "{")) else _of_csv(text)
    ids = list(dict.fromkeys(each for part in found if (each := str(part).strip())))
    if not ids:
        raise InvalidInputError("The list holds no submission id.", field="body")
    return ids


def _of_json(text: str) -> list[Any]:
    """`["9001", …]`, `[{"activity_id": 9001}, …]`, or either of them under `submissions`."""
    try:
        read = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"The list is no JSON: {error}", field="body") from error
    items = read.get("submissions") if isinstance(read, dict) else read
    if not isinstance(items, list):
        raise InvalidInputError('As JSON the list looks like ["9001", "9002"].', field="body")
    return [_named(item) if isinstance(item, dict) else item for item in items if isinstance(item, dict | str | int)]


def _of_csv(text: str) -> list[Any]:
    """The column with a name of ours, else the first one; a file without a header begins with an id."""
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
    except csv.Error as error:
        raise InvalidInputError(f"The list is no CSV: {error}", field="body") from error
    header = [_plain(cell) for cell in rows[0]] if rows else []
    column = next((header.index(name) for name in _NAMES if name in header), None)
    body = rows if column is None else rows[1:]
    return [row[column or 0] for row in body if len(row) > (column or 0)]


def _named(item: dict[str, Any]) -> Any:
    plain = {_plain(name): value for name, value in item.items()}
    return next((plain[name] for name in _NAMES if isinstance(plain.get(name), str | int)), "")


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")
