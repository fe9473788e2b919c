"""What is checked: a connection with everything that is configured on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.domain.action import SyncAction
from core.domain.connection import Connection
from core.domain.mapping import FieldMapping


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
    def written(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(table for action in self.actions if action.enabled for table in action.tables))
