"""What is wrong with a mapping, held against the table's live metadata when it is saved."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.domain.conversion import SUPPORTED_TYPES, LookupRule, Misfit, Rules, Transform, convert, lookup_target
from core.domain.mapping import MappingRow, Policy
from core.domain.source_findings import why_unreadable
from core.domain.table import EMAIL_COLUMNS, LOOKUP_TYPES, TEXT_TYPES, Column, Table, Target, id_column
from core.domain.transforms import changes_values, reading
from core.domain.values import FieldValue, as_text, is_missing

_CLOSING = (
    "whether a row is open, qualified or closed is decided in Dynamics, where closing or qualifying it does more than "
    "set a column"
)
_WHY_NOT: Mapping[str, str] = {
    "PartyList": "it holds links to several rows, and a mapping gives one value",
    "State": _CLOSING,
    "Image": "it holds a picture, and mappings take values only",
    "File": "it holds a file, and mappings take values only",
    "EntityName": "it says which table a link leads to, and Dynamics fills it with the link",
}
_READING: Mapping[Transform, tuple[str, ...]] = {
    Transform.DAY_FIRST: ("DateTime",),
    Transform.MONTH_FIRST: ("DateTime",),
    Transform.DECIMAL_COMMA: ("Integer", "BigInt", "Decimal", "Double", "Money"),
    Transform.DECIMAL_POINT: ("Integer", "BigInt", "Decimal", "Double", "Money"),
}
_TRANSLATED = ("Picklist", "MultiSelectPicklist", "Status", "Boolean", *LOOKUP_TYPES)


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a mapping cannot be saved: the part of it, and a sentence that says what would be accepted."""

    field: str
    message: str


def findings(rows: tuple[MappingRow, ...], table: Table, targets: Mapping[str, Table] | None = None) -> list[Finding]:
    """Everything that is wrong with these rows; empty when nothing is. `targets` are the `tables_to_describe`."""
    found: list[Finding] = []
    for index, row in enumerate(rows):
        about = (_complaints(row, table, targets or {}), _about_source(row), _doubles(row, rows[:index]))
        found.extend(Finding(f"rows.{index}.{field}", message) for part in about for field, message in part)
    mapped = {row.column for row in rows}
    missing = [column for column in table.columns.values() if column.required and column.name not in mapped]
    return found + [Finding("rows", _missing_column(column, table)) for column in missing]


def tables_to_describe(rows: tuple[MappingRow, ...], table: Table) -> set[str]:
    """The tables whose columns have to be known before the rows can be judged."""
    wanted = set()
    for row in rows:
        column = table.columns.get(row.column)
        target = _target(row, column) if column and row.lookup.by else None
        wanted |= {target.table} if target else set()
    return wanted


_Complaint = tuple[str, str]  # the part of the row, and the sentence


def _missing_column(column: Column, table: Table) -> str:
    label = f" ({column.label})" if column.label else ""
    return f"{table.name}.{column.name}{label} is required in Dynamics: map it from a field, or give it a constant."


def _doubles(row: MappingRow, earlier: tuple[MappingRow, ...]) -> Iterable[_Complaint]:
    if row.column in {other.column for other in earlier}:
        yield "column", f"{row.column} is mapped twice: keep one of the rows."


def _complaints(row: MappingRow, table: Table, targets: Mapping[str, Table]) -> Iterable[_Complaint]:
    column = table.columns.get(row.column)
    if column is None:
        yield "column", f"{table.name} has no column {row.column}.{_near(row.column, table.columns)}"
    elif why := why_not_mappable(column, table):
        yield "column", why
    else:
        yield from _about_policy(row, column)
        yield from _about_transform(row, column)
        yield from _about_lookup(row, column, targets)
        yield from _about_values(row, column)


def _about_source(row: MappingRow) -> Iterable[_Complaint]:
    if row.source is not None and (why := why_unreadable(row.source)):
        yield "source", why


def why_not_mappable(column: Column, table: Table) -> str:
    """Why no mapping may write this column, as a sentence; "" when one may."""
    why = _why_not(column, table)
    return f"{table.name}.{column.name} cannot be {why}." if why else ""


def _why_not(column: Column, table: Table) -> str:
    if column.type == "State":
        return f"mapped: {_CLOSING}"
    if not column.creatable and not column.updatable:
        return "written: Dynamics fills it itself"
    if column.name == id_column(table.name):
        return "mapped: the service gives each row its id, so that no row is made twice"
    if column.type not in SUPPORTED_TYPES:
        return f"mapped: {_WHY_NOT.get(column.type, f'its type {column.type} holds no plain value')}"
    if column.type in LOOKUP_TYPES and not column.targets:
        return "mapped: Dynamics does not say to which table it leads"
    return ""


