"""Replays that are interrupted, met by others, or asked for twice: over real tables."""

import uuid
from collections.abc import AsyncIterator, Sequence

import pytest
from azure.data.tables.aio import TableClient, TableServiceClient

from core.admin.places import Places
from core.admin.replays import Replays
from core.domain.delivery import Delivery, ErrorClass, Intent, Outcome, Result, delivery_key
from core.domain.replay import Listed, MappingChoice, Page, Replay, ReplayFilter, Selection, taken_up
from core.domain.trail import Attempt
from core.errors import SyncError
from core.storage.replays import TableReplays
from core.sync.ports import ABSENT, ANY, Change, Versioned
from tests.core.admin.office import Office

EVERYTHING = Selection(filter=ReplayFilter())


class PagedLog:
    """Deliveries that failed, three a page."""

    def __init__(self, deliveries: Sequence[Delivery]) -> None:
        self._deliveries = deliveries

    async def listed(
        self, selection: Selection, connections: Sequence[str], *, after: str | None, most: int
    ) -> tuple[Page, str | None]:
        start = int(after or 0)
        some = self._deliveries[start : start + 3]
        items = tuple(Listed(organization=each.organization, delivery=each.id) for each in some)
        return Page(items=items), str(start + 3) if start + 3 < len(self._deliveries) else None

    async def attempts(self, delivery: Delivery) -> tuple[Attempt, ...]:
        return (Attempt(at=delivery.received_at, happened="It ended as failed: too long.", code="too_long"),)


@pytest.fixture
async def table(storage: str) -> AsyncIterator[TableClient]:
    async with TableServiceClient.from_connection_string(storage) as service:
        client = await service.create_table(f"t{uuid.uuid4().hex}")
        yield client
        await client.close()


async def _failed(office: Office, count: int) -> list[Delivery]:
    await office.connect()
    await office.configure()
    result = Result(outcome=Outcome.FAILED, error_class=ErrorClass.DATA, table="lead", mapping_version=1)
    failed: list[Delivery] = []
    for seconds in range(count):
        found = await office.receive(seconds=seconds)
        over = found.entity.model_copy(update={"state": "done", "result": result})
        marks = [Change(over.due.key, None, ANY), Change(over.key, over, found.etag)]
        assert await office.ledger.commit(over.organization, marks)
        failed.append(over)
    return failed


def _replays(office: Office, table: TableClient, failed: Sequence[Delivery]) -> Replays:
    return Replays(
        store=TableReplays(table),
        log=PagedLog(failed),
        ledger=office.ledger,
        places=Places(office.configuration),
        turns=office._turns,
        wake_queue=office,
        now=office.clock,
    )


async def _stored(office: Office, delivery: Delivery) -> Versioned[Delivery]:
    found = await office.ledger.read(delivery.organization, delivery_key(delivery.id), Delivery)
    assert found
    return found


async def _state(table: TableClient) -> Replay:
    found = await TableReplays(table).read("again")
    assert found
    return found.entity


async def test_the_timer_goes_on_with_what_nobody_finished(office: Office, table: TableClient) -> None:
    """Also after a crash in the middle of a page: whoever was taken up by then is not taken up twice."""
    failed = await _failed(office, 7)
    replays = _replays(office, table, failed)
    assert await replays.begin("again", EVERYTHING, "current", "me")
    first = await _stored(office, failed[0])
    early = taken_up(first.entity, "again", "current", now=office.now)
    await office.ledger.commit(
        early.organization, [Change(early.key, early, first.etag), Change(early.due.key, early.due, ABSENT)]
    )
    assert await replays.run_open(seconds=10) == 1
    replay = await _state(table)
    assert (replay.state, replay.listed, replay.verdicts) == ("done", 7, {"taken": 7})
    after = [(await _stored(office, each)).entity for each in failed]
    assert {(each.state, each.revision, each.replays) for each in after} == {("received", 1, ("again",))}
    assert len(await office.marks(failed[0].organization)) == 7
    assert sorted(office.messages) == sorted(each.id for each in failed[1:])
    assert await replays.run_open(seconds=10) == 0


async def test_what_is_taken_up_goes_through_the_same_line(office: Office, table: TableClient) -> None:
    """The message wakes it, the turn runs, the mark goes; the log row is of the second revision."""
    failed = await _failed(office, 1)
    replays = _replays(office, table, failed)
    await replays.begin("again", EVERYTHING, "current", "me")
    await replays.run("again", seconds=10)
    for message in office.messages:
        await office.wakes.run(failed[0].organization, message)
    done = (await _stored(office, failed[0])).entity
    assert done.result
    assert (done.state, done.result.outcome, done.revision) == ("done", Outcome.CREATED, 1)
    assert await office.marks(failed[0].organization) == []


async def test_two_workers_on_one_replay_take_everything_up_once(office: Office, table: TableClient) -> None:
    """Both a click and the timer may be at it."""
    failed = await _failed(office, 4)
    one, other = _replays(office, table, failed), _replays(office, table, failed)
    assert await one.begin("again", EVERYTHING, "current", "me")
    assert not await other.begin("again", EVERYTHING, "current", "somebody else")
    for _ in range(3):
        await one.run("again", seconds=10)
        await other.run("again", seconds=10)
    assert (await _state(table)).verdicts == {"taken": 4}
    assert {(await _stored(office, each)).entity.revision for each in failed} == {1}


async def test_what_was_tried_before_stays_to_be_seen(office: Office, table: TableClient) -> None:
    """The attempts that the log's row held go with the delivery, which writes the row anew."""
    failed = await _failed(office, 1)
    replays = _replays(office, table, failed)
    await replays.begin("again", EVERYTHING, "current", "me")
    await replays.run("again", seconds=10)
    (attempt,) = (await _stored(office, failed[0])).entity.tried
    assert (attempt.happened, attempt.code) == ("It ended as failed: too long. It was replayed as again.", "too_long")


async def test_the_original_mapping_is_that_of_every_table(office: Office, table: TableClient) -> None:
    """Of the account and of tables that had none too, whatever has been saved since; in the preview as in the turn."""
    (failed,) = await _failed(office, 1)
    found = await _stored(office, failed)
    result = failed.result
    assert result
    ran = result.model_copy(update={"table": "", "mapping_version": 0, "mapped_as": {"lead": 0, "account": 1}})
    over = failed.model_copy(update={"result": ran})
    assert await office.ledger.commit(over.organization, [Change(over.key, over, found.etag)])
    replays = _replays(office, table, [over])
    expected: dict[MappingChoice, Outcome] = {"current": Outcome.CREATED, "original": Outcome.FAILED}
    for choice, outcome in expected.items():
        ((_, told),) = (await replays.foreseen(EVERYTHING, choice)).previews
        assert not isinstance(told, SyncError)
        assert (told.result if isinstance(told, Intent) else told).outcome is outcome
    await replays.begin("again", EVERYTHING, "original", "me")
    await replays.run("again", seconds=10)
    assert (await _stored(office, over)).entity.mapped_as == {"lead": 0, "account": 1}
    await office.wakes.run(over.organization, over.id)
    done = (await _stored(office, over)).entity.result
    assert done
    assert (done.outcome, done.error_code) == (Outcome.FAILED, "not_mapped")
