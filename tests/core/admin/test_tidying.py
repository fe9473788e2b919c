"""What is old goes, what is open stays: over real tables, with a clock that a test moves."""

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from azure.data.tables.aio import TableClient, TableServiceClient
from azure.storage.blob.aio import ContainerClient

from core.admin.places import Places
from core.admin.tidying import Stores, Tidying
from core.domain.bulk_batch import Batch
from core.domain.capture import Capture
from core.domain.capture_body import Unreadable
from core.domain.delivery import Delivery, delivery_key, prospect_key
from core.domain.prospect import Prospect
from core.domain.replay import Page, Replay, ReplayFilter, Selection
from core.domain.retention import Retention
from core.domain.submission import Heard, heard_keys
from core.storage.audit import TableAudit
from core.storage.batches import TableBatches
from core.storage.bulk_contents import BlobContents
from core.storage.index_key import IndexKey
from core.storage.log_pages import LogQuery, TableLogPages
from core.storage.old_batches import OldBatches
from core.storage.old_changes import OldChanges
from core.storage.old_rows import TableOldRows
from core.storage.quarantine import TableQuarantine
from core.storage.replays import TableReplays
from core.storage.sync_log import TableSyncLog
from core.sync.capture import Captures
from core.sync.forgetting import Forgetting
from core.sync.intake import Intake, new_delivery
from core.sync.ports import ABSENT, Change
from core.sync.quarantining import Quarantine
from tests.core.admin.office import Office

WEEK, MONTH, QUARTER, YEAR = (timedelta(days=days) for days in (7, 30, 90, 365))
KEPT = Retention(
    log=YEAR, deliveries=QUARTER, waiting=QUARTER, quarantine=MONTH, bulk=MONTH, replays=QUARTER, audit=YEAR
)


class Archive:
    """An office with everything that grows old."""

    def __init__(self, office: Office, table: TableClient, container: ContainerClient) -> None:
        async def bulk() -> ContainerClient:
            return container

        self.changes_gone = 0

        self.office, self.table, self.contents = office, table, BlobContents(bulk)
        self.log = TableSyncLog(office.table, IndexKey(office.table))
        self.pages = TableLogPages(office.table, IndexKey(office.table))
        self.intake = Intake(ledger=office.ledger)
        self.bodies, self.replays, self.audit = TableQuarantine(table), TableReplays(table), TableAudit(table)
        self.batches = TableBatches(table)
        self.forgetting = Forgetting(ledger=office.ledger, attempts=office.attempts, now=office.clock)
        self.quarantine = Quarantine(
            bodies=self.bodies,
            captures=self._captures(),
            configuration=office.configuration,
            sync_log=self.log,
            now=office.clock,
            grace=timedelta(seconds=30),
        )

    def _captures(self) -> Captures:
        office = self.office
        return Captures(
            turns=office._turns,  # the office's own
            attempts=office.attempts,
            ledger=office.ledger,
            sync_log=self.log,
            wake_queue=office,
            now=office.clock,
            grace=timedelta(seconds=30),
            deadline=8,
        )

    async def tidy(self, at_once: int = 100, **kept: Any) -> dict[str, int]:
        tidied = Tidying(
            retention=Retention(**{name: kept.get(name, getattr(KEPT, name)) for name in KEPT.__slots__}),
            stores=Stores(
                rows=TableOldRows(self.office.table),
                bodies=self.bodies,
                batches=OldBatches(self.batches, self.contents),
                replays=self.replays,
                audit=self.audit,
                changes=OldChanges(self.office.table, Places(self.office.configuration)),
            ),
            forgetting=self.forgetting,
            quarantine=self.quarantine,
            ledger=self.office.ledger,
            places=Places(self.office.configuration),
            now=self.office.clock,
            at_once=at_once,
        )
        counted = await tidied.run()
        self.changes_gone += counted.pop("changes", 0)  # said by nearly every delivery, and kept for a week alone
        return counted

    async def said(self, number: int, *, is_over: bool = True, **told: Any) -> Delivery:
        """A submission that came in now, and what became of it."""
        action = await self.office.configuration.action(self.office.id)
        assert action is not None
        fields = {"LastName": f"P{number}", "Email": f"p{number}@x.example"}
        body = {"prospect": {"id": number, "fields": fields}, "submission": {"activity_id": f"a{number}"}}
        read = Capture.model_validate({**body, "form": {"id": 42}, **told})
        connection, now = await self.office.connection(), self.office.now
        delivery = new_delivery(read, action, connection, now=now, due_at=now + timedelta(seconds=30))
        stored, _ = await self.intake.receive(delivery)
        if is_over:
            await self.office.attempts.attempt(stored, deadline=5)
        return stored.entity

    async def delivery(self, delivery: Delivery) -> Delivery | None:
        found = await self.office.ledger.read(delivery.organization, delivery_key(delivery.id), Delivery)
        return found.entity if found else None

    async def outcomes(self) -> list[str]:
        page = await self.pages.page(LogQuery([self.office.id]), most=100, after=None)
        return [str(row["outcome"]) for row in page.rows]

    async def keys(self) -> set[str]:
        """Of the log."""
        query = self.office.table.query_entities("PartitionKey eq @id", parameters={"id": self.office.id})
        return {str(entity["RowKey"]) async for entity in query}


