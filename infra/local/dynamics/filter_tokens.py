"""A `$filter` cut into words.

https://docs.oasis-open.org/odata/odata/v4.0/errata03/os/complete/part2-url-conventions/odata-v4.0-errata03-os-part2-url-conventions-complete.html
"""

import re
from dataclasses import dataclass
from typing import Final

from infra.local.dynamics import errors

_TOKENS: Final = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<json>\[(?:[^\]"]|"(?:[^"\\]|\\.)*")*\])
    | (?P<string>'(?:[^']|'')*')
    | (?P<guid>[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}(?![\w-]))
    | (?P<moment>\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)
    | (?P<date>\d{4}-\d\d-\d\d(?!\d))
    | (?P<fraction>-?\d+(?:\.\d+(?:[eE][+-]?\d+)?|[eE][+-]?\d+)[mMdDfF]?)
    | (?P<number>-?\d+)
    | (?P<name>@?[A-Za-z_][\w.]*)
    | (?P<sign>[(),/:=])
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    position: int


def tokens(text: str) -> list[Token]:
    """Blanks left out. Raises for a character that begins nothing."""
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKENS.match(text, position)
        if match is None:
            raise errors.query_invalid(f"Syntax error at position {position} in '{text}'.")
        if match.lastgroup != "space":
            found.append(Token(str(match.lastgroup), match.group(), position))
        position = match.end()
    return found
