"""ASP.NET's route templates: which function a path belongs to, and what its parameters hold.

https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-templates
"""

import re
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar
from urllib.parse import unquote

from infra.local.functions_host.errors import HostError

T = TypeVar("T")

_PARAMETER = re.compile(
    r"\{(?P<rest>\*{0,2})(?P<name>\w+)(?P<constraints>(?::\w+(?:\([^()]*\))?)*)(?:=(?P<default>[^{}?]*))?(?P<optional>\??)\}"
)
_CONSTRAINT = re.compile(r":(?P<name>\w+)(?:\((?P<argument>[^()]*)\))?")
_GUID = re.compile(r"\{?[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\}?", re.IGNORECASE)
_ENCODED_SLASH = re.compile("%2f", re.IGNORECASE)


def _is_whole(value: str, *, bits: int = 63) -> bool:
    return bool(re.fullmatch(r"[+-]?[0-9]+", value)) and -(1 << bits) <= int(value) < 1 << bits


def _is_number(value: str, _: str) -> bool:
    return bool(re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)", value))


def _limits(argument: str) -> tuple[int, int]:
    least, _, most = argument.partition(",")
    return int(least), int(most or least)


def _length(value: str, argument: str) -> bool:
    least, most = _limits(argument)
    return least <= len(value) <= most


def _range(value: str, argument: str) -> bool:
    least, most = _limits(argument)
    return _is_whole(value) and least <= int(value) <= most


_CHECKS: dict[str, Callable[[str, str], bool]] = {
    "int": lambda value, _: _is_whole(value, bits=31),
    "long": lambda value, _: _is_whole(value),
    "bool": lambda value, _: value.lower() in {"true", "false"},
    "guid": lambda value, _: bool(_GUID.fullmatch(value)),
    "decimal": _is_number,
    "double": _is_number,
    "float": _is_number,
    "alpha": lambda value, _: bool(re.fullmatch("[A-Za-z]*", value)),
    "length": _length,
    "minlength": lambda value, least: len(value) >= int(least),
    "maxlength": lambda value, most: len(value) <= int(most),
    "min": lambda value, least: _is_whole(value) and int(value) >= int(least),
    "max": lambda value, most: _is_whole(value) and int(value) <= int(most),
    "range": _range,
}


class Template:
    """One route. Raises HostError when this host cannot read it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._parameters: list[re.Match[str]] = []
        segments = [segment for segment in text.strip("/").split("/") if segment]
        pattern = "".join(self._segment(segment, is_last=segment is segments[-1]) for segment in segments)
        self._pattern = re.compile(f"{pattern}/?", re.IGNORECASE | re.DOTALL)
        self.precedence = [_precedence(segment) for segment in segments]

    def match(self, path: str) -> dict[str, str] | None:
        """The values of the parameters, or None when the path is another's."""
        found = self._pattern.fullmatch(path)
        if not found:
            return None
        values: dict[str, str] = {}
        for parameter, given in zip(self._parameters, found.groups(), strict=True):
            value = given or parameter["default"]
            if value and not _fits(value, parameter["constraints"]):
                return None
            if value:
                values[parameter["name"]] = value
        return values

    def _segment(self, segment: str, *, is_last: bool) -> str:
        whole = _PARAMETER.fullmatch(segment)
        if whole and is_last and (whole["rest"] or whole["optional"] or whole["default"] is not None):
            self._add(whole)
            return "(?:/(.*))?" if whole["rest"] else "(?:/([^/]+))?"
        return "/" + self._pieces(segment)

    def _pieces(self, segment: str) -> str:
        pattern, end = "", 0
        for parameter in _PARAMETER.finditer(segment):
            pattern += self._literal(segment[end : parameter.start()]) + "([^/]+?)"
            self._add(parameter)
            end = parameter.end()
        return pattern + self._literal(segment[end:])

    def _literal(self, text: str) -> str:
        if "{" in text or "}" in text:
            raise HostError(f"This host cannot read the route {self._text}.")
        return re.escape(text)

    def _add(self, parameter: re.Match[str]) -> None:
        for constraint in _CONSTRAINT.finditer(parameter["constraints"]):
            check = _CHECKS.get(constraint["name"].lower())
            if check is None:
                raise HostError(f"This host does not know the constraint {constraint['name']} in {self._text}.")
            try:
                check("0", constraint["argument"] or "")
            except ValueError:
                raise HostError(f"The constraint {constraint['name']} in {self._text} takes whole numbers.") from None
        self._parameters.append(parameter)


class Router(Generic[T]):
    """Finds who answers a method and a path: the most literal route that fits both."""

    def __init__(self, routes: Iterable[tuple[str, Iterable[str], T]]) -> None:
        read = [(Template(text), frozenset(methods), target) for text, methods, target in routes]
        self._routes = sorted(read, key=lambda route: route[0].precedence)

    def find(self, method: str, path: str) -> tuple[T, dict[str, str]] | None:
        for template, methods, target in self._routes:
            values = template.match(path) if method in methods else None
            if values is not None:
                return target, values
        return None


def decoded(raw_path: str) -> str:
    """The path as ASP.NET matches it: decoded, but for an encoded slash, which stays part of its segment."""
    return "%2F".join(unquote(part) for part in _ENCODED_SLASH.split(raw_path))


def _fits(value: str, constraints: str) -> bool:
    return all(
        _CHECKS[each["name"].lower()](value, each["argument"] or "") for each in _CONSTRAINT.finditer(constraints)
    )


def _precedence(segment: str) -> int:
    """Literals come before constrained parameters, those before free ones, catch-alls last."""
    parameter = _PARAMETER.search(segment)
    if not parameter:
        return 1
    return (4 if parameter["rest"] else 2) + (0 if parameter["constraints"] or parameter[0] != segment else 1)
