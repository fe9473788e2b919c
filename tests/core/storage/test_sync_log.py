"""The sync log in real Table Storage."""

import asyncio
from datetime import UTC, datetime, timedelta

from azure.data.tables.aio import TableClient

from core.domain.capture import Capture
from core.domain.delivery import Delivery, ErrorClass, Outcome, Result
from core.storage.sync_log import TableSyncLog

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def _delivery(number: int, outcome: Outcome = Outcome.CREATED, connection: str = "contoso") -> Delivery:
    person = {"prospect": {"id": number, "fields": {"Email": "mara@x.example", "LastName": "O'Hara"}}}
    received = NOON + timedelta(seconds=number)
    return Delivery(
        id=f"{number:032x}",
        organization="org",
        connection=connection,
        action="booth",
        capture=Capture.model_validate(person),
        received_at=received,
        due_at=received,
        state="done",
        result=Result(
            outcome=outcome,
            table="lead",
            row_id="r",
            error_class=ErrorClass.DATA if outcome is Outcome.FAILED else None,
            warnings=("one", "two"),
            finished_at=received + timedelta(seconds=1.5),
        ),
    )


async def test_a_row_says_what_became_of_a_delivery_and_names_nobody(table: TableClient) -> None:
    """Readable as it stands; neither name nor e-mail is in it."""
    log = TableSyncLog(table)
    await log.write(_delivery(1, Outcome.FAILED), row_url="https://x")
    (row,) = await log.page(["contoso"], filters={}, most=10, after=None)
    assert (row["outcome"], row["error_class"], row["duration_ms"], row["prospect"]) == ("failed", "data", 1500, "1")
    assert row["warnings"] == "one\ntwo"
    assert "O'Hara" not in str(row)
    assert "mara@" not in str(row)


async def test_writing_a_row_again_changes_nothing_and_keeps_the_repeats(table: TableClient) -> None:
    """A row may be written by anybody, before or after a repeat was counted."""
    log = TableSyncLog(table)
    delivery = _delivery(1)
    await log.count_repeat(delivery)
    await log.write(delivery, row_url="")
    await log.count_repeat(delivery)
    await log.write(delivery, row_url="")
    (row,) = await log.page(["contoso"], filters={}, most=10, after=None)
    assert (row["repeats"], row["outcome"]) == (2, "created")


async def test_pages_go_from_the_newest_to_the_oldest_over_all_connections(table: TableClient) -> None:
    """The last row of a page leads to the next; no row comes twice, none is left out."""
    log = TableSyncLog(table)
    for number in range(1, 8):
        await log.write(_delivery(number, connection="contoso" if number % 2 else "fabrikam"), row_url="")
    seen: list[str] = []
    after = None
    while page := await log.page(["contoso", "fabrikam"], filters={}, most=3, after=after):
        seen += [row["prospect"] for row in page]
        after = page[-1]["RowKey"]
    assert seen == ["7", "6", "5", "4", "3", "2", "1"]


async def test_filters_keep_only_what_equals(table: TableClient) -> None:
    """An outcome filter leaves the others out."""
    log = TableSyncLog(table)
    for number, outcome in enumerate((Outcome.CREATED, Outcome.FAILED, Outcome.CREATED), start=1):
        await log.write(_delivery(number, outcome), row_url="")
    rows = await log.page(["contoso"], filters={"outcome": "failed"}, most=10, after=None)
    assert [row["prospect"] for row in rows] == ["2"]


async def test_the_row_of_a_later_revision_stays(table: TableClient) -> None:
    """A worker that is late with `held` does not hide what became of the capture when it was released."""
    log = TableSyncLog(table)
    held = _delivery(1, Outcome.HELD)
    assert held.result is not None
    released = held.model_copy(
        update={"revision": 1, "result": held.result.model_copy(update={"outcome": Outcome.CREATED})}
    )
    for order in ((held, released), (released, held), (held, released, held, released)):
        for each in order:
            await log.write(each, row_url="")
        (row,) = await log.page(["contoso"], filters={}, most=10, after=None)
        assert (row["outcome"], row["revision"]) == ("created", 1)


async def test_revisions_written_at_once_leave_the_latest(table: TableClient) -> None:
    """Whoever comes first, and with repeats counted in between."""
    log = TableSyncLog(table)
    revisions = [_delivery(1).model_copy(update={"revision": number}) for number in range(8)]
    await asyncio.gather(
        *(log.write(each, row_url="") for each in revisions), *(log.count_repeat(revisions[0]) for _ in range(4))
    )
    (row,) = await log.page(["contoso"], filters={}, most=10, after=None)
    assert (row["revision"], row["repeats"]) == (7, 4)
