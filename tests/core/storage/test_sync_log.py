"""The sync log in real Table Storage."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.data.tables.aio import TableClient

from core.domain.capture import Capture
from core.domain.delivery import Delivery, ErrorClass, Outcome, Result
from core.domain.trail import Attempt, Call, Trail
from core.storage.document import unpacked
from core.storage.index_key import IndexKey
from core.storage.log_pages import LogPage, LogQuery, TableLogPages
from core.storage.log_row import index_name
from core.storage.old_rows import TableOldRows
from core.storage.sync_log import TableSyncLog

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def _delivery(number: int, outcome: Outcome = Outcome.CREATED, connection: str = "contoso", **changes: Any) -> Delivery:
    fields = {"Email": changes.pop("email", "mara@x.example"), "FirstName": "Mara", "LastName": "O'Hara"}
    person = {"prospect": {"id": number, "fields": fields}, "form": {"id": changes.pop("form", 42), "event": "Expo"}}
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
            reason=changes.pop("reason", ""),
            warnings=("one", "two: mara@x.example is no owner"),
            finished_at=received + timedelta(seconds=1.5),
        ),
        **changes,
    )


class Log:
    """The table as it is written and read."""

    def __init__(self, table: TableClient) -> None:
        self.table, key = table, IndexKey(table)
        self.writes, self.pages = TableSyncLog(table, key), TableLogPages(table, key)

    async def write(self, delivery: Delivery, last: Attempt | None = None) -> None:
        await self.writes.write(delivery, row_url="https://x", last=last)

    async def page(self, *connections: str, most: int = 10, after: str | None = None, **asked: Any) -> LogPage:
        times = {name: asked.pop(name) for name in ("since", "until", "text") if name in asked}
        query = LogQuery(connections or ("contoso",), asked, **times)
        return await self.pages.page(query, most=most, after=after)

    async def found(self, **asked: Any) -> list[str]:
        """The prospects of the rows, newest first."""
        return [row["prospect"] for row in (await self.page(**asked)).rows]

    async def entries(self) -> list[Mapping[str, Any]]:
        return [row async for row in self.table.query_entities("RowKey ge 'a'") if row["PartitionKey"] != "key"]


@pytest.fixture
def log(table: TableClient) -> Log:
    return Log(table)


async def test_a_row_says_what_became_of_a_delivery_and_names_nobody(log: Log) -> None:
    """Readable as it stands; names and addresses are masked, in sentences too, and not even the index tells them."""
    await log.write(_delivery(1, Outcome.FAILED, reason='"Mara" is too short; ask O\'Hara.'))
    (row,) = (await log.page()).rows
    assert (row["outcome"], row["error_class"], row["duration_ms"], row["prospect"]) == ("failed", "data", 1500, "1")
    assert row["warnings"] == "one\ntwo: m***@x.example is no owner"
    assert (row["person"], row["reason"]) == ("M. O. <m***@x.example>", '"***" is too short; ask ***.')
    everything = str([entity async for entity in log.table.list_entities()])
    assert "O'Hara" not in everything
    assert "mara@" not in everything


async def test_ids_that_are_addresses_are_not_shown(log: Log) -> None:
    """Templates put anything anywhere: a person is shown by a name of ours, a submission masked."""
    said = {"prospect": {"id": "mara@x.example"}, "submission": {"activity_id": "mara@x.example"}}
    await log.write(_delivery(1).model_copy(update={"capture": Capture.model_validate(said)}))
    (row,) = (await log.page()).rows
    assert row["prospect"].startswith("id~")
    assert await log.found(prospect=row["prospect"]) == [row["prospect"]]
    assert row["activity"] == "m***@x.example"
    assert "mara@" not in str([entity async for entity in log.table.list_entities()])


async def test_dynamics_words_stand_masked_in_the_row_and_are_searched(log: Log) -> None:
    """They are why it failed."""
    failed = _delivery(1, Outcome.FAILED)
    assert failed.result
    refused = failed.result.model_copy(update={"words": "Strange thing about O'HARA, mara@x.example", "reason": "No."})
    await log.write(failed.model_copy(update={"result": refused}))
    (row,) = (await log.page(text="strange")).rows
    assert (row["dynamics_says"], row["cause_kind"]) == (
        "Strange thing about ***, ***",
        "No. Dynamics says: Strange thing about …, …",
    )


async def test_a_replay_keeps_its_own_result(log: Log) -> None:
    """Whatever later replays come to; and one whose row was never written is told with the next."""
    await log.write(_delivery(1, Outcome.FAILED))
    await log.write(_delivery(1, Outcome.FAILED, revision=1, replays=("r1",)))
    await log.write(_delivery(1, Outcome.CREATED, revision=3, replays=("r1", "r2", "r3")))
    told = {
        entry["RowKey"].split("|")[1]: entry["outcome"] for entry in await log.entries() if "replay" in entry["RowKey"]
    }
    assert told == {"r1": "failed", "r2": "created", "r3": "created"}


async def test_writing_a_row_again_changes_nothing_and_keeps_the_repeats(log: Log) -> None:
    """A row may be written by anybody, before or after a repeat was counted."""
    delivery = _delivery(1)
    await log.writes.count_repeat(delivery)
    await log.write(delivery)
    await log.writes.count_repeat(delivery)
    await log.write(delivery)
    (row,) = (await log.page()).rows
    assert (row["repeats"], row["outcome"]) == (2, "created")


async def test_a_delivery_taken_up_anew_replaces_its_row_and_leaves_the_index_of_failures(log: Log) -> None:
    """In place; and a straggler of the earlier revision changes nothing any more."""
    failed, done = _delivery(1, Outcome.FAILED), _delivery(1, revision=1, replays=("r0", "r1"))
    await log.write(failed)
    await log.writes.count_repeat(failed)
    assert await log.found(outcome="failed") == ["1"]
    for straggler in (done, failed, done):
        await log.write(straggler)
    (row,) = (await log.page()).rows
    assert (row["outcome"], row["trigger"], row["replays"], row["repeats"]) == ("created", "replay", 2, 1)
    assert await log.found(outcome="failed") == []
    assert (await log.found(replay="r0"), await log.found(replay="r1")) == (["1"], ["1"])


async def test_revisions_written_at_once_leave_the_latest(log: Log) -> None:
    """Whoever comes first, and with repeats counted in between."""
    revisions = [_delivery(1, revision=number) for number in range(8)]
    repeats = (log.writes.count_repeat(revisions[0]) for _ in range(4))
    await asyncio.gather(*(log.write(each) for each in revisions), *repeats)
    (row,) = (await log.page()).rows
    assert (row["revision"], row["repeats"]) == (7, 4)


async def test_the_drill_down_stands_with_the_row(log: Log) -> None:
    """Every attempt with its calls: those that did not end it, and the one that did."""
    slow = Attempt(at=NOON, happened="Dynamics is slow.", calls=(Call(method="POST", path="/$batch", status=503),))
    last = Attempt(at=NOON, happened="It ended as created.", calls=(Call(method="PATCH", path="/leads", status=204),))
    await log.write(_delivery(1, tried=(slow,)), last)
    (listed,) = (await log.page()).rows
    row = await log.pages.row(["fabrikam", "contoso"], listed["RowKey"])
    assert row is not None
    assert unpacked(row, Trail).attempts == (slow, last)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"prospect": "3"}, ["3"]),
        ({"form": "7"}, ["6", "3"]),
        ({"outcome": "failed"}, ["4", "2"]),
        ({"outcome": "failed", "form": "7"}, []),
        ({"outcome": "created"}, ["6", "5", "3", "1"]),
        ({"email": "li@x.example"}, ["5"]),
        ({"email": "li@x.example", "outcome": "failed"}, []),
        ({"batch": "b/1"}, ["6"]),
        ({"table": "contact"}, []),
        ({"text": "TOO long"}, ["2"]),
        ({"since": NOON + timedelta(seconds=4), "until": NOON + timedelta(seconds=5)}, ["5", "4"]),
        ({"form": "42", "since": NOON + timedelta(seconds=4)}, ["5", "4"]),
    ],
)
async def test_each_filter_finds_its_rows(log: Log, asked: dict[str, Any], found: list[str]) -> None:
    """By an index where there is one, else by looking through; filters narrow each other."""
    for number in range(1, 7):
        changes: dict[str, Any] = {"outcome": Outcome.FAILED} if number in (2, 4) else {}
        changes |= {"reason": "It is too long."} if number == 2 else {}
        changes |= {"email": "li@x.example"} if number == 5 else {}
        changes |= {"batch": "b/1"} if number == 6 else {}
        changes |= {"form": 7} if number in (3, 6) else {}
        await log.write(_delivery(number, **changes))
    assert await log.found(**asked) == found


@pytest.mark.parametrize("asked", [{}, {"form": "42"}, {"action": "booth"}], ids=["rows", "index", "looking"])
async def test_pages_go_from_the_newest_to_the_oldest_over_all_connections(log: Log, asked: dict[str, str]) -> None:
    """The cursor of a page leads to the next; no row comes twice, none is left out."""
    for number in range(1, 8):
        await log.write(_delivery(number, connection="contoso" if number % 2 else "fabrikam"))
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = await log.page("contoso", "fabrikam", most=3, after=after or None, **asked)
        seen += [row["prospect"] for row in page.rows]
        after = page.after
    assert seen == ["7", "6", "5", "4", "3", "2", "1"]


async def test_looking_is_bounded_and_says_how_far_it_went(log: Log) -> None:
    """The page may be short; its cursor goes on from the last row that was looked at."""
    for number in range(1, 8):
        await log.write(_delivery(number, reason="rare" if number == 1 else "usual"))
    query = LogQuery(["contoso"], text="rare")
    first = await log.pages.page(query, most=5, after=None, looking_at=4)
    assert (first.rows, first.looked_at) == ([], 4)
    assert first.looked_until == NOON + timedelta(seconds=4)
    second = await log.pages.page(query, most=5, after=first.after, looking_at=4)
    assert ([row["prospect"] for row in second.rows], second.after) == (["1"], None)


async def test_an_index_entry_goes_with_what_it_was_for(log: Log) -> None:
    """One entry for each index that the delivery is in; all in the row's own partition."""
    await log.write(_delivery(1, Outcome.FAILED))
    names = sorted(row["RowKey"].rpartition("|")[0] for row in await log.entries())
    assert [name.partition("|")[0] for name in names] == ["cause", "email", "form", "outcome", "prospect"]
    assert index_name("form", "42") in names


