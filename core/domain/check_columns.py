"""What a check says of the mapped tables: columns that are gone, closed or required, held against live metadata."""

from collections.abc import Iterator, Mapping, Sequence

from core.domain.check_steps import CheckStep, failed, not_asked, note, passed
from core.domain.checked import Checked
from core.domain.mapping import FieldMapping, MappingRow, Policy
from core.domain.table import Column, Table
from core.errors import SyncError


def column_steps(checked: Checked, tables: Mapping[str, Table] | SyncError | None) -> Iterator[CheckStep]:
    if tables is None or isinstance(tables, SyncError):
        yield not_asked("columns", tables, "The tables could not be asked for.")
        return
    for name in checked.tables:
        mapping = checked.mappings.get(name)
        if mapping is None:
            message = f"There is no mapping for {name}, which an action on this connection writes."
            yield failed(f"columns.{name}", message, "mapping_missing")
        else:
            yield _columns(mapping, tables[name])
            yield _required(checked, mapping, tables[name])
            yield from _secured(mapping, tables[name])
    for name, columns in checked.searched.items():
        yield _searched(tables[name], columns)


def _columns(mapping: FieldMapping, table: Table) -> CheckStep:
    name = f"columns.{table.name}"
    missing = [row.column for row in mapping.rows if row.column not in table.columns]
    if missing:
        message = f"Mapped columns are not in {table.name} any more: {', '.join(missing)}."
        return failed(name, message, "column_missing")
    closed = [row.column for row in mapping.rows if not _is_writable(row, table.columns[row.column])]
    if closed:
        return failed(name, f"Mapped columns of {table.name} cannot be written: {', '.join(closed)}.", "read_only")
    return passed(name, f"All {len(mapping.rows)} mapped columns are there and can be written.")


def _is_writable(row: MappingRow, column: Column) -> bool:
    return column.creatable or (column.updatable and row.policy is not Policy.CREATE_ONLY)


def _secured(mapping: FieldMapping, table: Table) -> Iterator[CheckStep]:
    """Only who tries to write one knows whether he may."""
    secured = [name for name in mapping.mapped if (column := table.columns.get(name)) and column.secured]
    if secured:
        message = (
            f"Mapped columns of {table.name} are secured: {', '.join(secured)}. Rows are written without them where "
        )
        yield note(f"secured.{table.name}", f"{message}the application user has no profile for them.", "secured")


def _searched(table: Table, columns: Sequence[str]) -> CheckStep:
    name = f"lookups.{table.name}"
    missing = [f"{table.name}.{column}" for column in columns if column not in table.columns]
    if missing:
        return failed(name, f"Columns that mapped links go by are gone: {', '.join(missing)}.", "lookup_by_missing")
    return passed(name, f"Mapped links to {table.name} can be found by {', '.join(columns)}.")


def _required(checked: Checked, mapping: FieldMapping, table: Table) -> CheckStep:
    name = f"required.{table.name}"
    mapped = {row.column for row in mapping.rows}
    missing = [column.name for column in table.columns.values() if column.required and column.name not in mapped]
    if not missing:
        return passed(name, "Every required column is mapped.")
    message = f"Columns that Dynamics requires of a {table.name} are not mapped: {', '.join(missing)}."
    creates = any(action.enabled and action.create == table.name for action in checked.actions)
    return failed(name, message, "required_unmapped") if creates else note(name, message, "required_unmapped")
