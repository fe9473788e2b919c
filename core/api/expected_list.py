"""A list of submission ids as people have it: one a line, a table with a heading, or JSON.

Files are read as those of bulk actions are, in whatever encoding and with whatever delimiter. Which column holds the
ids is never guessed: the wrong one would make everything look lost.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.api.edge import read_json
from core.domain.sheet_cells import unprotected
from core.domain.sheet_header import plain
from core.domain.sheet_table import rows_of
from core.domain.sheet_text import SheetText
from core.errors import InvalidInputError

LARGEST = 4 * 1024 * 1024
_NAMES = ("activityid", "submissionid", "activity", "submission", "id")  # the likeliest first
_CHARSET = re.compile(r";\s*charset=([^;]+)", re.IGNORECASE)
_ACCEPTED = "Name the columns in the first row, that of the ids activity_id; or name yours: ?column=…"


@dataclass(frozen=True, slots=True)
class ReadIds:
    """In order, each once; `column` is the heading they stood under, if any."""

    ids: list[str]
    column: str = ""


def submission_ids(body: bytes, *, content_type: str = "", column: str = "") -> ReadIds:
    """Raises InvalidInputError."""
    if len(body) > LARGEST:
        raise InvalidInputError("The list is larger than 4 MiB.", field="body", status=413)
    text = _text(body, content_type).strip()
    found = ReadIds(_of_json(text)) if text.startswith(("[", "{")) else _of_table(text, column)
    ids = list(dict.fromkeys(each for part in found.ids if (each := part.strip())))
    if not ids:
        raise InvalidInputError("The list holds no submission id.", field="body")
    return ReadIds(ids, found.column)


def _text(body: bytes, content_type: str) -> str:
    charset = _CHARSET.search(content_type)
    reader = SheetText(charset[1] if charset else "")
    return reader.feed(body) + reader.end()


def _of_json(text: str) -> list[str]:
    """`["9001", …]`, `[{"activity_id": 9001}, …]`, or either of them under `submissions`."""
    read = read_json(text)
    items = read.get("submissions") if isinstance(read, dict) else read
    if not isinstance(items, list):
        raise InvalidInputError('As JSON the list looks like ["9001", "9002"].', field="body")
    named = [_named(item) if isinstance(item, dict) else item for item in items]
    return [str(item) for item in named if isinstance(item, str | int)]


def _of_table(text: str, column: str) -> ReadIds:
    rows = [row.cells or (row.raw,) for row in rows_of(text)]
    heading = [unprotected(cell).strip() for cell in rows[0]] if rows else []
    place = _place(heading, column)
    if place is None:
        return ReadIds(_without_heading(rows))
    return ReadIds([unprotected(row[place]) for row in rows[1:] if len(row) > place], heading[place])


def _place(heading: Sequence[str], column: str) -> int | None:
    """Where the ids stand, by the heading. Raises InvalidInputError where there is no such column."""
    short = [plain(name) for name in heading]
    wanted = (plain(column),) if column else _NAMES
    place = next((short.index(name) for name in wanted if name in short), None)
    if place is None and (column or len(heading) > 1):
        shown = ", ".join(heading)[:300]
        raise InvalidInputError(f"No column is called like one of ids: {shown}. {_ACCEPTED}", field="column")
    return place


def _without_heading(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """One id a line. A first line of letters over lines of digits is neither a heading that we know nor an id."""
    ids = [unprotected(row[0]) for row in rows]
    if len(ids) > 1 and not _has_digit(ids[0]) and all(map(_has_digit, ids[1:])):
        message = f"Is the first line, {ids[0][:60]!r}, a heading? {_ACCEPTED}"
        raise InvalidInputError(message, field="column")
    return ids


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def _named(item: dict[str, Any]) -> Any:
    short = {plain(name): value for name, value in item.items()}
    return next((short[name] for name in _NAMES if isinstance(short.get(name), str | int)), "")