async def test_failures_of_one_cause_have_an_index(log: Log) -> None:
    """Nothing of other causes is looked at, however many there are; and what does not fail any more is in none."""
    for number in range(1, 6):
        await log.write(_delivery(number, Outcome.FAILED, reason="rare" if number in (1, 3) else "usual"))
    cause = (await log.page()).rows[-1]["cause"]
    page = await log.page(cause=cause)
    assert ([row["prospect"] for row in page.rows], page.looked_at) == (["3", "1"], 2)
    await log.write(_delivery(3, revision=1))
    assert await log.found(cause=cause) == ["1"]


async def test_a_row_whose_delivery_was_forgotten_is_stripped_of_its_person(log: Log) -> None:
    """No index leads to them any more; that it came in, from which form and how it ended, stays."""
    await log.write(_delivery(1, Outcome.FAILED, reason="two words"))
    rows = TableOldRows(log.table)
    (found,) = await rows.of_prospect("contoso", "1", most=9)
    await rows.strip(found)
    (row,) = (await log.page()).rows
    assert (row["outcome"], row["form"], row["prospect"], row["person"]) == ("failed", "42", "", "")
    assert (row["reason"], row["warnings"], row["record_id"]) == ("", "", "")
    assert not [name for name in row if name.startswith("document")]
    kinds = {entry["RowKey"].partition("|")[0] for entry in await log.entries()}
    assert kinds == {"cause", "form", "outcome"}
    assert await rows.of_prospect("contoso", "1", most=9) == []


async def test_a_capture_full_of_addresses_has_its_row_too(log: Log) -> None:
    """More than a transaction takes, and others after an edit; the person's own is the one to find it by."""
    for revision in range(2):
        said = {f"E{number}": f"e{revision}-{number}@x.example" for number in range(150)}
        delivery = _delivery(1, revision=revision, replays=tuple(f"r{number}" for number in range(revision * 10)))
        prospect = delivery.capture.prospect.model_copy(update={"fields": {**said, "EMAIL ": "Mara@x.example"}})
        capture = delivery.capture.model_copy(update={"prospect": prospect})
        await log.write(delivery.model_copy(update={"capture": capture}))
    assert await log.found(email="mara@x.example") == ["1"]
    assert len((await log.page()).rows) == 1
