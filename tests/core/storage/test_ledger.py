"""The ledger in real Table Storage keeps the promises that the protocol builds on."""

import asyncio
from datetime import UTC, datetime, timedelta

from azure.data.tables.aio import TableClient

from core.domain.capture import Capture
from core.domain.delivery import Claim, Delivery
from core.domain.prospect import Prospect
from core.storage.ledger import TableLedger
from core.sync.ports import ABSENT, ANY, PRESENT, Change

ORGANIZATION = "90aa3b6e-4e50-4e11-8dee-000d3a4f1a01"
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def _delivery(number: int = 1, *, due_at: datetime = NOON, text: str = "") -> Delivery:
    capture = Capture.model_validate({"prospect": {"fields": {"Email": "a@b.example", "Story": text}}})
    return Delivery(
        id=f"{number:032x}",
        organization=ORGANIZATION,
        connection="contoso",
        action="booth",
        capture=capture,
        received_at=NOON,
        due_at=due_at,
    )


async def test_what_was_committed_is_read_back(table: TableClient) -> None:
    """A delivery is the same after it was stored, a long one too."""
    ledger = TableLedger(table)
    for delivery in (_delivery(1), _delivery(2, text="Ω" * 200_000)):
        assert await ledger.commit(ORGANIZATION, [Change(delivery.key, delivery, ABSENT)])
        found = await ledger.read(ORGANIZATION, delivery.key, Delivery)
        assert found is not None
        assert found.entity == delivery


async def test_what_is_absent_reads_as_none(table: TableClient) -> None:
    """Nothing is there before it was inserted."""
    assert await TableLedger(table).read(ORGANIZATION, "prospect|777", Prospect) is None


async def test_an_insert_succeeds_once(table: TableClient) -> None:
    """Of twenty workers that insert one key on condition that it is absent, one succeeds."""
    ledger = TableLedger(table)
    inserts = [ledger.commit(ORGANIZATION, [Change("key|a", Claim(claimed_by=str(n)), ABSENT)]) for n in range(20)]
    assert sum(done is not None for done in await asyncio.gather(*inserts)) == 1


async def test_a_transaction_is_all_or_nothing(table: TableClient) -> None:
    """One condition that does not hold keeps everything else from happening."""
    ledger = TableLedger(table)
    first = await ledger.commit(ORGANIZATION, [Change("key|a", Claim(), ABSENT)])
    assert first
    assert await ledger.commit(ORGANIZATION, [Change("key|a", Claim(claimed_by="x"), first[0])])
    stale = [Change("key|b", Claim(), ABSENT), Change("key|a", Claim(claimed_by="y"), first[0])]
    assert await ledger.commit(ORGANIZATION, stale) is None
    assert await ledger.read(ORGANIZATION, "key|b", Claim) is None
    found = await ledger.read(ORGANIZATION, "key|a", Claim)
    assert found is not None
    assert found.entity.claimed_by == "x"


async def test_deleting_what_is_gone_fails_the_transaction(table: TableClient) -> None:
    """A mark of open work can be moved once only."""
    ledger = TableLedger(table)
    assert await ledger.commit(ORGANIZATION, [Change("due|x", None, ANY)]) is None


async def test_the_etags_of_a_commit_are_good_for_the_next(table: TableClient) -> None:
    """A worker goes on from what it wrote without reading it again."""
    ledger = TableLedger(table)
    delivery = _delivery()
    first = await ledger.commit(
        ORGANIZATION, [Change(delivery.key, delivery, ABSENT), Change("key|a", Claim(), ABSENT)]
    )
    assert first
    later = delivery.model_copy(update={"attempts": 1})
    assert await ledger.commit(ORGANIZATION, [Change(later.key, later, first[0])])


async def test_what_is_due_comes_oldest_first(table: TableClient) -> None:
    """Only what was due before then, and no other organisation's."""
    ledger = TableLedger(table)
    for number, minutes in enumerate((3, 1, 2, 9), start=1):
        mark = _delivery(number, due_at=NOON + timedelta(minutes=minutes)).due
        await ledger.commit(ORGANIZATION, [Change(mark.key, mark, ABSENT)])
        await ledger.commit("another", [Change(mark.key, mark, ABSENT)])
    due = await ledger.due(ORGANIZATION, NOON + timedelta(minutes=5), most=10)
    assert [mark.delivery[-1] for mark in due] == ["2", "3", "1"]
    assert len(await ledger.due(ORGANIZATION, NOON + timedelta(minutes=5), most=2)) == 2


async def test_what_must_be_there_is_not_made(table: TableClient) -> None:
    """PRESENT replaces whatever stands there, and makes nothing."""
    ledger = TableLedger(table)
    assert await ledger.commit(ORGANIZATION, [Change("key|x", Claim(claimed_by="a"), PRESENT)]) is None
    assert await ledger.commit(ORGANIZATION, [Change("key|x", Claim(), ABSENT)])
    assert await ledger.commit(ORGANIZATION, [Change("key|x", Claim(claimed_by="a"), PRESENT)])
    found = await ledger.read(ORGANIZATION, "key|x", Claim)
    assert found is not None
    assert found.entity.claimed_by == "a"
