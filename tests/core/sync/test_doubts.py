"""A value that does not fit makes the tables be read anew: once in a while, for all who doubt, at nobody's cost."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from core.domain.connection import Connection
from core.domain.mapping import FieldMapping
from core.domain.table import Table
from core.errors import MissingPrivilegeError
from core.sync.metadata import DOUBTED_AGAIN_AFTER, Doubts
from core.sync.ports import ConnectionSetup
from tests.builders import COLUMNS, LEAD, NOON, column, mapping

GUID = "11111111-1111-4111-8111-111111111111"
CONNECTION = Connection(id="contoso", name="C", url="https://c.crm.dynamics.com", tenant_id=GUID, client_id=GUID)
MAPPED = mapping({"source": "Title", "column": "jobtitle"}).with_facts(LEAD)
LONGER = COLUMNS | {"jobtitle": column("jobtitle").model_copy(update={"max_length": 500})}


class Store:
    """One connection with one mapping, and the tables in its Dynamics; `reads` counts how often these were read."""

    def __init__(self) -> None:
        self.kept = ConnectionSetup(connection=CONNECTION, mappings={"lead": MAPPED}, pause=None)
        self.columns: Any = COLUMNS
        self.refuses = False
        self.reads = 0

    async def setup(self, connection_id: str) -> ConnectionSetup | None:
        return self.kept

    async def refresh_mapping(self, connection_id: str, mapping: FieldMapping) -> None:
        self.kept = replace(self.kept, mappings={**self.kept.mappings, mapping.table: mapping})

    async def table(self, name: str) -> Table:
        self.reads += 1
        await asyncio.sleep(0)
        if self.refuses:
            raise MissingPrivilegeError("No right.")
        return Table(name=name, columns=self.columns)


class Clock:
    now = NOON

    def __call__(self) -> datetime:
        return self.now


async def test_what_has_changed_is_learnt_and_decided_again() -> None:
    """Also by those who doubt at the same moment, and by whoever comes with what he remembers from before."""
    store, clock = Store(), Clock()
    before, store.columns = store.kept, LONGER
    doubts = Doubts(configuration=store, now=clock)
    assert await asyncio.gather(*(doubts.settled(store, before) for _ in range(5))) == [True] * 5
    assert store.reads == 1
    assert store.kept.mappings["lead"].columns["jobtitle"].max_length == 500
    assert not await doubts.settled(store, store.kept)


async def test_values_that_never_fit_have_the_tables_read_once_in_ten_minutes() -> None:
    """Whatever instance meets them: when they were last read stands with the mapping."""
    store, clock = Store(), Clock()
    for _ in range(3):
        assert not await Doubts(configuration=store, now=clock).settled(store, store.kept)
    assert store.reads == 1
    clock.now += DOUBTED_AGAIN_AFTER - timedelta(seconds=1)
    assert not await Doubts(configuration=store, now=clock).settled(store, store.kept)
    assert store.reads == 1
    clock.now += timedelta(seconds=1)
    assert not await Doubts(configuration=store, now=clock).settled(store, store.kept)
    assert store.reads == 2


async def test_tables_that_cannot_be_read_stop_nobody() -> None:
    """Nor are they asked for again by the next."""
    store = Store()
    store.refuses = True
    doubts = Doubts(configuration=store, now=Clock())
    assert [await doubts.settled(store, store.kept) for _ in range(3)] == [False] * 3
    assert store.reads == 1


async def test_an_older_version_learns_nothing() -> None:
    """A replay under it is decided once, as it was saved."""
    store = Store()
    before, store.columns = store.kept, LONGER
    older = replace(before, mappings={"lead": MAPPED.model_copy(update={"version": 1})})
    assert not await Doubts(configuration=store, now=Clock()).settled(store, older)
