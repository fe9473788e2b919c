"""How prospect fields become columns of one table of one connection (product.md, section 3).

Duty: a mapping's shape, its validation against a table's live metadata, and the values it gives for one capture.
How one value fits one column is `conversion`'s; what an existing row keeps is `update_policy`'s.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.domain.capture import Capture
from core.domain.conversion import SUPPORTED_TYPES, Content, Misfit, Rules, convert
from core.domain.prospect import Prospect, field_name
from core.domain.table import EMAIL_COLUMNS, Column, Table
from core.domain.values import FieldValue, as_text, is_blank, is_missing, is_placeholder

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

    @model_validator(mode="after")
    def _has_one_origin(self) -> Self:
        if (self.source is None) == (self.constant is None):
            raise ValueError("a row takes its value from `source` or from `constant`: give one of them")
        return self

    def rules(self) -> Rules:
        return Rules(self.choices, self.too_long, self.on_unknown)


class FieldMapping(BaseModel):
    """A saved version, with the facts about its columns as they were when it was saved."""

    model_config = ConfigDict(frozen=True)

    table: str
    version: int = 0
    rows: tuple[MappingRow, ...]
    columns: dict[str, Column] = {}


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
        """Whether this capture holds the source at all; a question that was hidden is not a blank."""
        return all(field_name(name) in self._said for name in _names(source))

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
        result = _mapped_value(row, mapping.columns[row.column], sources, warnings)
        match result:
            case ColumnValue():
                values.append(result)
            case Misfit(message) if _fails(row, mapping.columns[row.column]):
                failures.append((row.column, message))
            case Misfit(message):
                warnings.append(f"{row.source or 'constant'} was left out: {message}")
            case None:
                pass
    return Mapped(tuple(values), tuple(warnings), tuple(failures))


def _mapped_value(
    row: MappingRow, column: Column, sources: Sources, warnings: list[str]
) -> ColumnValue | Misfit | None:
    if row.source is None:
        return _converted(row, column, row.constant, row.policy, warnings)
    warnings += [
        f"{row.source} holds a placeholder ({as_text(placeholder)[:60]}), which was taken as missing."
        for placeholder in sources.placeholders(row.source)
    ]
    if row.policy is Policy.CLEAR_IF_BLANK and sources.is_left_blank(row.source):
        if not sources.is_asked(row.source):
            return _default(row, column, warnings)
        return _converted(row, column, row.default, row.policy, warnings) or ColumnValue(row.column, None, row.policy)
    return _converted(row, column, sources[row.source], row.policy, warnings) or _default(row, column, warnings)


def _default(row: MappingRow, column: Column, warnings: list[str]) -> ColumnValue | Misfit | None:
    """A default stands in for what nobody said, so it never replaces what somebody did."""
    policy = row.policy if row.policy is Policy.CREATE_ONLY else Policy.FILL_IF_EMPTY
    return _converted(row, column, row.default, policy, warnings)


def _converted(
    row: MappingRow, column: Column, value: FieldValue, policy: Policy, warnings: list[str]
) -> ColumnValue | Misfit | None:
    if is_missing(value):
        return None
    converted = convert(column, value, row.rules())
    if isinstance(converted, Misfit):
        return converted
    if converted.warning:
        warnings.append(converted.warning)
    return ColumnValue(row.column, converted.value, policy)


def _fails(row: MappingRow, column: Column) -> bool:
    return (row.on_unknown if column.type == "Picklist" else row.too_long) == "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a mapping cannot be saved: the part of it, and a sentence that says what would be accepted."""

    field: str
    message: str


def findings(rows: tuple[MappingRow, ...], table: Table) -> list[Finding]:
    """What is wrong with these rows, held against the table's metadata; empty when nothing is."""
    found = [finding for index, row in enumerate(rows) for finding in _row_findings(index, row, rows, table)]
    mapped = {row.column for row in rows}
    missing = [column for column in table.columns.values() if column.required and column.name not in mapped]
    return found + [Finding("rows", _missing_column(column, table)) for column in missing]


def _missing_column(column: Column, table: Table) -> str:
    label = f" ({column.label})" if column.label else ""
    return f"{table.name}.{column.name}{label} is required in Dynamics: map it from a field, or give it a constant."


def _row_findings(index: int, row: MappingRow, rows: tuple[MappingRow, ...], table: Table) -> Iterable[Finding]:
    where = f"rows.{index}.column"
    column = table.columns.get(row.column)
    if column is None:
        yield Finding(where, f"{table.name} has no column {row.column}.{_near(row.column, table.columns)}")
    elif not column.creatable and not column.updatable:
        yield Finding(where, f"{table.name}.{row.column} cannot be written: Dynamics fills it itself.")
    elif column.type not in SUPPORTED_TYPES:
        types = ", ".join(SUPPORTED_TYPES)
        yield Finding(where, f"{table.name}.{row.column} is of type {column.type}; so far {types} can be mapped.")
    else:
        yield from _value_findings(index, row, column)
    if row.column in {other.column for other in rows[:index]}:
        yield Finding(where, f"{row.column} is mapped twice: keep one of the rows.")


def _value_findings(index: int, row: MappingRow, column: Column) -> Iterable[Finding]:
    """Defaults, constants and translations are known now, so they are judged now."""
    if row.policy is Policy.APPEND and column.type == "Picklist":
        yield Finding(f"rows.{index}.policy", "append is for text columns; a choice takes one value.")
    if row.policy is Policy.APPEND and column.name in EMAIL_COLUMNS:
        yield Finding(f"rows.{index}.policy", "append is for texts; an e-mail column takes one address.")
    for name, given in {"default": row.default, "constant": row.constant}.items():
        if given is not None and is_missing(given):
            yield Finding(f"rows.{index}.{name}", f'"{as_text(given)}" counts as missing, so it is never written.')
    fixed = {"default": row.default, "constant": row.constant}
    fixed |= {f"choices.{said}": to for said, to in row.choices.items()}
    for name, value in fixed.items():
        if not is_missing(value):
            converted = convert(column, value, Rules(too_long="fail", on_unknown="fail"))
            if isinstance(converted, Misfit):
                yield Finding(f"rows.{index}.{name}", converted.message)


def _near(name: str, columns: Mapping[str, Column]) -> str:
    import difflib  # noqa: PLC0415  # needed only for a mistake

    near = difflib.get_close_matches(name, columns, 3)
    return f" Did you mean {' or '.join(near)}?" if near else ""
