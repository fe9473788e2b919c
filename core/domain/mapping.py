"""How prospect fields become columns of one table of one connection (product.md, section 3).

Duty: a mapping's saved version, and the values it gives for one capture. What a row of it may say is `mapping_row`'s,
where values come from `sources`', how one fits its column `conversion`'s; what is wrong with a mapping is `findings`';
what an existing row keeps is `update_policy`'s.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field

from core.domain.conversion import Content, Converted, Misfit, Rules, convert, lookup_target, quoted, reference_queries
from core.domain.mapping_row import MappingRow, Policy
from core.domain.references import ReferenceQuery, References
from core.domain.sources import Sources
from core.domain.table import LOOKUP_TYPES, Column, Table, Target
from core.domain.transforms import Transformed, transformed
from core.domain.values import FieldValue, as_text, is_missing

__all__ = [
    "ColumnValue",
    "FieldMapping",
    "Mapped",
    "MappingRow",
    "NotTaken",
    "Policy",
    "Refusal",
    "Sources",
    "map_fields",
    "row_value",
    "wanted_references",
]


# What is accepted depends on more than the type.
_WITH_LIMITS = (
    "Picklist",
    "MultiSelectPicklist",
    "Status",
    "Boolean",
    "Integer",
    "BigInt",
    "Decimal",
    "Double",
    "Money",
)


class FieldMapping(BaseModel):
    """A saved version, with the facts about its columns as they were when it was saved."""

    model_config = ConfigDict(frozen=True)

    table: str
    version: int = 0
    rows: tuple[MappingRow, ...]
    columns: dict[str, Column] = {}
    doubted_at: datetime | None = None  # when a value that did not fit had the facts read anew
    time_zone: Annotated[str, Field(exclude=True)] = "UTC"  # the connection's as it is now, so never stored

    @property
    def mapped(self) -> tuple[str, ...]:
        """The columns that it fills."""
        return tuple(row.column for row in self.rows)

    def in_zone(self, time_zone: str) -> Self:
        return self.model_copy(update={"time_zone": time_zone})

    def with_facts(self, table: Table) -> Self:
        """The mapping with the facts about its columns, and about required ones, as the table has them now."""
        named = {row.column for row in self.rows}
        facts = {name: column for name, column in table.columns.items() if name in named or column.required}
        return self.model_copy(update={"columns": facts})


@dataclass(frozen=True, slots=True)
class ColumnValue:
    """A value that is fit for its column; None erases. A lookup's is the id of a row of its target."""

    column: str
    value: Content | None
    policy: Policy
    target: Target | None = None


@dataclass(frozen=True, slots=True)
class NotTaken:
    """What a column could not hold, or not whole: a note may."""

    label: str
    column: str
    text: str


class Refusal(NamedTuple):
    """A value that its row's own setting lets fail the whole; `code` says in which way it does not fit."""

    column: str
    message: str
    code: str


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a mapping gives for one capture."""

    values: tuple[ColumnValue, ...] = ()
    warnings: tuple[str, ...] = ()
    failures: tuple[Refusal, ...] = ()
    not_taken: tuple[NotTaken, ...] = ()
    is_in_doubt: bool = False  # what did not fit may fit the table as it is by now


def wanted_references(mapping: FieldMapping, sources: Sources) -> tuple[ReferenceQuery, ...]:
    """The rows of other tables that have to be looked up before this capture can be mapped."""
    wanted: dict[ReferenceQuery, None] = {}
    for row in mapping.rows:
        column = mapping.columns.get(row.column)
        if column and column.type in LOOKUP_TYPES:
            said = row_value(row, sources).value
            value = row.default if is_missing(said) else said
            wanted |= dict.fromkeys(reference_queries(column, value, row.rules(mapping.time_zone, {})))
    return tuple(wanted)


def row_value(row: MappingRow, sources: Sources) -> Transformed:
    """What the row's origin gives, before a default and before its column is asked."""
    return Transformed(row.constant) if row.source is None else transformed(sources[row.source], row.transform)


def map_fields(mapping: FieldMapping, sources: Sources, references: References | None = None) -> Mapped:
    """The columns' values, without those that the capture says nothing of."""
    work = _Work(sources)
    for row in mapping.rows:
        if column := mapping.columns.get(row.column):
            _RowMapper(row, column, row.rules(mapping.time_zone, references or {}), work).map()
        else:
            work.is_in_doubt = True
            work.warnings.append(f"{row.column} was left out: Dynamics does not have this column any more.")
    told = tuple(work.warnings), tuple(work.failures), tuple(work.not_taken)
    return Mapped(tuple(work.values), *told, is_in_doubt=work.is_in_doubt)