@pytest.fixture
async def archive(office: Office, storage: str) -> AsyncIterator[Archive]:
    await office.connect()
    await office.configure()
    name = f"t{uuid.uuid4().hex}"
    async with (
        TableServiceClient.from_connection_string(storage) as service,
        ContainerClient.from_connection_string(storage, name) as container,
    ):
        await container.create_container()
        table = await service.create_table(name)
        yield Archive(office, table, container)
        await table.close()


async def test_what_automations_have_had_days_to_see_is_taken_away(archive: Archive) -> None:
    """The feed of changes is as long as the rarest schedule needs it, however many people there are."""
    await archive.said(1)
    await archive.said(2)
    archive.office.pass_time(days=15)
    await archive.tidy()
    assert archive.changes_gone == 0
    archive.office.pass_time(days=2)
    await archive.said(3)
    await archive.tidy()
    assert archive.changes_gone == 2


async def test_a_delivery_is_forgotten_before_its_row(archive: Archive) -> None:
    """What was said in clear goes after a quarter, and what was heard of the submission with it; the person stays."""
    delivery = await archive.said(1)
    archive.office.pass_time(days=91)
    assert await archive.tidy() == {"deliveries": 1}
    ledger = archive.office.ledger
    assert await archive.delivery(delivery) is None
    assert await ledger.read(delivery.organization, heard_keys(delivery)[0], Heard) is None
    assert await archive.outcomes() == ["created"]
    assert await ledger.read(delivery.organization, prospect_key("1"), Prospect) is not None
    assert await archive.tidy() == {}


async def test_a_row_goes_with_every_entry_of_its_indexes(archive: Archive) -> None:
    """And with its delivery, should that still be there. A younger row stays, with its entries."""
    await archive.said(1)
    before = await archive.keys()
    archive.office.pass_time(days=364)
    await archive.said(2)
    archive.office.pass_time(days=2)
    assert (await archive.tidy(deliveries=YEAR))["log"] == 1
    left = await archive.keys()
    assert not left & before
    assert await archive.outcomes() == ["created"]
    assert len(left) == len(before) > 1


async def test_an_old_delivery_sent_again_goes_by_the_link(archive: Archive) -> None:
    """Nothing is remembered of the first time but the person, and that is enough to find the row."""
    first = await archive.said(1)
    archive.office.pass_time(days=91)
    await archive.tidy()
    again = await archive.delivery(await archive.said(1))
    assert again is not None
    assert again.result is not None
    assert again.id == first.id
    assert again.result.explain["queries"][0]["link"] is True


async def test_what_is_open_stays(archive: Archive) -> None:
    """On its way for years, held for good, or with a mark of open work still there: it is not forgotten."""
    waits = await archive.said(1, is_over=False)
    over = await archive.said(2)
    mark = over.due
    await archive.office.ledger.commit(over.organization, [Change(mark.key, mark, ABSENT)])
    held = await archive.said(3, submission={"activity_id": "a3", "hold_request_id": "h3"})
    archive.office.pass_time(days=366)
    assert await archive.tidy(waiting=None) == {}
    for each in (waits, over, held):
        assert await archive.delivery(each) is not None
    assert sorted(await archive.outcomes()) == ["created", "held"]


async def test_what_was_open_when_its_time_came_goes_with_its_row(archive: Archive) -> None:
    """The deliveries are gone through once; whatever that left behind, its row leads to."""
    waits = await archive.said(1, is_over=False)
    archive.office.pass_time(days=91)
    await archive.tidy()
    found = await archive.office.ledger.read(waits.organization, waits.key, Delivery)
    assert found is not None
    await archive.office.attempts.attempt(found, deadline=5)
    assert await archive.tidy() == {}
    archive.office.pass_time(days=275)
    assert await archive.tidy() == {"log": 1}
    assert await archive.delivery(waits) is None


