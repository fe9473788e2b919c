"""Slots in real Table Storage, taken by several hosts at once."""

import asyncio
import itertools
from datetime import UTC, datetime

from azure.data.tables.aio import TableClient

from core.domain.slots import Signals, Slots
from core.storage.slots import TableSlots
from core.sync.ports import ABSENT
from core.sync.slots import BulkSlots

_numbers = itertools.count()


class Quiet:
    def signals(self, connection_id: str) -> Signals:
        return Signals()


async def test_slots_are_saved_on_condition_of_their_etag(table: TableClient) -> None:
    """Of two who read the same, one saves."""
    slots = TableSlots(table)
    assert await slots.read("contoso") is None
    assert await slots.save("contoso", Slots(), ABSENT)
    assert not await slots.save("contoso", Slots(), ABSENT)
    found = await slots.read("contoso")
    assert found is not None
    assert found.entity == Slots()
    assert await slots.save("contoso", Slots(allowed=3), found.etag)
    assert not await slots.save("contoso", Slots(allowed=4), found.etag)


async def test_no_more_than_allowed_are_at_work(table: TableClient) -> None:
    """Twelve chunks of as many hosts, at once: two slots, each used again; another connection has its own."""
    at_work, seen = 0, list[int]()

    async def chunk() -> None:
        nonlocal at_work
        host = BulkSlots(
            store=TableSlots(table),
            told=Quiet(),
            now=lambda: datetime.now(UTC),
            new_id=lambda: f"host {next(_numbers)}",
            most=2,
        )
        while True:
            async with host.held("contoso") as slot:
                if slot is None:
                    continue
                at_work += 1
                seen.append(at_work)
                async with host.held("fabrikam") as other:
                    assert other is not None
                at_work -= 1
                return

    await asyncio.gather(*(chunk() for _ in range(12)))
    assert len(seen) == 12
    assert max(seen) <= 2