def _about_policy(row: MappingRow, column: Column) -> Iterable[_Complaint]:
    match row.policy:
        case Policy.APPEND if column.type not in TEXT_TYPES:
            yield "policy", "append is for text columns; every other column takes one value."
        case Policy.APPEND if column.name in EMAIL_COLUMNS:
            yield "policy", "append is for texts; an e-mail column takes one address."
        case Policy.CLEAR_IF_BLANK if column.required or column.type == "Owner":
            yield "policy", f"{column.name} must not be empty in Dynamics, so a blank cannot clear it."
        case Policy.CREATE_ONLY if not column.creatable:
            yield "policy", f"{column.name} cannot be set when a row is created, so create_only would never write it."
        case policy if policy is not Policy.CREATE_ONLY and column.type == "Status":
            yield "policy", f"{column.name} can be given to a new row only: set the policy to create_only."


def _about_transform(row: MappingRow, column: Column) -> Iterable[_Complaint]:
    how = reading(row.transform)
    if how and column.type not in _READING[how]:
        kind = "dates" if "DateTime" in _READING[how] else "numbers"
        yield "transform", f"{how} is for {kind}; {column.name} is of type {column.type}."
    if row.source is None and changes_values(row.transform):
        yield "transform", "A constant is written as it stands: write what it is to be, without a transform."
    if row.choices and column.type not in _TRANSLATED:
        yield "choices", f'choices are for columns with options and for links; give {column.name} {{"translate": …}}.'


def _target(row: MappingRow, column: Column) -> Target | None:
    is_lookup = column.type in LOOKUP_TYPES and column.type != "Owner"
    return lookup_target(column, Rules(lookup=row.lookup)) if is_lookup else None


def _about_lookup(row: MappingRow, column: Column, targets: Mapping[str, Table]) -> Iterable[_Complaint]:
    if column.type not in LOOKUP_TYPES:
        if row.lookup != LookupRule():
            yield "lookup", f"lookup is for links to other rows; {column.name} is of type {column.type}."
        return
    names = " or ".join(target.table for target in column.targets)
    if row.lookup.table and row.lookup.table not in {target.table for target in column.targets}:
        yield "lookup.table", f"{column.name} leads to {names}, not to {row.lookup.table}."
    elif column.type == "Owner" and row.lookup.by:
        yield "lookup.by", "An owner is found by e-mail address or name; leave `by` out."
    elif column.type != "Owner" and (target := _target(row, column)) is None:
        yield "lookup.table", f"{column.name} leads to {names}: name one of them as the lookup's table."
    elif column.type != "Owner" and target:
        yield from _about_by(row, target, targets.get(target.table))


def _about_by(row: MappingRow, target: Target, live: Table | None) -> Iterable[_Complaint]:
    by = row.lookup.by
    if not by and not target.name_column:
        yield "lookup.by", f"{target.table} has no column that names its rows: say by which text column they are found."
    if not by or live is None:
        return
    column = live.columns.get(by)
    if column is None:
        yield "lookup.by", f"{target.table} has no column {by}.{_near(by, live.columns)}"
    elif column.type not in TEXT_TYPES:
        yield "lookup.by", f"{target.table}.{by} is of type {column.type}; rows are found by a text column."


def _about_values(row: MappingRow, column: Column) -> Iterable[_Complaint]:
    """Defaults, constants and translations are known now, so they are judged now."""
    for name, given in {"default": row.default, "constant": row.constant}.items():
        if given is None:
            continue
        if is_missing(given):
            yield name, f'"{as_text(given)}" counts as missing, so it is never written.'
        elif column.name in EMAIL_COLUMNS:
            yield name, f"An e-mail address says who somebody is: one {name} would make everybody the same person."
        else:
            yield from _misfits(row, column, name, given)
    yield from _contradictions(row)
    for said, to in row.choices.items():
        if column.type in _TRANSLATED and not is_missing(to):
            yield from _misfits(row, column, f"choices.{said}", to)


def _contradictions(row: MappingRow) -> Iterable[_Complaint]:
    """Translations of the same words, which are read in any case."""
    seen: dict[str, tuple[str, str]] = {}
    for said, to in row.choices.items():
        first, meaning = seen.setdefault(said.strip().casefold(), (said, str(to)))
        if meaning != str(to):
            yield f"choices.{said}", f'"{said}" and "{first}" are the same words, and mean two things: keep one.'


def _misfits(row: MappingRow, column: Column, name: str, value: FieldValue) -> Iterable[_Complaint]:
    """What would be left out, cut, rounded or decided at every capture. Rows that links name come and go."""
    if column.type in LOOKUP_TYPES:
        return
    converted = convert(column, value, Rules(too_long="fail", on_unknown="fail", transform=reading(row.transform)))
    if complaint := converted.message if isinstance(converted, Misfit) else converted.warning:
        yield name, complaint


def _near(name: str, columns: Mapping[str, Column]) -> str:
    import difflib  # noqa: PLC0415  # needed only for a mistake

    near = difflib.get_close_matches(name, columns, 3)
    return f" Did you mean {' or '.join(near)}?" if near else ""
