"""What is checked: a connection with everything that is configured on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.domain.action import SyncAction
from core.domain.connection import Connection
from core.domain.conversion import Rules, lookup_target
from core.domain.mapping import FieldMapping, MappingRow


@dataclass(frozen=True, slots=True)
class Checked:
    connection: Connection
    mappings: Mapping[str, FieldMapping]
    actions: Sequence[SyncAction]

    @property
    def tables(self) -> tuple[str, ...]:
        """Those whose columns matter."""
        return tuple(dict.fromkeys((*self.mappings, *self.written)))

    @property
    def searched(self) -> Mapping[str, tuple[str, ...]]:
        """By table, the columns of other tables that mapped links go by, where a mapping names them."""
        ways = [way for mapping in self.mappings.values() for row in mapping.rows if (way := _way(mapping, row))]
        return {table: tuple(sorted({by for other, by in ways if other == table})) for table, _ in sorted(ways)}

    @property
    def written(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(table for action in self.actions if action.enabled for table in action.tables))


def _way(mapping: FieldMapping, row: MappingRow) -> tuple[str, str] | None:
    """The table that the row's link leads to, and the column that it is found by."""
    column = mapping.columns.get(row.column)
    target = lookup_target(column, Rules(lookup=row.lookup)) if column else None
    return (target.table, row.lookup.by) if target and row.lookup.by else None
