"""What is wrong with a mapping, held against the table's live metadata when it is saved."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.domain.conversion import SUPPORTED_TYPES, Misfit, Rules, Transform, convert
from core.domain.mapping import MappingRow, Policy
from core.domain.table import EMAIL_COLUMNS, LOOKUP_TYPES, TEXT_TYPES, Column, Table, id_column
from core.domain.transforms import changes_values, reading
from core.domain.values import as_text, is_missing

_CLOSING = (
    "whether a row is open, qualified or closed is decided in Dynamics, where closing or qualifying it does more than "
    "set a column"
)
_LINK = "it holds a link to another row, and links cannot be mapped yet"
_WHY_NOT: Mapping[str, str] = {
    "Lookup": _LINK,
    "Customer": _LINK,
    "PartyList": _LINK,
    "Owner": "it says who owns the row, and owners cannot be mapped yet",
    "State": _CLOSING,
    "Status": _CLOSING,
    "Image": "it holds a picture, and mappings take values only",
    "File": "it holds a file, and mappings take values only",
    "EntityName": "it says which table a link leads to, and Dynamics fills it with the link",
}
_TRANSFORMS: Mapping[Transform, tuple[str, ...]] = {
    Transform.DAY_FIRST: ("DateTime",),
    Transform.MONTH_FIRST: ("DateTime",),
    Transform.DECIMAL_COMMA: ("Integer", "BigInt", "Decimal", "Double", "Money"),
    Transform.DECIMAL_POINT: ("Integer", "BigInt", "Decimal", "Double", "Money"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a mapping cannot be saved: the part of it, and a sentence that says what would be accepted."""

    field: str
    message: str


def findings(rows: tuple[MappingRow, ...], table: Table) -> list[Finding]:
    """Everything that is wrong with these rows; empty when nothing is."""
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
    elif why := _why_not(column, table):
        yield Finding(where, f"{table.name}.{row.column} cannot be {why}.")
    else:
        yield from _policy_findings(index, row, column)
        yield from _value_findings(index, row, column)
    if row.column in {other.column for other in rows[:index]}:
        yield Finding(where, f"{row.column} is mapped twice: keep one of the rows.")


def _why_not(column: Column, table: Table) -> str:
    """Why no mapping may write this column; "" when one may."""
    if not column.creatable and not column.updatable:
        return "written: Dynamics fills it itself"
    if column.name == id_column(table.name):
        return "mapped: the service gives each row its id, so that no row is made twice"
    if column.type not in SUPPORTED_TYPES or column.type in (*LOOKUP_TYPES, "Status"):
        return f"mapped: {_WHY_NOT.get(column.type, f'its type {column.type} holds no plain value')}"
    return ""


def _policy_findings(index: int, row: MappingRow, column: Column) -> Iterable[Finding]:
    if row.policy is Policy.APPEND and column.type not in TEXT_TYPES:
        yield Finding(f"rows.{index}.policy", "append is for text columns; every other column takes one value.")
    if row.policy is Policy.APPEND and column.name in EMAIL_COLUMNS:
        yield Finding(f"rows.{index}.policy", "append is for texts; an e-mail column takes one address.")
    how = reading(row.transform)
    if how and column.type not in _TRANSFORMS[how]:
        kind = "dates" if "DateTime" in _TRANSFORMS[how] else "numbers"
        yield Finding(f"rows.{index}.transform", f"{how} is for {kind}; {column.name} is of type {column.type}.")
    if row.source is None and changes_values(row.transform):
        yield Finding(
            f"rows.{index}.transform",
            "A constant is written as it stands: write what it is to be, without a transform.",
        )


def _value_findings(index: int, row: MappingRow, column: Column) -> Iterable[Finding]:
    """Defaults, constants and translations are known now, so they are judged now."""
    for name, given in {"default": row.default, "constant": row.constant}.items():
        if given is not None and is_missing(given):
            yield Finding(f"rows.{index}.{name}", f'"{as_text(given)}" counts as missing, so it is never written.')
    fixed = {"default": row.default, "constant": row.constant}
    fixed |= {f"choices.{said}": to for said, to in row.choices.items()}
    rules = Rules(too_long="fail", on_unknown="fail", transform=reading(row.transform))
    for name, value in fixed.items():
        if not is_missing(value):
            converted = convert(column, value, rules)
            if complaint := converted.message if isinstance(converted, Misfit) else converted.warning:
                yield Finding(f"rows.{index}.{name}", complaint)


def _near(name: str, columns: Mapping[str, Column]) -> str:
    import difflib  # noqa: PLC0415  # needed only for a mistake

    near = difflib.get_close_matches(name, columns, 3)
    return f" Did you mean {' or '.join(near)}?" if near else ""
