"""Reading the sync log: pages, newest first over any number of connections, each by the narrowest index there is.

What no index answers is looked for among the rows, up to a bound; the page then says how far it looked, and its
cursor goes on from there. So every request takes about as long with a million rows as with a thousand.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables.aio import TableClient

from core.domain.moments import in_utc
from core.storage.failures import storage_failures
from core.storage.index_key import IndexKey
from core.storage.log_row import ENTRY_COLUMNS, ROWS_END, index_name, time_key, time_of

LOOKED_AT_MOST = 4_000
_WINDOW = 1_000  # rows of one storage request
_INDEXES = ("email", "prospect", "replay", "cause", "batch", "outcome", "form")  # the narrowest first
_INDEXED_OUTCOMES = ("failed", "held")
SHOWN_COLUMNS = (
    *("PartitionKey", "RowKey", "received_at", "finished_at", "trigger", "replays", "replay", "batch"),
    *(
        "prospect",
        "person",
        "activity",
        "reason",
        "dynamics_says",
        "record_id",
        "record_url",
        "warnings",
        "attempts",
        "duration_ms",
    ),
    *("repeats", "revision", "indexes", *ENTRY_COLUMNS),
)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LogQuery:
    """`equal` maps columns to what they hold, `email` to an address; `text` stands in the reason, in any case."""

    connections: Sequence[str]
    equal: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class LogPage:
    """`after` is where the next page begins; None: there is nothing more. `looked_until` is the oldest row seen."""

    rows: list[Row]
    after: str | None
    looked_at: int

    @property
    def looked_until(self) -> datetime | None:
        return time_of(self.after) if self.after else None


class TableLogPages:
    def __init__(self, table: TableClient, index_key: IndexKey) -> None:
        self._table = table
        self._index_key = index_key

    async def page(self, query: LogQuery, *, most: int, after: str | None, looking_at: int = LOOKED_AT_MOST) -> LogPage:
        """Whole rows, without their drill-down."""
        index, conditions = await self._narrowed(query)
        rows: list[Row] = []
        looked_at, last = 0, after
        async for batch in _batches(self._merged(query, index, after, most), most if index else 1):
            known = [each for each in batch if _fits(each, conditions, ENTRY_COLUMNS)]
            for row in await self._whole(known) if index else known:
                if len(rows) < most and _fits(row, conditions) and _says(row, query.text):
                    rows.append(row)
                    last = row["RowKey"] if len(rows) == most else last
            if len(rows) >= most:
                return LogPage(rows, last, looked_at + len(batch))
            looked_at, last = looked_at + len(batch), _log_key(batch[-1])
            if looked_at >= looking_at:
                return LogPage(rows, last, looked_at)
        return LogPage(rows, None, looked_at)

    async def entries(self, query: LogQuery, *, after: str | None, most: int) -> LogPage:
        """What an index, or where there is none the log, holds in `ENTRY_COLUMNS`; whatever else it holds is left."""
        index, conditions = await self._narrowed(query)
        found: list[Row] = []
        looked_at, last = 0, after
        async for row in self._merged(query, index, after, _WINDOW):
            if looked_at >= most:
                return LogPage(found, last, looked_at)
            looked_at, last = looked_at + 1, _log_key(row)
            if _fits(row, conditions, ENTRY_COLUMNS):
                found.append(row)
        return LogPage(found, None, looked_at)

    async def row(self, connections: Sequence[str], key: str) -> Row | None:
        """One row, with its drill-down."""
        found = await asyncio.gather(*(self._one(connection, key) for connection in connections))
        return next((row for row in found if row), None)

    async def email_index(self, address: str) -> str:
        """What the index of this address is called: it holds no address in clear."""
        return index_name("email", await self._index_key.hashed(address))

    # --- The table --------------------------------------------------------------------------------------------------

    async def _narrowed(self, query: LogQuery) -> tuple[str, Mapping[str, str]]:
        """The index to read, and what is then to be compared still."""
        equal = dict(query.equal)
        if "email" in equal:
            equal["email"] = await self._index_key.hashed(equal["email"])
        for kind in _INDEXES:
            if kind in equal and (kind != "outcome" or equal[kind] in _INDEXED_OUTCOMES):
                by_index_alone = kind in ("email", "prospect", "replay")
                rest = {name: value for name, value in equal.items() if name != kind or not by_index_alone}
                return index_name(kind, equal[kind]), rest
        return "", equal

    def _merged(self, query: LogQuery, index: str, after: str | None, most: int) -> AsyncIterator[Row]:
        parts = [self._part(connection, query, index, after, most) for connection in query.connections]
        return parts[0] if len(parts) == 1 else _newest_first(parts)

    async def _part(
        self, connection: str, query: LogQuery, index: str, after: str | None, most: int
    ) -> AsyncIterator[Row]:
        prefix = f"{index}|" if index else ""
        first = max(after or "", time_key(in_utc(query.until)) if query.until else "")
        last = time_key(in_utc(query.since)) + "~" if query.since else ROWS_END
        pages = self._table.query_entities(
            "PartitionKey eq @connection and RowKey gt @first and RowKey lt @last",
            parameters={"connection": connection, "first": prefix + first, "last": prefix + last},
            select=["PartitionKey", "RowKey", *ENTRY_COLUMNS] if index else list(SHOWN_COLUMNS),
            results_per_page=_WINDOW if _looks_through(query, index) else min(most + 1, _WINDOW),
        )
        with storage_failures("reading the sync log"):
            async for row in pages:
                yield row

    async def _whole(self, entries: Sequence[Row]) -> list[Row]:
        rows = await asyncio.gather(*(self._one(each["PartitionKey"], _log_key(each)) for each in entries))
        return [row for row in rows if row]

    async def _one(self, connection: str, key: str) -> Row | None:
        try:
            with storage_failures("reading the sync log"):
                return await self._table.get_entity(connection, key)
        except ResourceNotFoundError:
            return None


def _looks_through(query: LogQuery, index: str) -> bool:
    return bool(query.text or len(query.equal) > bool(index))


def _log_key(row: Row) -> str:
    """The key of the row itself, of a row or an index entry."""
    return str(row["RowKey"]).rpartition("|")[2]


def _fits(row: Row, conditions: Mapping[str, str], known: Sequence[str] | None = None) -> bool:
    """`known`: only what these columns say."""
    return all(str(row.get(name, "")) == value for name, value in conditions.items() if not known or name in known)


def _says(row: Row, text: str) -> bool:
    told = "\n".join(str(row.get(name) or "") for name in ("reason", "dynamics_says", "warnings"))
    return text.lower() in told.lower()


async def _batches(rows: AsyncIterator[Row], size: int) -> AsyncIterator[list[Row]]:
    batch: list[Row] = []
    async for row in rows:
        batch.append(row)
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch


async def _newest_first(parts: Sequence[AsyncIterator[Row]]) -> AsyncIterator[Row]:
    """All parts as one; each is in order by itself."""
    heads = await asyncio.gather(*(anext(part, None) for part in parts))
    heap = [(_log_key(row), number, row) for number, row in enumerate(heads) if row is not None]
    heapq.heapify(heap)
    while heap:
        _, number, row = heap[0]
        yield row
        following = await anext(parts[number], None)
        if following is None:
            heapq.heappop(heap)
        else:
            heapq.heapreplace(heap, (_log_key(following), number, following))
