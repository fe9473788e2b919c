"""What a mapping row may do to a value on its way: a small, fixed set of steps, one after the other.

A step is a name (`upper`) or a name with an argument (`{"prefix": "Dr. "}`). On a list, a step for texts works on each
item. A blank stays blank. What a step cannot read (`phone`, `url`) is kept as it was written, with a warning.
`tests/core/domain/golden/transforms.json` shows every step. Nothing here runs code that a customer wrote.
"""

import re
import string
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator

from core.domain.conversion import Transform, truncated, utf16_length
from core.domain.person_name import name_case
from core.domain.phone import COUNTRIES, normal_phone
from core.domain.values import FieldValue, as_text, is_blank, is_missing

Step = str | dict[str, Any]

_TEXT_MOST, _LENGTH_MOST, _ENTRIES_MOST, _STEPS_MOST = 200, 1_048_576, 500, 20


@dataclass(frozen=True, slots=True)
class Transformed:
    value: FieldValue
    warnings: tuple[str, ...] = ()


# --- Steps without an argument ----------------------------------------------------------------------------------------


def _trim(text: str) -> str:
    return text.strip(f"{string.whitespace}\u00a0\u200b\u2060\ufeff")


def _single_line(text: str) -> str:
    return " ".join(text.split())


def _digits(text: str) -> str:
    return "".join(str(unicodedata.decimal(sign)) for sign in text if sign.isdecimal())


def _without_first_word(text: str) -> str:
    return " ".join(text.split()[1:])


def _without_last_word(text: str) -> str:
    return " ".join(text.split()[:-1])


def _phone(text: str, country: str = "") -> str | None:
    return normal_phone(text, country)


def _url(text: str) -> str | None:
    """With its scheme; None for what is no address of a site."""
    address = (
        text if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text) and not re.match(r"[^/:]+:\d", text) else f"https://{text}"
    )
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    host = parts.netloc
    if parts.scheme.lower() not in ("http", "https") or not re.fullmatch(r"[^\s@/]+\.[^\s@/.:]{2,}(?::\d+)?", host):
        return None
    return parts._replace(scheme=parts.scheme.lower(), netloc=host.lower()).geturl()


_PLAIN: Mapping[str, Callable[[str], str | None]] = {
    "trim": _trim,
    "single_line": _single_line,
    "upper": str.upper,
    "lower": str.lower,
    "name_case": name_case,
    "first_word": lambda text: next(iter(text.split()), ""),
    "last_word": lambda text: next(reversed(text.split()), ""),
    "without_first_word": _without_first_word,
    "without_last_word": _without_last_word,
    "digits": _digits,
    "phone": _phone,
    "url": _url,
}

# --- Steps with an argument -------------------------------------------------------------------------------------------


def _truncate(text: str, most: int) -> str:
    return text if utf16_length(text) <= most else truncated(text, most)


def _replace(text: str, table: Mapping[str, str]) -> str:
    """Each part in one pass, the longest first, so that what was put in is not replaced again."""
    parts = sorted(map(re.escape, table), key=len, reverse=True)
    return re.sub("|".join(parts), lambda found: table[found[0]], text)


def _translate(text: str, table: Mapping[str, str]) -> str:
    """The whole value, in any case; what has no entry stays."""
    return next((to for said, to in table.items() if said.strip().casefold() == text.strip().casefold()), text)


_WITH_ARGUMENT: Mapping[str, Callable[[str, Any], str | None]] = {
    "prefix": lambda text, prefix: f"{prefix}{text}",
    "suffix": lambda text, suffix: f"{text}{suffix}",
    "truncate": _truncate,
    "replace": _replace,
    "translate": _translate,
    "phone": _phone,
}
_OF_LISTS = ("split", "item", "join")
_READING = tuple(map(str, Transform))

# --- Checking ---------------------------------------------------------------------------------------------------------


def _is_text(argument: Any) -> bool:
    return isinstance(argument, str) and 0 < len(argument) <= _TEXT_MOST


def _is_number(argument: Any, least: int, most: int) -> bool:
    return isinstance(argument, int) and not isinstance(argument, bool) and least <= argument <= most


def _is_table(argument: Any) -> bool:
    return (
        isinstance(argument, dict)
        and 0 < len(argument) <= _ENTRIES_MOST
        and all(said and isinstance(to, str) for said, to in argument.items())
    )


