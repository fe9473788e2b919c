"""Everything that is stored, and what comes back from a request: one partition of Table Storage, and Dynamics."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from tests.protocol.effect import Join
from tests.protocol.rows import Note, Row

ANY, ABSENT = -1, 0  # conditions on an ETag: none, and "is not there"

Entity = tuple[int, Any]  # ETag, fields; (ABSENT, None) where there is none


class World(NamedTuple):
    entities: Mapping[str, Entity]
    rows: Mapping[str, Row]
    notes: Mapping[str, Note]
    joins: Mapping[str, Join]
    missing: frozenset[str] = frozenset()  # columns that do not exist
    refused: frozenset[str] = frozenset()  # "note", "response", "membership", "account": what nobody may create
    normalises: bool = False  # a plug-in turns titles and remarks into capitals
    clock: int = 100

    def frozen(self) -> tuple[Any, ...]:
        """The same world, for a set."""
        parts = (self.entities, self.rows, self.notes, self.joins)
        return (*(frozenset(part.items()) for part in parts), *self[4:])

    def stored(self, row: Row) -> Row:
        """The row as it stands after a write."""
        row = row._replace(modified=self.clock, **{name: getattr(Row(), name) for name in self.missing})
        if not self.normalises:
            return row
        return row._replace(title=row.title.upper(), remarks=tuple(remark.upper() for remark in row.remarks))

    def without_row(self, row_id: str) -> "World":
        """Notes and responses go with the row they belong to."""
        return self._replace(
            rows={i: row for i, row in self.rows.items() if i != row_id},
            notes={i: note for i, note in self.notes.items() if note.row != row_id},
            joins={i: join for i, join in self.joins.items() if join.row != row_id},
        )


class Request(Protocol):
    """One atomic step of a worker."""

    def apply(self, world: World) -> tuple[World, Any]:
        """The world afterwards and the reply, both new or unchanged."""
        ...