def _rests_on_facts(column: Column, read: Converted | Misfit) -> bool:
    """Whether the column's length, options or range are why a value did not fit: somebody may have changed them."""
    if isinstance(read, Misfit):
        return read.setting == "too_long" or (read.setting == "on_unknown" and column.type in _WITH_LIMITS)
    return read.is_cut or (column.type == "MultiSelectPicklist" and bool(read.warning))


@dataclass(slots=True)
class _Work:
    """One capture's values, and what is to be told, as they are gathered."""

    sources: Sources
    values: list[ColumnValue] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    failures: list[Refusal] = field(default_factory=list)
    not_taken: list[NotTaken] = field(default_factory=list)
    is_in_doubt: bool = False


@dataclass(frozen=True, slots=True)
class _RowMapper:
    """One row at work on one capture."""

    row: MappingRow
    column: Column
    rules: Rules
    work: _Work

    def map(self) -> None:
        row, sources = self.row, self.work.sources
        if row.source is None:
            self._put(row.constant, row.policy)
            return
        self._tell_placeholders(row.source)
        if row.policy is Policy.CLEAR_IF_BLANK and sources.is_left_blank(row.source):
            self._clear(row.source)
        elif is_missing(value := self._said(row.source)):
            self._put_default()
        else:
            self._put(value, row.policy if sources.is_said(row.source) else self._filling())

    def _said(self, source: str) -> FieldValue:
        value, after = self.work.sources[source], row_value(self.row, self.work.sources)
        self.work.warnings.extend(f"{self._label}: {warning}" for warning in after.warnings)
        if is_missing(after.value) and not is_missing(value):
            self.work.warnings.append(
                f"{self._label}: nothing is left of {quoted(as_text(value))} after its transform."
            )
        return after.value

    def _tell_placeholders(self, source: str) -> None:
        self.work.warnings.extend(
            f"{source} holds a placeholder ({as_text(placeholder)[:60]}), which was taken as missing."
            for placeholder in self.work.sources.placeholders(source)
        )

    def _clear(self, source: str) -> None:
        """By the default, where there is one. A question that was not asked erases nothing, nor does a word from before
        the blank.
        """
        if not self.work.sources.is_left_blank_here(source):
            self._put_default()
        elif is_missing(self.row.default):
            target = lookup_target(self.column, self.rules)  # which also says how a link is taken away
            self.work.values.append(ColumnValue(self.row.column, None, self.row.policy, target))
        else:
            self._put(self.row.default, self.row.policy)

    def _put_default(self) -> None:
        """A default stands in for what nobody said, so it never replaces what somebody did."""
        self._put(self.row.default, self._filling())

    def _filling(self) -> Policy:
        """What this capture does not say itself only fills blanks: the row may know better by now."""
        return self.row.policy if self.row.policy is Policy.CREATE_ONLY else Policy.FILL_IF_EMPTY

    def _put(self, value: FieldValue, policy: Policy) -> None:
        if is_missing(value):
            return
        read = convert(self.column, value, self.rules)
        self.work.is_in_doubt |= _rests_on_facts(self.column, read)
        match read:
            case Misfit() as misfit:
                self._leave_out(value, misfit)
            case Converted() as converted:
                self.work.values.append(ColumnValue(self.row.column, converted.value, policy, converted.target))
                if converted.warning:
                    self.work.warnings.append(converted.warning)
                if converted.is_cut:
                    self._keep_for_note(value)

    def _leave_out(self, value: FieldValue, misfit: Misfit) -> None:
        if self.row.fails(misfit):
            self.work.failures.append(Refusal(self.row.column, misfit.message, _code(misfit, self.column)))
            return
        self.work.warnings.append(f"{self._label} was left out: {misfit.message}")
        self._keep_for_note(value)

    def _keep_for_note(self, value: FieldValue) -> None:
        self.work.not_taken.append(NotTaken(self._label, self.row.column, as_text(value)))

    @property
    def _label(self) -> str:
        return self.work.sources.label(self.row.source) if self.row.source else "constant"


_CODES: Mapping[str, str] = {"too_long": "too_long", "on_missing": "no_such_row", "on_many": "several_rows"}
_CODES_BY_TYPE: Mapping[str, str] = {
    **dict.fromkeys(("Picklist", "MultiSelectPicklist", "Status", "Boolean"), "unknown_option"),
    **dict.fromkeys(("Integer", "BigInt", "Decimal", "Double", "Money"), "unfit_number"),
    **dict.fromkeys(("String", "Memo"), "unfit_email"),  # any other text fits
    **dict.fromkeys(LOOKUP_TYPES, "no_such_row"),
    "DateTime": "unfit_date",
    "Uniqueidentifier": "unfit_id",
}


def _code(misfit: Misfit, column: Column) -> str:
    return _CODES.get(misfit.setting) or _CODES_BY_TYPE[column.type]
