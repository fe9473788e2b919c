"""Slots taken by several hosts at once: every order of their reads and writes keeps the ceiling."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.slots import Signals, Slots
from core.errors import RetryableError
from core.sync.ports import ABSENT, Versioned
from core.sync.slots import BulkSlots

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@dataclass
class Storage:
    """One entity under an ETag; every request waits until it is chosen."""

    slots: Slots | None = None
    version: int = 0
    waiting: list[asyncio.Future[None]] = field(default_factory=list)
    is_down: bool = False

    async def read(self, connection_id: str) -> Versioned[Slots] | None:
        await self.chosen()
        return Versioned(self.slots, str(self.version)) if self.slots else None

    async def save(self, connection_id: str, slots: Slots, etag: str) -> bool:
        await self.chosen()
        if etag != (str(self.version) if self.slots else ABSENT):
            return False
        self.slots, self.version = slots, self.version + 1
        return True

    async def chosen(self) -> None:
        if self.is_down:
            raise RetryableError("Storage is not available.")
        self.waiting.append(turn := asyncio.get_running_loop().create_future())
        await turn


@dataclass
class Dynamics:
    """What it told one host."""

    told: Signals = field(default_factory=Signals)

    def signals(self, connection_id: str) -> Signals:
        return self.told


@dataclass
class Hosts:
    """Several, over one storage."""

    storage: Storage
    at_work: int = 0
    most_at_work: int = 0
    worked: int = 0

    async def run(self, name: str, chunks: int) -> None:
        slots = BulkSlots(store=self.storage, told=Dynamics(), now=lambda: NOON, new_id=lambda: name, most=2)
        for _ in range(chunks):
            async with slots.held("contoso") as slot:
                if slot is None:
                    continue
                self.at_work += 1
                self.most_at_work = max(self.most_at_work, self.at_work)
                await self.storage.chosen()  # its work takes time too
                self.at_work -= 1
                self.worked += 1


async def _interleaved(choices: list[int]) -> Hosts:
    storage = Storage()
    hosts = Hosts(storage)
    running = [asyncio.create_task(hosts.run(name, 2)) for name in "abcd"]
    picks = iter(choices)
    while not all(task.done() for task in running):
        for _ in range(3):
            await asyncio.sleep(0)
        if storage.waiting:
            storage.waiting.pop(next(picks, 0) % len(storage.waiting)).set_result(None)
    await asyncio.gather(*running)
    return hosts


@given(st.lists(st.integers(0, 3), max_size=120))
def test_every_order_keeps_the_ceiling(choices: list[int]) -> None:
    """Four hosts, two slots: never three at work, somebody always gets on, and all slots come back."""
    hosts = asyncio.run(_interleaved(choices))
    assert hosts.most_at_work <= 2
    assert hosts.worked >= 2
    assert hosts.storage.slots is not None
    assert not hosts.storage.slots.held


def _single(storage: Storage, dynamics: Dynamics) -> BulkSlots:
    return BulkSlots(store=storage, told=dynamics, now=lambda: NOON, new_id=lambda: "me")


async def _through(storage: Storage) -> None:
    while True:
        await asyncio.sleep(0)
        while storage.waiting:
            storage.waiting.pop().set_result(None)


async def test_a_refusal_while_the_slot_was_held_is_told_to_all() -> None:
    """Whoever met it, and however the chunk dealt with it."""
    storage, dynamics = Storage(), Dynamics()
    serving = asyncio.create_task(_through(storage))
    async with _single(storage, dynamics).held("contoso"):
        dynamics.told = Signals(refusals=1, retry_after=60)
    serving.cancel()
    assert storage.slots is not None
    assert storage.slots.allowed == 1
    assert storage.slots.rests_until is not None


async def test_a_chunk_that_fails_gives_its_slot_back() -> None:
    """Its failure goes on to whoever called."""
    storage = Storage()
    serving = asyncio.create_task(_through(storage))
    with pytest.raises(ZeroDivisionError):
        async with _single(storage, Dynamics()).held("contoso"):
            raise ZeroDivisionError
    serving.cancel()
    assert storage.slots is not None
    assert not storage.slots.held


async def test_storage_that_fails_at_the_end_does_not_undo_the_work() -> None:
    """The slot ends by itself; the chunk was done."""
    storage = Storage()
    serving = asyncio.create_task(_through(storage))
    async with _single(storage, Dynamics()).held("contoso") as gate:
        storage.is_down = True
    serving.cancel()
    assert gate is not None
    assert storage.slots is not None
    assert set(storage.slots.held) == {"me"}


async def test_asking_whether_one_is_free_takes_none() -> None:
    """Whoever only looks changes nothing; while all are shared out, or the connection rests, none is."""
    storage, dynamics = Storage(), Dynamics()
    serving = asyncio.create_task(_through(storage))
    names = iter("abcdef")
    slots = BulkSlots(store=storage, told=dynamics, now=lambda: NOON, new_id=lambda: next(names), most=1)
    assert await slots.is_free("contoso")
    assert storage.slots is None
    async with slots.held("contoso"), slots.held("contoso"):
        assert not await slots.is_free("contoso")
        dynamics.told = Signals(refusals=1, retry_after=60)
    assert not await slots.is_free("contoso")
    serving.cancel()


async def test_two_chunks_of_a_process_share_a_slot() -> None:
    """While one is busy with storage the other talks to Dynamics, one at a time; a third waits, and the slot stays
    until the last of them is over.
    """
    storage = Storage()
    serving = asyncio.create_task(_through(storage))
    names = iter("abcdef")
    slots = BulkSlots(store=storage, told=Dynamics(), now=lambda: NOON, new_id=lambda: next(names), most=1)
    async with slots.held("contoso") as first:
        async with slots.held("contoso") as second:
            assert first is second is not None
            assert not await slots.is_free("contoso")
            async with slots.held("contoso") as third:
                assert third is None
        assert await slots.is_free("contoso")
        assert storage.slots is not None
        assert set(storage.slots.held) == {"a"}
    serving.cancel()
    assert not storage.slots.held