async def test_a_held_capture_ends_when_nobody_releases_it(archive: Archive) -> None:
    """It says so in the log, is found as held no more, and a release that comes later is a delivery of its own."""
    held = await archive.said(1, submission={"activity_id": "a1", "hold_request_id": "h1"})
    assert await archive.outcomes() == ["held"]
    archive.office.pass_time(days=89)
    assert await archive.tidy() == {}
    archive.office.pass_time(days=2)
    assert await archive.tidy(deliveries=YEAR) == {"held": 1}
    page = await archive.pages.page(LogQuery([archive.office.id]), most=9, after=None)
    assert [row["outcome"] for row in page.rows] == ["skipped"]
    assert "within 90 days" in page.rows[0]["reason"]
    assert not (await archive.pages.page(LogQuery([archive.office.id], {"outcome": "held"}), most=9, after=None)).rows
    assert await archive.tidy(deliveries=YEAR) == {}
    released = await archive.said(1, event="released")
    assert released.id != held.id
    assert await archive.outcomes() == ["created", "skipped"]


async def test_a_body_nobody_mends_is_discarded_and_then_removed(archive: Archive) -> None:
    """With its last word in the log; a settled one goes earlier."""
    action = await archive.office.configuration.action(archive.office.id)
    assert action is not None
    kept = await archive.quarantine.keep(
        Unreadable(reason="It is no JSON."),
        action=action,
        connection=await archive.office.connection(),
        body=b"{",
        content_type="application/json",
        query={},
    )
    archive.office.pass_time(days=89)
    assert await archive.tidy() == {}
    archive.office.pass_time(days=2)
    assert await archive.tidy() == {"unread": 1, "quarantine": 1}
    assert await archive.bodies.item(kept.receipt) is None
    assert await archive.outcomes() == ["skipped"]


async def test_batches_replays_and_the_audit_grow_old_too(archive: Archive) -> None:
    """What is over goes after its time; an open batch and an open replay stay."""
    now = archive.office.now
    facts = {"action": "booth", "connection": "c", "organization": "o", "told": "", "next_at": now}
    for name, over in (("old", now), ("open", None)):
        batch = Batch(id=name, asked_at=now, finished_at=over, **facts)
        await archive.batches.enlist(batch)
        await archive.batches.commit(name, [Change(batch.key, batch, ABSENT)])
    for state in ("done", "taking"):
        selection = Selection(filter=ReplayFilter())
        replay = Replay(
            id=state, selection=selection, asked_at=now, asked_by="me", mapping="current", state=state, pages=1
        )
        await archive.replays.create(replay)
        await archive.replays.save_page(state, 0, Page(items=()))
    await archive.audit.note(who="me", what="log", at=now, people=1)
    archive.office.pass_time(days=400)
    await archive.contents.save("batches/old/chunks/own/000001.ndjson", b"{}")
    await archive.contents.save("batches/open/chunks/own/000001.ndjson", b"{}")
    assert await archive.tidy() == {"bulk": 1, "replays": 1, "audit": 1}
    assert list(await archive.contents.sizes("batches/")) == ["batches/open/chunks/own/000001.ndjson"]
    assert await archive.batches.newest(most=9, after=None) == (["open"], None)
    assert [each.id for each in (await archive.replays.newest(most=9))[0]] == ["taking"]
    assert await archive.audit.newest(f"{now:%Y-%m}", most=9) == ([], None)


async def test_a_run_is_bounded_and_the_next_goes_on(archive: Archive) -> None:
    """However much is old: each run takes some of it, through deliveries and rows alike."""
    every = [await archive.said(number) for number in range(5)]
    archive.office.pass_time(days=91)
    assert [await archive.tidy(2) for _ in range(4)] == [{"deliveries": 2}, {"deliveries": 2}, {"deliveries": 1}, {}]
    assert [await archive.delivery(each) for each in every] == [None] * 5
    archive.office.pass_time(days=300)
    assert [await archive.tidy(2) for _ in range(4)] == [{"log": 2}, {"log": 2}, {"log": 1}, {}]


async def test_nothing_goes_that_is_kept_for_good(archive: Archive) -> None:
    """0 days in the settings."""
    await archive.said(1)
    archive.office.pass_time(days=4000)
    assert await archive.tidy(100, **dict.fromkeys(KEPT.__slots__)) == {}
