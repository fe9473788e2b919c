r"""What no store, no vault and no Dynamics can keep, and JSON can say all the same.

`1e400` and `NaN` are no numbers: written down they become `null`, and what was saved cannot be read any more. Half of a
surrogate pair (`"\ud800"`) is no character: no encoding can write it. Control characters are refused by Dynamics, and
meant by nobody.
"""

import math
import re
from collections.abc import Iterable, Iterator

from core.domain.values import has_refused_characters

_HALF = re.compile("[\ud800-\udfff]")

Path = tuple[str | int, ...]


def unstorable(document: object, *, allows_control: bool = False) -> Iterator[tuple[Path, str]]:
    """Where in a document such a thing stands, and what is wrong with it there. However deep: it does not recurse.

    `allows_control`: where somebody else's text is kept as it was sent.
    """
    left: list[tuple[Path, object]] = [((), document)]
    while left:
        path, value = left.pop()
        if why := _why_not(value, allows_control=allows_control):
            yield path, why
        for name, item in _parts(value):
            if why := _why_not(name, allows_control=allows_control):
                yield (*path, _shown(name)), f"Of its name: {why}"
            left.append(((*path, _shown(name)), item))


def _why_not(value: object, *, allows_control: bool) -> str:
    match value:
        case float() if not math.isfinite(value):
            return "This is no finite number: give one between -1.7e308 and 1.7e308."
        case str() if _HALF.search(value):
            return "It holds half of a character (a lone surrogate such as \\ud800): leave it out."
        case str() if has_refused_characters(value) and not allows_control:
            return "It holds control characters: leave them out."
        case _:
            return ""


def _parts(value: object) -> Iterable[tuple[str | int, object]]:
    match value:
        case dict():
            return value.items()
        case list():
            return enumerate(value)
        case _:
            return ()


def _shown(name: str | int) -> str | int:
    if not isinstance(name, str):
        return name
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in name)