_A_TABLE = 'a table such as {"GmbH & Co": "GmbH"}'
_ARGUMENTS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(("prefix", "suffix"), (_is_text, "a text")),
    **dict.fromkeys(("split", "join"), (_is_text, 'a separator such as ";"')),
    **dict.fromkeys(("replace", "translate"), (_is_table, _A_TABLE)),
    "truncate": (lambda given: _is_number(given, 1, _LENGTH_MOST), "a number of characters"),
    "item": (
        lambda given: given != 0 and _is_number(given, -1000, 1000),
        "a place in the list: 1 is the first, -1 the last",
    ),
    "phone": (lambda given: isinstance(given, str) and given in COUNTRIES, 'a country such as "DE"'),
}
STEPS = (*_PLAIN, *(name for name in _ARGUMENTS if name not in _PLAIN), *_READING)


def _as_steps(given: Any) -> Any:
    """One step needs no list."""
    if given is None:
        return ()
    return (given,) if isinstance(given, str | dict) else given


def _known_steps(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    if len(steps) > _STEPS_MOST:
        raise ValueError(f"a row takes up to {_STEPS_MOST} steps")
    for step in steps:
        _check(step)
    return steps


def _check(step: Step) -> None:
    name, argument = _parts(step)
    if isinstance(step, str):
        if name not in _PLAIN and name not in _READING:
            wants = f' It takes {_ARGUMENTS[name][1]}: {{"{name}": …}}.' if name in _ARGUMENTS else ""
            raise ValueError(f'"{name[:40]}" is no step of its own.{wants} Steps are {", ".join(STEPS)}')
    elif len(step) != 1 or name not in _ARGUMENTS:
        known = ", ".join(_ARGUMENTS)
        raise ValueError(f'a step is a name, or {{"prefix": "Dr. "}}: one name with its argument, of {known}')
    elif not _ARGUMENTS[name][0](argument):
        raise ValueError(f"{name} takes {_ARGUMENTS[name][1]}")


Steps = Annotated[tuple[Step, ...], BeforeValidator(_as_steps), AfterValidator(_known_steps)]

# --- Applying ---------------------------------------------------------------------------------------------------------


def reading(steps: tuple[Step, ...]) -> Transform | None:
    """The step that does not change the value but says how its column reads it."""
    return next((Transform(step) for step in steps if step in _READING), None)


def changes_values(steps: tuple[Step, ...]) -> bool:
    return any(step not in _READING for step in steps)


def is_inline(name: str) -> bool:
    """Whether a template may name the step: `{LastName|upper}`."""
    return name in _PLAIN


def transformed(value: FieldValue, steps: tuple[Step, ...]) -> Transformed:
    """The value after every step."""
    warnings: list[str] = []
    for step in steps:
        if is_missing(value):
            break
        if step not in _READING:
            value = _applied(value, step, warnings)
    return Transformed(value, tuple(warnings))


def _applied(value: FieldValue, step: Step, warnings: list[str]) -> FieldValue:
    name, argument = _parts(step)
    if name in _OF_LISTS:
        return _of_list(value, name, argument)
    if isinstance(value, list):
        return [_of_text(as_text(item), name, argument, warnings) for item in value if not is_blank(item)]
    return _of_text(as_text(value), name, argument, warnings)


def _of_text(text: str, name: str, argument: Any, warnings: list[str]) -> str:
    after = _PLAIN[name](text) if argument is None else _WITH_ARGUMENT[name](text, argument)
    if after is None:
        warnings.append(f'"{text[:60]}" cannot be read as {_CALLED[name]}; it was kept as it was written.')
        return text
    return after


_CALLED = {"phone": "a phone number", "url": "the address of a site"}


def _of_list(value: FieldValue, name: str, argument: Any) -> FieldValue:
    if name == "split":
        parts = [part for item in _items(value) for part in item.split(argument)]
        return [part.strip() for part in parts if part.strip()]
    if name == "join":
        return str(argument).join(_items(value))
    items = _items(value)
    place = argument - 1 if argument > 0 else argument
    return items[place] if -len(items) <= place < len(items) else None


def _items(value: FieldValue) -> list[str]:
    items = value if isinstance(value, list) else [as_text(value)]
    return [text for item in items if (text := as_text(item))]


def _parts(step: Step) -> tuple[str, Any]:
    return (step, None) if isinstance(step, str) else next(iter(step.items()), ("", None))
