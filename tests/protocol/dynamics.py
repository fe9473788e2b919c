"""Requests to Dynamics: look-ups, and change sets whose parts carry conditions.

A change set that fails answers with one code and does not say which part it was (exchanges.md, section 9).
"""

from collections.abc import Iterator
from typing import NamedTuple

from tests.protocol.effect import Join
from tests.protocol.rows import Changes, Note, Row, table_of
from tests.protocol.world import ABSENT, ANY, World

Found = tuple[tuple[tuple[str, Row], ...], tuple[tuple[str, Note], ...], frozenset[str]]


class Search(NamedTuple):
    """Rows of one table: these ids, or any of these e-mails, or this name."""

    table: str
    ids: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    name: str = ""

    def hits(self, row_id: str, row: Row) -> bool:
        if table_of(row_id) != self.table:
            return False
        by_email = bool({row.email, row.email2} & set(self.emails))
        return row_id in self.ids or by_email or bool(self.name and row.name == self.name)


class Find(NamedTuple):
    """Rows, notes by their ids, and the columns that are missing (the metadata). A step for each table when `apart`."""

    searches: tuple[Search, ...]
    notes: tuple[str, ...] = ()

    def apply(self, world: World) -> tuple[World, Found]:
        rows = ((i, row) for i, row in world.rows.items() if any(search.hits(i, row) for search in self.searches))
        notes = ((i, world.notes[i]) for i in self.notes if i in world.notes)
        return world, (tuple(sorted(rows)), tuple(notes), world.missing)

    def apart(self) -> Iterator["Find"]:
        yield from (Find((search,)) for search in self.searches)
        if self.notes or not self.searches:
            yield Find((), self.notes)


class CreateRow(NamedTuple):
    """PATCH by id under `If-None-Match: *`."""

    id: str
    row: Row
    replaces: bool = False  # without the condition

    def refusal(self, world: World) -> str:
        is_account = table_of(self.id) == "account"
        if any(getattr(self.row, name) for name in world.missing):
            return "no such column"
        return "refused" if is_account and "account" in world.refused else ""

    def code(self, world: World) -> str:
        return "exists" if self.id in world.rows and not self.replaces else ""

    def done(self, world: World) -> World:
        row = world.stored(self.row)
        return world._replace(rows={**world.rows, self.id: row}, clock=world.clock + 1)


class UpdateRow(NamedTuple):
    """PATCH by id under `If-Match`."""

    id: str
    etag: int
    changes: Changes

    def refusal(self, world: World) -> str:
        return "no such column" if any(name in world.missing for name, _ in self.changes) else ""

    def code(self, world: World) -> str:
        if self.id not in world.rows:
            return "gone"
        return "" if self.etag in (ANY, world.rows[self.id].etag) else "stale"

    def done(self, world: World) -> World:
        row = world.rows[self.id]
        row = world.stored(row._replace(**dict(self.changes), etag=row.etag + 1))
        return world._replace(rows={**world.rows, self.id: row}, clock=world.clock + 1)


class PutNote(NamedTuple):
    """Created under `If-None-Match: *`, or rewritten under `If-Match`."""

    id: str  # "": the server chooses
    note: Note

    def refusal(self, world: World) -> str:
        return "refused" if "note" in world.refused else ""

    def code(self, world: World) -> str:
        there = world.notes[self.id].etag if self.id in world.notes else ABSENT
        if self.note.row not in world.rows:
            return "gone"
        return "" if there == self.note.etag or not self.id else "exists" if there else "gone"

    def done(self, world: World) -> World:
        note_id = self.id or f"note{len(world.notes)}"
        note = self.note._replace(etag=self.note.etag + 1)
        return world._replace(notes={**world.notes, note_id: note})


class AddJoin(NamedTuple):
    """A campaign response under `If-None-Match: *`; a membership, which may be added again and again."""

    join: Join
    has_own_id: bool = False  # the server chooses

    def refusal(self, world: World) -> str:
        return "refused" if self.join.kind in world.refused else ""

    def code(self, world: World) -> str:
        if self.join.row not in world.rows:
            return "gone"
        is_response = self.join.kind == "response"
        return "exists" if is_response and self.join.id in world.joins and not self.has_own_id else ""

    def done(self, world: World) -> World:
        join_id = f"join{len(world.joins)}" if self.has_own_id else self.join.id
        return world._replace(joins={**world.joins, join_id: self.join})


Part = CreateRow | UpdateRow | PutNote | AddJoin


class Write(NamedTuple):
    """A change set: its parts one after the other, all or nothing. Also the message that creates many rows."""

    parts: tuple[Part, ...]

    def apply(self, world: World) -> tuple[World, str]:
        after = world
        for part in self.parts:
            code = part.refusal(after) or part.code(after)
            if code:
                return world, code
            after = part.done(after)
        return after, "done"
