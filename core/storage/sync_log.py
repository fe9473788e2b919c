"""The table `SyncLog`: one row for each delivery, newest first within a connection, readable as it stands.

Duty: write a row with its index entries in one transaction, and count repeats in it. A row can be rebuilt from its
delivery at any time, and its key follows from the delivery. Taken up anew (a replay, a released capture), a delivery
replaces its row in place, and what an earlier revision says then is not written any more. Reading is `log_pages`'.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from core.domain.delivery import Delivery
from core.domain.trail import Attempt
from core.errors import RetryableError
from core.storage.entity_batch import Operation
from core.storage.failures import storage_failures
from core.storage.index_key import IndexKey
from core.storage.log_row import (
    TEXT_MOST,
    email_addresses,
    index_entry,
    index_names,
    is_of_earlier_replay,
    log_id,
    log_row,
    told,
)
from core.storage.transactions import submitted
from core.sync.ports import TRANSACTION_MOST, Ended, SlowLane

_ROUNDS_MOST = 20
_MADE_AT_ONCE = 16

_RowWithIndexes = tuple[dict[str, Any], list[str]]


class TableSyncLog:
    def __init__(self, table: TableClient, index_key: IndexKey) -> None:
        self._table = table
        self._index_key = index_key

    async def write(self, delivery: Delivery, *, row_url: str, last: Attempt | None = None) -> None:
        """Anybody may do this, and again: the row of the highest revision stays. `last`: the attempt that ended it."""
        row, indexes = await self._row(Ended(delivery, row_url, last))
        if await self._submitted([Operation("insert", row), *_entries(row, indexes)]):
            return
        await self._replace(row, indexes)

    async def write_all(self, ended: Sequence[Ended], lane: SlowLane) -> None:
        """As `write`, for many in few transactions. Where a row is there already, its transaction goes row by row."""
        rows: list[_RowWithIndexes] = []
        for number, each in enumerate(ended):
            if number % _MADE_AT_ONCE == 0:
                await lane.turn()
            rows.append(await self._row(each))
        await asyncio.gather(*(self._write_some(some, lane) for some in _transactions(rows)))

    async def _write_some(self, rows: Sequence[_RowWithIndexes], lane: SlowLane) -> None:
        async with lane.request():
            operations = [step for row, indexes in rows for step in (Operation("insert", row), *_entries(row, indexes))]
            if not await self._submitted(operations):
                for row, indexes in rows:
                    await self._replace(row, indexes)

    async def _row(self, ended: Ended) -> _RowWithIndexes:
        delivery = ended.delivery
        hashed = [await self._index_key.hashed(address) for address in email_addresses(delivery)]
        indexes = index_names(delivery, hashed)
        return _keys(delivery) | log_row(delivery, row_url=ended.row_url, indexes=indexes, last=ended.last), indexes

    async def _replace(self, row: dict[str, Any], indexes: list[str]) -> None:
        for _ in range(_ROUNDS_MOST):
            if await self._replaced(row, indexes):
                return
        raise RetryableError("The sync log is being changed by others; the row is written later.")

    async def _replaced(self, row: dict[str, Any], indexes: list[str]) -> bool:
        """False: somebody changed the row meanwhile."""
        known = await self._read(row)
        if known is None:
            return await self._submitted([Operation("insert", row), *_entries(row, indexes)])
        if known.get("outcome") and known.get("revision", 0) >= row["revision"]:
            return True
        before = str(known.get("indexes") or "").split("\n")
        gone = [name for name in before if name and name not in indexes]
        anew = [name for name in indexes if not (name in before and is_of_earlier_replay(name, row))]
        after = row | {"repeats": known.get("repeats", 0)}
        update = Operation("replace", after, known.metadata["etag"])
        return await self._submitted([update, *_entries(row, anew), *_deletions(row, gone)])

    async def _submitted(self, operations: list[Operation]) -> bool:
        return await submitted(self._table, operations, what="writing the sync log") is not None

    async def _read(self, keys: Mapping[str, Any]) -> Any:
        try:
            with storage_failures("reading the sync log"):
                return await self._table.get_entity(keys["PartitionKey"], keys["RowKey"])
        except ResourceNotFoundError:
            return None

    async def note_quarantined(self, delivery: Delivery, *, reason: str) -> None:
        """A row for a body that nobody could read; whatever is said of it later takes its place."""
        row = told(delivery) | {"outcome": "quarantined", "reason": reason[:TEXT_MOST], "revision": -1}
        await self._submitted([Operation("insert", _keys(delivery) | row)])

    async def count_repeat(self, delivery: Delivery) -> None:
        keys = _keys(delivery)
        while True:
            with storage_failures("counting a repeat"):
                try:
                    row = await self._table.get_entity(keys["PartitionKey"], keys["RowKey"])
                    counted = keys | {"repeats": row.get("repeats", 0) + 1}
                    await self._table.update_entity(
                        counted,
                        mode=UpdateMode.MERGE,
                        etag=row.metadata["etag"],
                        match_condition=MatchConditions.IfNotModified,
                    )
                except ResourceNotFoundError:
                    if await self._submitted([Operation("insert", keys | told(delivery) | {"repeats": 1})]):
                        return
                except ResourceModifiedError:
                    continue
                else:
                    return


def _transactions(rows: Iterable[_RowWithIndexes]) -> Iterator[list[_RowWithIndexes]]:
    """As many rows as one takes; all of one connection, and none twice."""
    rows = sorted(rows, key=lambda each: (each[0]["PartitionKey"], each[0]["RowKey"]))
    some: list[_RowWithIndexes] = []
    size = 0
    for row, indexes in rows:
        last = some[-1][0] if some else row
        is_other = last["PartitionKey"] != row["PartitionKey"] or (some and last["RowKey"] == row["RowKey"])
        if some and (is_other or size + 1 + len(indexes) > TRANSACTION_MOST):
            yield some
            some, size = [], 0
        some.append((row, indexes))
        size += 1 + len(indexes)
    if some:
        yield some


def _keys(delivery: Delivery) -> dict[str, str]:
    return {"PartitionKey": delivery.connection, "RowKey": log_id(delivery)}


def _entries(row: Mapping[str, Any], indexes: Iterable[str]) -> list[Operation]:
    entry = index_entry(row)
    return [Operation("upsert", {**_entry_keys(row, name), **entry}) for name in indexes]


def _deletions(row: Mapping[str, Any], indexes: Iterable[str]) -> list[Operation]:
    return [Operation("delete", _entry_keys(row, name), "*") for name in indexes]


def _entry_keys(row: Mapping[str, Any], name: str) -> dict[str, str]:
    return {"PartitionKey": row["PartitionKey"], "RowKey": f"{name}|{row['RowKey']}"}
