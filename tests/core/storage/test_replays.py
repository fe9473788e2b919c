"""Replays in real Table Storage."""

from datetime import UTC, datetime, timedelta

from azure.data.tables.aio import TableClient

from core.domain.replay import Replay, Selection
from core.storage.replays import TableReplays

BEGAN = datetime(2026, 5, 4, tzinfo=UTC)


def _replay(number: int) -> Replay:
    selection = Selection(cause="0" * 16)
    return Replay(id=f"r{number}", selection=selection, mapping="current", asked_at=BEGAN + timedelta(days=number))


async def test_replays_are_listed_by_age_and_as_long_as_they_are_open(table: TableClient) -> None:
    """The newest first, by pages; what is over is open no more; what is old and over goes, with its entries."""
    replays = TableReplays(table)
    for number in range(5):
        assert await replays.create(_replay(number))
    assert not await replays.create(_replay(0))
    for number in (0, 1, 3):
        found = await replays.read(f"r{number}")
        assert found is not None
        assert await replays.save(found.entity.model_copy(update={"state": "done"}), found.etag)
        assert await replays.save(found.entity, found.etag) is None
    assert sorted(each.id for each in await replays.open()) == ["r2", "r4"]
    first, after = await replays.newest(most=3)
    rest, end = await replays.newest(most=3, after=after)
    assert ([each.id for each in (*first, *rest)], end) == (["r4", "r3", "r2", "r1", "r0"], None)
    assert await replays.tidy(BEGAN + timedelta(days=2, hours=1), most=9) == 2
    assert [each.id for each in (await replays.newest(most=9))[0]] == ["r4", "r3", "r2"]
