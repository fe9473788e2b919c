"""What others than we do to Dynamics, each at some moment of its own: people, programs, administrators."""

from typing import NamedTuple

from tests.protocol.rows import Changes, with_values
from tests.protocol.world import World


class Deletes(NamedTuple):
    """A person deletes the rows with this e-mail."""

    email: str

    def apply(self, world: World) -> tuple[World, str]:
        for row_id, row in world.rows.items():
            if self.email in (row.email, row.email2):
                world = world.without_row(row_id)
        return world, "done"


class Edits(NamedTuple):
    """A program or a person changes columns of a row."""

    row_id: str
    changes: Changes

    def apply(self, world: World) -> tuple[World, str]:
        row = world.rows[self.row_id]
        row = row._replace(**dict(self.changes), modified=world.clock, etag=row.etag + 1)
        return world._replace(rows={**world.rows, self.row_id: row}, clock=world.clock + 1), "done"


class SetsColumns(NamedTuple):
    """An administrator removes columns, with what stood in them, and puts them back."""

    missing: frozenset[str]

    def apply(self, world: World) -> tuple[World, str]:
        world = world._replace(missing=self.missing)
        blank = dict.fromkeys(self.missing, "")
        return world._replace(rows={i: with_values(row, blank) for i, row in world.rows.items()}), "done"


Bystander = Deletes | Edits | SetsColumns
