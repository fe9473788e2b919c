"""What becomes of one value on its way into a column, and what its mapping row says about reading it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.domain.references import References
from core.domain.table import Target

Content = str | int | float | bool
SAID_MOST = 60  # as much of a value as a message repeats


class Transform(StrEnum):
    """How to read what can be read two ways."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"
    DECIMAL_COMMA = "decimal_comma"
    DECIMAL_POINT = "decimal_point"


class LookupRule(BaseModel):
    """How a lookup finds the row that a value names, and what to do when it finds none or several."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: Annotated[str | None, Field(description="Where the column may lead to several tables: which.")] = None
    by: Annotated[str | None, Field(description="The column that names a row; by default, the table's name.")] = None
    on_missing: Literal["leave_out", "fail"] = "leave_out"
    on_many: Literal["leave_out", "fail", "first"] = "leave_out"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a mapping row, and its connection, say about reading a value; and the rows that lookups can find."""

    choices: Mapping[str, int | str] = field(default_factory=dict)  # what the form says → what the column calls it
    too_long: Literal["truncate", "fail"] = "truncate"
    on_unknown: Literal["leave_out", "fail"] = "leave_out"
    transform: Transform | None = None
    time_zone: str = "UTC"  # of values that name none
    lookup: LookupRule = field(default_factory=LookupRule)
    references: References = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Misfit:
    """The value cannot stand in the column; the message names what would be accepted. `setting` is the one that says
    whether the row fails.
    """

    message: str
    setting: Literal["on_unknown", "too_long", "on_missing", "on_many"] = "on_unknown"


@dataclass(frozen=True, slots=True)
class Converted:
    """What goes over the wire, and a warning where something was lost or decided on the way."""

    value: Content
    warning: str = ""
    target: Target | None = None  # of a lookup, whose value is the row's id
    is_cut: bool = False  # the text is longer than its column


def quoted(said: str) -> str:
    """A value as messages repeat it."""
    return f'"{said[:SAID_MOST]}…"' if len(said) > SAID_MOST else f'"{said}"'
