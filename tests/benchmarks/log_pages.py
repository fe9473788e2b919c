"""How long the log takes to answer as it grows: `python -m tests.benchmarks.log_pages [--rows 1000 100000 1000000]`.

Rows and index entries are made by the code that writes the log, over four connections, a week of events: people with
five deliveries each, batches of 500, one in twenty failed. Each question is asked through the reader that the API uses,
of tables of each size in turn, and the lower quartile of several rounds (others are at work on the
machine) is compared with the smallest size. The tables are in
key order, as Azure's are (`ordered_tables` says why not Azurite); with `--azurite 1000` that many rows stand in Azurite
too, written in transactions as the app writes them, and the answers are compared. Run on request.
"""

import argparse
import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from azure.core.credentials import AzureNamedKeyCredential
from azure.data.tables.aio import TableClient

from core.domain.capture import Capture
from core.domain.cause import cause_of
from core.domain.delivery import Delivery, ErrorClass, Outcome, Result
from core.domain.masking import Masking, person_shown
from core.domain.trail import Attempt, Call
from core.storage.index_key import IndexKey
from core.storage.log_pages import LogPage, LogQuery, TableLogPages
from core.storage.log_row import email_addresses, index_entry, index_names, log_id, log_row, time_key, told
from infra.local import nodejs
from infra.local.azurite import ACCOUNT, KEY, azurite
from infra.local.serve import served
from tests.benchmarks.ordered_tables import OrderedTables

SIZES = (1_000, 10_000, 100_000, 1_000_000)
ROUNDS, FEW = 15, 3
PAGE = 20
CONNECTIONS = ("contoso", "fabrikam", "northwind", "sandbox")
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
_EVERY = 20  # one in so many fails
_CAUSE = "option_does_not_exist"
_STEP = timedelta(seconds=2)
_BLOCK = 20_000  # entities stored at once
_PATTERN = 1_000


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, nargs="+", default=SIZES)
    asked.add_argument("--azurite", type=int, default=0)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as running:
        logs = {size: running.enter_context(_log(Path(folder), size)) for size in sorted(given.rows)}
        found = asyncio.run(_measured(logs))
        _print(found, sorted(given.rows))
        if given.azurite:
            asyncio.run(_compare(given.azurite, logs[given.azurite]))


# --- What stands in the log -------------------------------------------------------------------------------------------


def delivery(number: int) -> Delivery:
    """The so many-th; of a person whom five deliveries are about, each some time after the one before."""
    person, fails = number // 5, number % _EVERY == 0
    said = {
        "form": {"id": number % 10, "name": "Booth", "event": "Expo 26"},
        "submission": {"activity_id": number},
        "prospect": {"id": person, "fields": _fields(str(person))},
    }
    received = NOON + number * _STEP
    return Delivery(
        id=f"{number:032x}",
        organization="90aa3b6e-4e50-4e11-8dee-000d3a4f1a01",
        connection=CONNECTIONS[person % len(CONNECTIONS)],
        action="booth" if number % 1_000 else "rare",
        capture=Capture.model_validate(said),
        received_at=received,
        due_at=received,
        batch=f"batch-{number // 500}" if number // 500 % 2 else "",
        replays=("again",) if number < PAGE else (),
        state="done",
        result=_result(received, fails=fails),
    )


def _fields(person: str) -> dict[str, str]:
    return {"FirstName": "Mara", "LastName": f"O'Hara {person}", "Email": f"p{person}@x.example", "Company": "Fabrikam"}


def _result(received: datetime, *, fails: bool) -> Result:
    explain: dict[str, Any] = {
        "rule": {"tables": "leads", "by": "email"},
        "queries": [{"table": "lead", "emails": 1}],
        "candidates": [],
    }
    ended: dict[str, Any] = {"outcome": Outcome.CREATED, "row_id": "00000000-0000-4000-8000-0000000000ff"}
    if fails:
        reason = "The value of leadqualitycode is not one of the column's options."
        error = {"error_class": ErrorClass.DATA, "error_code": _CAUSE, "error_column": "leadqualitycode"}
        ended = {"outcome": Outcome.FAILED, "reason": reason, **error}
    finished = received + timedelta(seconds=0.4)
    return Result(table="lead", mapping_version=3, explain=explain, finished_at=finished, **ended)


async def entities(number: int, index_key: IndexKey) -> list[dict[str, Any]]:
    """As they are written: the row, then its index entries."""
    made = delivery(number)
    call = Call(method="POST", path="$batch", status=200, ms=80, request_id="5b2a5f5f-8f3f-4f0c-8f5f-1c2d3e4f")
    last = Attempt(at=made.received_at, happened="It ended.", calls=(call, call))
    hashed = [await index_key.hashed(address) for address in email_addresses(made)]
    indexes = index_names(made, hashed)
    keys = {"PartitionKey": made.connection, "RowKey": log_id(made)}
    row = {**keys, **told(made), **log_row(made, row_url="https://c.crm4.dynamics.com", indexes=indexes, last=last)}
    entry = index_entry(row)
    return [row, *({**keys, **entry, "RowKey": f"{name}|{keys['RowKey']}"} for name in indexes)]


