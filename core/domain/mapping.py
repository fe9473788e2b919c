"""How prospect fields become columns of one table of one connection (product.md, section 3).

Duty: a mapping's shape, and the values it gives for one capture. How one value fits one column is `conversion`'s;
what is wrong with a mapping is `findings`'; what an existing row keeps is `update_policy`'s.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.domain.capture import Capture
from core.domain.conversion import Content, Misfit, Rules, Transform, convert
from core.domain.prospect import Prospect, field_name
from core.domain.table import TEXT_TYPES, Column
from core.domain.values import FieldValue, as_text, is_blank, is_missing, is_placeholder

_HIDDEN = "{{hidden}}"  # a question this capture does not hold; a placeholder like any other
_TEMPLATE_FIELD = re.compile(r"\{([^{}]+)\}")


class Policy(StrEnum):
    OVERWRITE = "overwrite"
    FILL_IF_EMPTY = "fill_if_empty"
    APPEND = "append"
    CREATE_ONLY = "create_only"
    CLEAR_IF_BLANK = "clear_if_blank"


class MappingRow(BaseModel):
    """One row: where a value comes from, and the column it goes to.

    `source` is a field (`Email`), an answer (`q.12`, `q.Interests`), another part of the capture (`form.event`,
    `submission.captured_by`, `prospect.owner`), or a template over several (`{FirstName} {LastName}`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,127}$", examples=["emailaddress1"])]
    source: Annotated[str | None, Field(min_length=1, max_length=500, examples=["Email"])] = None
    policy: Policy = Policy.OVERWRITE
    default: FieldValue = None
    constant: FieldValue = None
    choices: dict[str, int | str] = {}
    too_long: Literal["truncate", "fail"] = "truncate"
    on_unknown: Literal["leave_out", "fail"] = "leave_out"
    transform: Transform | None = None

    @model_validator(mode="after")
    def _has_one_origin(self) -> Self:
        if (self.source is None) == (self.constant is None):
            raise ValueError("a row takes its value from `source` or from `constant`: give one of them")
        return self

    def rules(self, time_zone: str) -> Rules:
        return Rules(self.choices, self.too_long, self.on_unknown, self.transform, time_zone)


class FieldMapping(BaseModel):
    """A saved version, with the facts about its columns as they were when it was saved."""

    model_config = ConfigDict(frozen=True)

    table: str
    version: int = 0
    rows: tuple[MappingRow, ...]
    columns: dict[str, Column] = {}
    time_zone: Annotated[str, Field(exclude=True)] = "UTC"  # the connection's as it is now, so never stored

    def in_zone(self, time_zone: str) -> Self:
        return self.model_copy(update={"time_zone": time_zone})


@dataclass(frozen=True, slots=True)
class ColumnValue:
    """A value that is fit for its column; None erases."""

    column: str
    value: Content | None
    policy: Policy


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a mapping gives for one capture. A `failure` is a row that its own setting lets fail the whole."""

    values: tuple[ColumnValue, ...] = ()
    warnings: tuple[str, ...] = ()
    failures: tuple[tuple[str, str], ...] = ()  # column, message


class Sources:
    """Everything a mapping may name: the merged person's fields, then what this capture says, by name in any case."""

    def __init__(self, person: Prospect, capture: Capture) -> None:
        self._said = {field_name(name): value for name, value in capture.values()}
        self._fields = person.fields

    def __getitem__(self, source: str) -> FieldValue:
        """The value of a source or template; of a template without any of its values, None."""
        if not _TEMPLATE_FIELD.search(source):
            return self._value(source)
        if all(is_missing(self._value(name)) for name in _names(source)):
            return None
        return _collapsed(_TEMPLATE_FIELD.sub(lambda match: self._text(match[1]), source))

    def placeholders(self, source: str) -> list[FieldValue]:
        """What stands where the source or the parts of a template should."""
        return [value for name in _names(source) if is_placeholder(value := self._value(name))]

    def is_left_blank(self, source: str) -> bool:
        """Whether the last that was heard of the source, or of every part of a template, is a blank."""
        return all(map(self._is_blank, _names(source)))

    def is_asked(self, source: str) -> bool:
        """Whether this capture speaks of the source; a question that was hidden, or a placeholder, is no blank."""
        said = (self._said.get(field_name(name), _HIDDEN) for name in _names(source))
        return not any(map(is_placeholder, said))

    def _value(self, name: str) -> FieldValue:
        known = self._fields.get(field_name(name))
        return self._said.get(field_name(name)) if known is None or is_missing(known.value) else known.value

    def _is_blank(self, name: str) -> bool:
        known = self._fields.get(field_name(name))
        return is_blank(self._said.get(field_name(name))) if known is None else known.is_taken_back

    def _text(self, name: str) -> str:
        value = self._value(name)
        return "" if is_missing(value) else as_text(value)


def _names(source: str) -> list[str]:
    return _TEMPLATE_FIELD.findall(source) or [source]


def _collapsed(text: str) -> str:
    """Where a value was missing in a template, its blanks and dangling separators go as well."""
    return re.sub(r"\s+", " ", text).strip(" ,;:-–|/")


def map_fields(mapping: FieldMapping, sources: Sources) -> Mapped:
    """The columns' values, without those that the capture says nothing of."""
    values: list[ColumnValue] = []
    warnings: list[str] = []
    failures: list[tuple[str, str]] = []
    for row in mapping.rows:
        column = mapping.columns[row.column]
        result = _RowMapper(row, column, row.rules(mapping.time_zone), warnings).value(sources)
        match result:
            case ColumnValue():
                values.append(result)
            case Misfit(message) if _fails(row, column):
                failures.append((row.column, message))
            case Misfit(message):
                warnings.append(f"{row.source or 'constant'} was left out: {message}")
            case None:
                pass
    return Mapped(tuple(values), tuple(warnings), tuple(failures))


@dataclass(frozen=True, slots=True)
class _RowMapper:
    """One row at work on one capture; what is worth a warning on the way goes to `warnings`."""

    row: MappingRow
    column: Column
    rules: Rules
    warnings: list[str]

    def value(self, sources: Sources) -> ColumnValue | Misfit | None:
        row = self.row
        if row.source is None:
            return self._converted(row.constant, row.policy)
        self.warnings.extend(
            f"{row.source} holds a placeholder ({as_text(placeholder)[:60]}), which was taken as missing."
            for placeholder in sources.placeholders(row.source)
        )
        if row.policy is Policy.CLEAR_IF_BLANK and sources.is_left_blank(row.source):
            if not sources.is_asked(row.source):
                return self._default()
            return self._converted(row.default, row.policy) or ColumnValue(row.column, None, row.policy)
        return self._converted(sources[row.source], row.policy) or self._default()

    def _default(self) -> ColumnValue | Misfit | None:
        """A default stands in for what nobody said, so it never replaces what somebody did."""
        policy = self.row.policy if self.row.policy is Policy.CREATE_ONLY else Policy.FILL_IF_EMPTY
        return self._converted(self.row.default, policy)

    def _converted(self, value: FieldValue, policy: Policy) -> ColumnValue | Misfit | None:
        if is_missing(value):
            return None
        converted = convert(self.column, value, self.rules)
        if isinstance(converted, Misfit):
            return converted
        if converted.warning:
            self.warnings.append(converted.warning)
        return ColumnValue(self.row.column, converted.value, policy)


def _fails(row: MappingRow, column: Column) -> bool:
    """By `too_long` for texts, which only can be too long; by `on_unknown` for everything else."""
    return (row.too_long if column.type in TEXT_TYPES else row.on_unknown) == "fail"
