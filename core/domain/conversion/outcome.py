"""What becomes of one value on its way into a column, and what its mapping row says about reading it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Content = str | int | float | bool
SAID_MOST = 60  # as much of a value as a message repeats


class Transform(StrEnum):
    """How to read what can be read two ways."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"
    DECIMAL_COMMA = "decimal_comma"
    DECIMAL_POINT = "decimal_point"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a mapping row, and its connection, say about reading a value."""

    choices: Mapping[str, int | str] = field(default_factory=dict)  # what the form says → an option's value or label
    too_long: Literal["truncate", "fail"] = "truncate"
    on_unknown: Literal["leave_out", "fail"] = "leave_out"
    transform: Transform | None = None
    time_zone: str = "UTC"  # of values that name none


@dataclass(frozen=True, slots=True)
class Misfit:
    """The value cannot stand in the column; the message names what would be accepted."""

    message: str


@dataclass(frozen=True, slots=True)
class Converted:
    """What goes over the wire, and a warning where something was lost or decided on the way."""

    value: Content
    warning: str = ""


def quoted(said: str) -> str:
    """A value as messages repeat it."""
    return f'"{said[:SAID_MOST]}…"' if len(said) > SAID_MOST else f'"{said}"'
