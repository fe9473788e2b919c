"""The query part of an address → its options, nested ones included.

Duty: cutting `a=b&c=d` and the parentheses of `$expand` apart. What names mean is for those who use the options.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_plus

from infra.local.dynamics import errors
from infra.local.dynamics.filter_parser import parse_filter
from infra.local.dynamics.filter_tree import Node

_KNOWN: Final = frozenset(
    {"$select", "$filter", "$orderby", "$top", "$count", "$expand", "$skiptoken", "$deltatoken", "$id"}
)
_NOT_SIMULATED: Final = frozenset({"$apply", "fetchXml", "savedQuery", "userQuery", "sql"})
_IGNORED: Final = frozenset({"tag", "partitionId", "LabelLanguages"})


@dataclass(frozen=True, slots=True)
class Order:
    names: tuple[str, ...]
    descending: bool


@dataclass(frozen=True, slots=True)
class Options:
    select: tuple[str, ...] = ()
    filter: Node | None = None
    order: tuple[Order, ...] = ()
    top: int | None = None
    count: bool = False
    expand: tuple["Expand", ...] = ()
    skip_token: str | None = None
    delta_token: str | None = None
    id: str | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    """Which options the query has, by name."""


@dataclass(frozen=True, slots=True)
class Expand:
    name: str
    options: Options


def parameters(query: str) -> dict[str, str]:
    """Decoded; `+` is a blank, as it is for the servers behind Dataverse."""
    pairs = (part.partition("=") for part in query.split("&") if part)
    return {unquote_plus(name): unquote_plus(value) for name, _, value in pairs}


def parse_options(query: str) -> Options:
    given = parameters(query)
    _refuse_unknown(given)
    aliases = {name: value for name, value in given.items() if name.startswith("@")}
    return _options(given, aliases)


def _refuse_unknown(given: Mapping[str, str]) -> None:
    for name in given:
        if name in _NOT_SIMULATED:
            raise errors.not_simulated(f"the query option {name}")
        if name not in _KNOWN and name not in _IGNORED and not name.startswith("@"):
            raise errors.query_invalid(f"The query parameter {name} is not supported")


def _options(given: Mapping[str, str], aliases: Mapping[str, str]) -> Options:
    filter_ = given.get("$filter")
    return Options(
        select=_names(given.get("$select", "")),
        filter=parse_filter(filter_, aliases) if filter_ is not None else None,
        order=tuple(_order(part) for part in _names(given.get("$orderby", ""))),
        top=_whole("$top", given.get("$top")),
        count=_flag(given.get("$count")),
        expand=tuple(_expand(part, aliases) for part in _split(given.get("$expand", ""), ",")),
        skip_token=given.get("$skiptoken"),
        delta_token=given.get("$deltatoken"),
        id=given.get("$id"),
        aliases=aliases,
        given=frozenset(given),
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _order(text: str) -> Order:
    name, _, direction = text.partition(" ")
    if direction.strip() not in {"", "asc", "desc"}:
        raise errors.query_invalid(f"Syntax error at position {len(name)} in '{text}'.")
    return Order(tuple(name.split("/")), direction.strip() == "desc")


def _whole(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdigit():
        raise errors.query_invalid(
            f"Invalid value '{text}' for {name} query option found. The {name} query option requires a non-negative "
            "integer value."
        )
    return int(text)


def _flag(text: str | None) -> bool:
    if text not in {None, "true", "false"}:
        raise errors.query_invalid(f"Invalid value '{text}' for $count query option found.")
    return text == "true"


def _expand(text: str, aliases: Mapping[str, str]) -> Expand:
    name, has_options, rest = text.strip().partition("(")
    if not has_options:
        return Expand(name, Options())
    if not rest.endswith(")"):
        raise errors.query_invalid(f"Syntax error at position {len(text)} in '{text}'.")
    given = {option.strip(): value for option, _, value in (part.partition("=") for part in _split(rest[:-1], ";"))}
    _refuse_unknown(given)
    return Expand(name, _options(given, aliases))


def _split(text: str, separator: str) -> list[str]:
    """At separators that stand in no parentheses and no quotes."""
    parts, depth, quoted, start = [], 0, False, 0
    for position, character in enumerate(text):
        if character == "'":
            quoted = not quoted
        elif not quoted:
            depth += (character == "(") - (character == ")")
            if character == separator and depth == 0:
                parts.append(text[start:position])
                start = position + 1
    return [part for part in (*parts, text[start:]) if part.strip()]
