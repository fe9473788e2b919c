"""Work that lies undone for too long is told to monitoring, whatever the reason."""

import json
import logging
import uuid
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from azure.data.tables.aio import TableServiceClient

from core.domain.bulk_batch import Batch, Chunk, Source
from core.domain.capture import Capture
from core.domain.delivery import Delivery, ErrorClass, Outcome, Result
from core.domain.replay import taken_up
from core.storage.batches import TableBatches
from core.sync.aging import Aging
from core.sync.ports import ABSENT, ANY, Change
from tests.builders import NOON
from tests.core.admin.office import HERE, Office


@pytest.fixture
async def batches(storage: str) -> AsyncIterator[TableBatches]:
    async with TableServiceClient.from_connection_string(storage) as service:
        table = await service.create_table(f"t{uuid.uuid4().hex}")
        yield TableBatches(table)
        await table.close()


class Listener:
    """What monitoring hears of one look."""

    def __init__(self, office: Office, batches: TableBatches, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.WARNING, "captello.alerts")
        self._caplog = caplog
        self._aging = Aging(marks=office.ledger, batches=batches, configuration=office.configuration, now=office.clock)

    async def hears(self) -> list[dict[str, Any]]:
        self._caplog.clear()
        await self._aging.look()
        return [json.loads(each.message) for each in self._caplog.records if each.name == "captello.alerts"]


@pytest.fixture
def listener(office: Office, batches: TableBatches, caplog: pytest.LogCaptureFixture) -> Listener:
    return Listener(office, batches, caplog)


async def test_captures_that_wait_while_dynamics_is_down_are_told_of(office: Office, listener: Listener) -> None:
    """After a quarter of an hour, also where they are to be tried again later only; at each look, until it is over."""
    await office.connect()
    await office.configure()
    office.outside.is_down = True
    waits = await office.receive(seconds=1)
    for minutes in (5, 10):
        await office.attempts.attempt(waits, deadline=5)
        assert await listener.hears() == []
        office.pass_time(minutes=minutes)
        again = await office.ledger.read(HERE, waits.entity.key, Delivery)
        assert again
        waits = again
    office.pass_time(minutes=2)
    alert = {"alert": "queue_age", "connection": office.id, "minutes": 16, "code": ""}
    assert await listener.hears() == [alert]
    office.outside.is_down = False
    await office.attempts.attempt(waits, deadline=5)
    assert await listener.hears() == []


async def test_a_connection_that_is_held_is_told_of_with_what_holds_it(office: Office, listener: Listener) -> None:
    """Nobody wakes what waits for it, so nobody else would say how long."""
    await office.connect()
    await office.configure()
    office.outside.good = {"second"}
    await office.attempts.attempt(await office.receive(seconds=0), deadline=5)
    office.pass_time(minutes=40)
    (alert,) = await listener.hears()
    assert (alert["minutes"], alert["code"]) == (40, "AADSTS7000215")


async def test_what_was_made_open_again_is_as_old_as_that(office: Office, listener: Listener) -> None:
    """A replay of what failed last week has not waited for a week."""
    await office.connect()
    failed = await office.receive(seconds=0)
    result = Result(outcome=Outcome.FAILED, error_class=ErrorClass.DATA)
    office.pass_time(days=7)
    over = failed.entity.model_copy(update={"state": "done", "result": result})
    again = taken_up(over, "again", "current", now=office.now)
    marks = [Change(over.due.key, None, ANY), Change(again.due.key, again.due, ABSENT)]
    assert await office.ledger.commit(HERE, [Change(again.key, again, failed.etag), *marks])
    assert await listener.hears() == []
    office.pass_time(minutes=20)
    assert [alert["minutes"] for alert in await listener.hears()] == [20]


async def _batch(office: Office, batches: TableBatches, *chunks: datetime) -> None:
    """One that was asked for at noon, with a chunk that moved at each of these times."""
    name = uuid.uuid4().hex
    batch = Batch(
        id=name, action=office.id, connection=office.id, organization=HERE, asked_at=NOON, told="t", next_at=NOON
    )
    source = Source(kind="content", received_at=NOON, sent_at=NOON, is_split=True)
    parts = [
        Chunk(source="", number=number, received_at=NOON, records=1, sent_at=NOON, moved_at=at)
        for number, at in enumerate(chunks, 1)
    ]
    await batches.enlist(batch)
    every = [Change(batch.key, batch, ABSENT), Change(source.entity_key, source, ABSENT)]
    assert await batches.commit(name, [*every, *(Change(each.key, each, ABSENT) for each in parts)])


async def test_bulk_work_that_nobody_does_is_told_of(office: Office, batches: TableBatches, listener: Listener) -> None:
    """Its queue may be stuck: nothing of the connection's batches came any further."""
    await office.connect()
    await _batch(office, batches, NOON + timedelta(minutes=3))
    office.pass_time(minutes=18)
    assert await listener.hears() == []
    office.pass_time(minutes=1)
    assert [alert["minutes"] for alert in await listener.hears()] == [16]


async def test_bulk_work_that_goes_on_for_hours_is_nothing_to_tell(
    office: Office, batches: TableBatches, listener: Listener
) -> None:
    """One batch waits while another one of the same connection comes further."""
    await office.connect()
    office.pass_time(hours=3)
    await _batch(office, batches)
    await _batch(office, batches, NOON, office.now - timedelta(minutes=1))
    assert await listener.hears() == []


async def test_a_held_capture_is_no_work(office: Office, listener: Listener) -> None:
    """It waits for its release, not for us."""
    await office.connect()
    await office.configure()
    received = await office.receive(seconds=0)
    held = received.entity.model_copy(
        update={"capture": Capture.model_validate({"submission": {"hold_request_id": "7", "activity_id": "9"}})}
    )
    etags = await office.ledger.commit(HERE, [Change(held.key, held, received.etag)])
    assert etags
    found = await office.ledger.read(HERE, held.key, Delivery)
    assert found
    done = await office.attempts.attempt(found, deadline=5)
    assert done
    assert done.result
    assert done.result.outcome is Outcome.HELD
    office.pass_time(days=1)
    assert await listener.hears() == []