async def rows_to(size: int, index_key: IndexKey) -> AsyncIterator[list[dict[str, Any]]]:
    """The first thousand by the code that writes the log; from then on the same again, of other people and later."""
    patterns = [await entities(number, index_key) for number in range(min(size, _PATTERN))]
    for each in patterns:
        yield each
    for number in range(_PATTERN, size):
        yield await _later(patterns[number % _PATTERN], number, index_key)


async def _later(pattern: list[dict[str, Any]], number: int, index_key: IndexKey) -> list[dict[str, Any]]:
    """What `entities` says of this number, without saying it anew; `_check_pattern` holds this."""
    shift, person = (number - number % _PATTERN) * _STEP, str(number // 5)
    row = pattern[0]
    received = row["received_at"] + shift
    key = f"{time_key(received)}-{number:032x}"
    said = {"delivery": f"{number:032x}", "submission": str(number)}
    batch = f"batch-{number // 500}" if row["batch"] else ""
    names = {"prospect": person, "email": await index_key.hashed(f"p{person}@x.example"), "batch": batch}
    indexes = [_renamed(entry["RowKey"].rpartition("|")[0], names) for entry in pattern[1:] if not _is_replay(entry)]
    whole = {**row, **said, "RowKey": key, "received_at": received, "finished_at": row["finished_at"] + shift}
    whole |= {"prospect": person, "activity": str(number), "batch": batch, "indexes": "\n".join(indexes)}
    whole |= {"person": person_shown(_fields(person))[:300]}
    whole |= {"trigger": "capture", "replays": 0, "replay": ""}
    entry = {**index_entry(whole), "PartitionKey": row["PartitionKey"]}
    return [whole, *({**entry, "RowKey": f"{name}|{key}"} for name in indexes)]


async def _check_pattern(index_key: IndexKey) -> None:
    for number in (_PATTERN, 3 * _PATTERN + 521, 7 * _PATTERN + 999):
        shown = await _later(await entities(number % _PATTERN, index_key), number, index_key)
        for one, other in zip(shown, await entities(number, index_key), strict=True):
            differs = {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}
            assert differs <= {"document"}, (number, differs)  # which tells the attempt's time


def _is_replay(entry: Mapping[str, Any]) -> bool:
    return str(entry["RowKey"]).startswith("replay|")


def _renamed(index: str, names: Mapping[str, str]) -> str:
    kind, _, value = index.partition("|")
    return f"{kind}|{names.get(kind, value)}"


# --- What is asked ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    name: str
    query: LogQuery
    after_pages: int = 0  # how many pages on
    rounds: int = ROUNDS


def questions() -> list[Question]:
    """Of what stands in the log at every size."""
    cause = cause_of(_result(NOON, fails=True), Masking(Capture()))
    assert cause is not None
    of_all: dict[str, Mapping[str, str]] = {
        "newest": {},
        "prospect": {"prospect": "3"},
        "e-mail": {"email": "p3@x.example"},
        "batch": {"batch": "batch-1"},
        "form": {"form": "4"},
        "failed": {"outcome": "failed"},
        "cause": {"cause": cause.id},
        "replay": {"replay": "again"},
    }
    day = NOON + timedelta(minutes=10), NOON + timedelta(minutes=20)
    return [
        Question("newest of one", LogQuery(CONNECTIONS[:1])),
        *(Question(name, LogQuery(CONNECTIONS, equal)) for name, equal in of_all.items()),
        Question("newest, third page", LogQuery(CONNECTIONS), after_pages=2),
        Question("ten minutes", LogQuery(CONNECTIONS, since=day[0], until=day[1])),
        Question("failed, ten minutes", LogQuery(CONNECTIONS, {"outcome": "failed"}, since=day[0], until=day[1])),
        Question("no index: action", LogQuery(CONNECTIONS, {"action": "rare"}), rounds=FEW),
        Question("no index: text", LogQuery(CONNECTIONS, text="nowhere"), rounds=FEW),
    ]


async def answer(pages: TableLogPages, question: Question) -> LogPage:
    after: str | None = None
    for _ in range(question.after_pages):
        after = (await pages.page(question.query, most=PAGE, after=after)).after
    return await pages.page(question.query, most=PAGE, after=after)


# --- Measuring --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Measured:
    """Of one question at one size."""

    milliseconds: list[float]
    requests: int = 0
    returned: int = 0
    looked_at: int = 0


@dataclass(frozen=True, slots=True)
class Log:
    table: OrderedTables
    url: str

    def client(self) -> TableClient:
        return _client(self.url)


def _client(url: str) -> TableClient:
    return TableClient(url, "SyncLog", credential=AzureNamedKeyCredential(ACCOUNT, KEY))


@contextlib.contextmanager
def _log(folder: Path, size: int) -> Iterator[Log]:
    """A log of so many rows, served for as long as the block lasts."""
    table = OrderedTables(folder / f"{size}.sqlite")
    table.add("SyncLog", [{"PartitionKey": "key", "RowKey": "log-index", "key": "5a" * 32}])
    with served(lambda _: table) as url:
        log = Log(table, f"{url}/{ACCOUNT}")
        began = time.perf_counter()
        asyncio.run(_fill(log, size))
        print(f"{size:>9,} rows made and stored in {time.perf_counter() - began:.0f} s", file=sys.stderr)
        yield log


async def _fill(log: Log, size: int) -> None:
    async with log.client() as client:
        block: list[dict[str, Any]] = []
        await _check_pattern(IndexKey(client))
        async for some in rows_to(size, IndexKey(client)):
            block += some
            if len(block) >= _BLOCK:
                log.table.add("SyncLog", block)
                block = []
        log.table.add("SyncLog", block)


async def _measured(logs: Mapping[int, Log]) -> dict[str, dict[int, Measured]]:
    """The sizes in turn in each round, so that they meet the same moods of the machine."""
    async with contextlib.AsyncExitStack() as open_:
        readers = {}
        for size, log in logs.items():
            client = await open_.enter_async_context(log.client())
            readers[size] = TableLogPages(client, IndexKey(client))
        found = {each.name: {size: Measured([]) for size in logs} for each in questions()}
        for round_ in range(ROUNDS + 1):
            for question in (each for each in questions() if round_ <= each.rounds):
                for size, log in logs.items():
                    await _ask(log, readers[size], question, found[question.name][size], counts=round_ > 0)
        return found


async def _ask(log: Log, pages: TableLogPages, question: Question, measured: Measured, *, counts: bool) -> None:
    log.table.requests = log.table.returned = 0
    began = time.perf_counter()
    page = await answer(pages, question)
    if counts:
        measured.milliseconds.append(1000 * (time.perf_counter() - began))
    measured.requests, measured.returned = log.table.requests, log.table.returned
    measured.looked_at = page.looked_at


def _print(found: Mapping[str, Mapping[int, Measured]], sizes: Sequence[int]) -> None:
    """Milliseconds; beside them requests, entities that came back, and how many times the smallest size's time."""
    print(f"{'':<22}" + "".join(f"{size:>11,}{'req':>5}{'ent':>6}{'x':>6}" for size in sizes))
    for name, by_size in found.items():
        least = _quartile(by_size[sizes[0]])
        print(f"{name:<22}" + "".join(_cell(by_size[size], least) for size in sizes))


def _cell(measured: Measured, least: float) -> str:
    lasted = _quartile(measured)
    return f"{lasted:>11.1f}{measured.requests:>5}{measured.returned:>6}{lasted / least:>6.2f}"


def _quartile(measured: Measured) -> float:
    return statistics.quantiles(measured.milliseconds, n=4, method="inclusive")[0]


# --- Beside Azurite ---------------------------------------------------------------------------------------------------


async def _compare(size: int, log: Log) -> None:
    """The same rows in Azurite: the answers must be the same, and its times are shown for what they are."""
    with azurite(nodejs.node(Path(sys.executable))) as storage:
        async with _client(storage.table_url) as client, log.client() as ordered:
            await client.create_table()
            await client.create_entity({"PartitionKey": "key", "RowKey": "log-index", "key": "5a" * 32})
            began = time.perf_counter()
            async for some in rows_to(size, IndexKey(client)):
                await client.submit_transaction([("create", entity) for entity in some])
            print(f"{size:>9,} rows written to Azurite in {time.perf_counter() - began:.0f} s")
            theirs = TableLogPages(client, IndexKey(client))
            ours = TableLogPages(ordered, IndexKey(ordered))
            for question in questions():
                began = time.perf_counter()
                page = await answer(theirs, question)
                lasted = 1000 * (time.perf_counter() - began)
                same = _keys(page) == _keys(await answer(ours, question))
                print(f"{question.name:<22}{lasted:>11.1f}  {'the same answer' if same else 'ANOTHER ANSWER'}")


def _keys(page: LogPage) -> tuple[list[str], str | None]:
    return [row["RowKey"] for row in page.rows], page.after


if __name__ == "__main__":
    main()
