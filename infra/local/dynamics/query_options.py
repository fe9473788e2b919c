"""The query part of an address → its options, nested ones included.

Duty: cutting `a=b&c=d` and the parentheses of `$expand` apart. What names mean is for those who use the options.
"""

import functools
import re
from collections import Counter
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
_EXPANDABLE: Final = frozenset({"$select", "$filter", "$orderby", "$top", "$expand"})
_MAX_EXPANDS: Final = 15
_WHOLE: Final = re.compile(r"[0-9]{1,18}")
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
    written: str = ""
    """The options as a query of their own."""


def parameters(query: str) -> dict[str, str]:
    """Decoded; `+` is a blank, as it is for the servers behind Dataverse."""
    pairs = (part.partition("=") for part in query.split("&") if part)
    return {unquote_plus(name): unquote_plus(value) for name, _, value in pairs}


@functools.lru_cache(maxsize=512)
def parse_options(query: str) -> Options:
    given = parameters(query)
    _refuse_repeated(query)
    _refuse_unknown(given)
    aliases = {name: value for name, value in given.items() if name.startswith("@")}
    options = _options(given, aliases)
    if _expands(options) > _MAX_EXPANDS:
        raise errors.query_invalid(f"A query holds at most {_MAX_EXPANDS} $expand options.")
    return options


def _expands(options: Options) -> int:
    return sum(1 + _expands(part.options) for part in options.expand)


def _refuse_repeated(query: str) -> None:
    names = Counter(unquote_plus(part.partition("=")[0]) for part in query.split("&") if part)
    if repeated := [name for name, count in names.items() if count > 1]:
        raise errors.query_invalid(f"Query option '{repeated[0]}' was specified more than once.")


def _refuse_unknown(given: Mapping[str, str]) -> None:
    for name in given:
        if name in _NOT_SIMULATED:
            raise errors.not_simulated(f"the query option {name}")
        if name not in _KNOWN and name not in _IGNORED and not name.startswith("@"):
            raise errors.query_invalid(f"The query parameter {name} is not supported")


def _options(given: Mapping[str, str], aliases: Mapping[str, str] | None) -> Options:
    """`aliases` are None where there cannot be any."""
    filter_ = given.get("$filter")
    return Options(
        select=_names(given.get("$select", "")),
        filter=parse_filter(filter_, aliases) if filter_ is not None else None,
        order=tuple(part for text in _names(given.get("$orderby", "")) if (part := _order(text, aliases))),
        top=_whole("$top", given.get("$top")),
        count=_flag(given.get("$count")),
        expand=tuple(_expand(part) for part in _split(given.get("$expand", ""), ",")),
        skip_token=given.get("$skiptoken"),
        delta_token=given.get("$deltatoken"),
        id=given.get("$id"),
        aliases=aliases or {},
        given=frozenset(given),
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _order(text: str, aliases: Mapping[str, str] | None) -> Order | None:
    """None for an alias that stands for nothing: it is null, and orders nothing."""
    name, _, direction = text.partition(" ")
    if name.startswith("@") and aliases is not None:
        return _order(f"{aliases[name].strip()} {direction}", None) if name in aliases else None
    if direction.strip() not in {"", "asc", "desc"}:
        raise errors.query_invalid(f"Syntax error at position {len(name)} in '{text}'.")
    return Order(tuple(name.split("/")), direction.strip() == "desc")


def _whole(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not _WHOLE.fullmatch(text):
        raise errors.query_invalid(
            f"Invalid value '{text}' for {name} query option found. The {name} query option requires a non-negative "
            "integer value."
        )
    return int(text)


def _flag(text: str | None) -> bool:
    if text not in {None, "true", "false"}:
        raise errors.query_invalid(f"Invalid value '{text}' for $count query option found.")
    return text == "true"


def _expand(text: str) -> Expand:
    name, has_options, rest = text.strip().partition("(")
    if not has_options:
        return Expand(name, Options())
    if not rest.endswith(")"):
        raise errors.query_invalid(f"Syntax error at position {len(text)} in '{text}'.")
    given = {option.strip(): value for option, _, value in (part.partition("=") for part in _split(rest[:-1], ";"))}
    if refused := given.keys() - _EXPANDABLE:
        raise errors.query_invalid(f"The query option {min(refused)} is not supported within $expand.")
    return Expand(name, _options(given, None), "&".join(f"{option}={value}" for option, value in given.items()))


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
