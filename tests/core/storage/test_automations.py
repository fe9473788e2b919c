"""Automations in real tables: conditions, and the feed of changes by storage's clock."""

from datetime import UTC, datetime, timedelta

from azure.data.tables.aio import TableClient

from core.domain.automation import Automation, Changed, Progress, changed_key
from core.storage.automations import TableAutomations
from core.storage.ledger import TableLedger
from core.sync.ports import ABSENT, ANY, Change

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
ORGANIZATION = "org"


def _key(minute: int) -> str:
    return changed_key(NOON + timedelta(minutes=minute), f"d{minute}")


async def _said(table: TableClient, *minutes: int) -> None:
    for minute in minutes:
        change = Change(_key(minute), Changed(prospect=f"p{minute}", fields=("title",)), ANY)
        assert await TableLedger(table).commit(ORGANIZATION, [change])


async def test_a_part_of_the_feed_is_in_order_and_knows_when_it_was_asked_for(table: TableClient) -> None:
    """Between two keys, as many as were wanted; each with when it was committed, by the clock that says the time."""
    automations = TableAutomations(table, table)
    await _said(table, 3, 1, 2, 9)
    part = await automations.changes(ORGANIZATION, after=_key(1), before=_key(9), committed_after=None, most=10)
    assert [change.key for change in part.changes] == [_key(2), _key(3)]
    committed = [change.committed_at for change in part.changes if change.committed_at]
    assert len(committed) == 2
    assert abs(part.asked_at - max(committed)) < timedelta(seconds=30)
    first = await automations.changes(ORGANIZATION, after=_key(0), before=_key(9), committed_after=None, most=2)
    assert [change.prospect for change in first.changes] == ["p1", "p2"]
    nothing = await automations.changes("nowhere", after=_key(0), before=_key(9), committed_after=None, most=2)
    assert not nothing.changes
    assert nothing.asked_at >= part.asked_at


async def test_what_was_committed_before_is_not_sent_again(table: TableClient) -> None:
    """Whatever time its worker had stamped it with; so the tick after a busy one is not sent all of it."""
    automations = TableAutomations(table, table)
    await _said(table, 1, 2)
    everything = await automations.changes(ORGANIZATION, after=_key(0), before=_key(9), committed_after=None, most=9)
    last = max(change.committed_at for change in everything.changes if change.committed_at)
    part = await automations.changes(ORGANIZATION, after=_key(0), before=_key(9), committed_after=last, most=9)
    assert not part.changes
    await _said(table, 0)
    early = changed_key(NOON - timedelta(hours=1))
    part = await automations.changes(ORGANIZATION, after=early, before=_key(9), committed_after=last, most=9)
    assert [change.prospect for change in part.changes] == ["p0"]


async def test_progress_is_saved_on_condition_and_again_under_the_new_mark(table: TableClient) -> None:
    """So one run saves after each slice, and of two at once one hears of the other."""
    automations = TableAutomations(table, table)
    progress = Progress(edition="e1")
    first = await automations.save_progress("reds", progress, ABSENT)
    assert first
    assert await automations.save_progress("reds", progress, ABSENT) is None
    second = await automations.save_progress("reds", progress.model_copy(update={"position": "p"}), first)
    assert second
    assert await automations.save_progress("reds", progress, first) is None
    found = await automations.progress("reds")
    assert (found.entity.position, found.etag) == ("p", second)


async def test_it_is_finished_only_as_it_was_seen(table: TableClient) -> None:
    """Whoever changed it meanwhile meant something else."""
    automations = TableAutomations(table, table)
    seen = Automation(id="reds", action="booth", state="active", edition="e1")
    assert await automations.save(seen.model_copy(update={"name": "changed"}), ABSENT)
    await automations.finish(seen)
    assert [each.state for each in await automations.automations()] == ["active"]
    await automations.finish(seen.model_copy(update={"name": "changed"}))
    assert [each.state for each in await automations.automations()] == ["finished"]
