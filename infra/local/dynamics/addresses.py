"""The path of a request → its segments, and keys in parentheses → which row.

Duty: reading addresses, also those that bodies hold (`@odata.bind`, `@odata.id`). What a segment stands for is
`operations`'.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from infra.local.dynamics import errors
from infra.local.dynamics.schema import Key, Table
from infra.local.dynamics.values import guid

_ROOT: Final = re.compile(r"/api/data/v9\.[0-2](?:/|$)")
_UNFIT_FOR_KEYS: Final = frozenset("/<>*%&:\\?+")


@dataclass(frozen=True, slots=True)
class Segment:
    name: str
    arguments: str | None
    """What stood in the parentheses; None without any."""


@dataclass(frozen=True, slots=True)
class ById:
    row_id: str


@dataclass(frozen=True, slots=True)
class ByKey:
    """By an alternate key."""

    key: Key
    values: Mapping[str, Any]


RowKey = ById | ByKey


def below_root(path: str) -> str | None:
    """The part after `/api/data/v9.2/`; None for another path."""
    match = _ROOT.match(path)
    return path[match.end() :] if match else None


def api_root(path: str) -> str:
    """`/api/data/v9.2` with the version that the request used."""
    match = _ROOT.match(path)
    return match.group().rstrip("/") if match else "/api/data/v9.2"


def segments(path: str) -> list[Segment]:
    """`path` is below the root and still percent-encoded."""
    return [_segment(unquote(part)) for part in _parts(path)]


def _parts(path: str) -> list[str]:
    """Split at slashes outside of quotes; an encoded quote is one too."""
    parts, quoted, start = [], False, 0
    for match in re.finditer(r"'|%27|/", path):
        if match.group() != "/":
            quoted = not quoted
        elif not quoted:
            parts.append(path[start : match.start()])
            start = match.end()
    return [*parts, path[start:]]


def _segment(text: str) -> Segment:
    name, parenthesis, rest = text.partition("(")
    if not parenthesis:
        return Segment(name, None)
    if not rest.endswith(")"):
        raise errors.segment_unknown(text)
    return Segment(name, rest[:-1])


def row_key(table: Table, arguments: str) -> RowKey:
    if row_id := guid(arguments.strip("{}")):
        return ById(row_id)
    given = key_values(arguments)
    if list(given) == [table.id]:
        return ById(_row_id(given[table.id]))
    named = {name.removeprefix("_").removesuffix("_value"): value for name, value in given.items()}
    for key in table.keys:
        if set(key.columns) == set(named):
            return _by_key(key, named)
    raise errors.query_invalid(
        "The specified key(s) is not an entity key of the entity "
        f"'{table.name}': {', '.join(given) or arguments}. Bad key or guid."
    )


def _by_key(key: Key, values: Mapping[str, Any]) -> ByKey:
    if key.status != "Active":
        raise errors.query_invalid(f"The key {key.name} is not active yet: {key.status}.")
    for value in values.values():
        if isinstance(value, str) and _UNFIT_FOR_KEYS.intersection(value):
            raise errors.bad_request(f"A potentially dangerous Request.Path value was detected: '{value}'.")
    return ByKey(key, values)


def _row_id(value: object) -> str:
    found = guid(str(value))
    if found is None:
        raise errors.query_invalid(f"'{value}' is not a guid.")
    return found


_KEY_PART: Final = re.compile(r"\s*([\w]+)\s*=\s*('(?:[^']|'')*'|[^,']+)\s*(?:,|$)")


def key_values(arguments: str) -> dict[str, Any]:
    """`a='x',b=2` as a dictionary."""
    values: dict[str, Any] = {}
    position = 0
    while position < len(arguments):
        match = _KEY_PART.match(arguments, position)
        if match is None:
            raise errors.query_invalid(f"Bad Request - Error in query syntax: '{arguments}'.")
        values[match.group(1)] = _key_value(match.group(2).strip())
        position = match.end()
    return values


def _key_value(text: str) -> Any:
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    return text


def reference(text: str) -> Segment:
    """What `@odata.bind` or `@odata.id` points at: `/leads(…)`, `leads(…)` or a whole URL."""
    path = re.sub(r"^https?://[^/]+", "", text)
    below = below_root(path)
    return _segment(unquote(below if below is not None else path.lstrip("/")))
