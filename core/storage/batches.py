"""The table `Batches`: each bulk action with its sources and chunks in a partition of its own.

Beside them stand a list of all batches, newest first, and a list of those that are open.

Both lists only name batches, and are written before the batch: an entry that leads nowhere is passed over.
"""

from collections.abc import Sequence
from datetime import datetime

from azure.data.tables.aio import TableClient

from core.domain.bulk_batch import BATCH_KEY, Alive, Batch, Chunk, Source
from core.storage.document import unpacked
from core.storage.failures import storage_failures
from core.storage.ledger import TableLedger
from core.storage.log_row import time_key
from core.sync.bulk_ports import Whole
from core.sync.ports import Change, EntityT, Versioned

_LIST = "list"
_OPEN = "open"
_PREFIX = "batch|"


class TableBatches:
    def __init__(self, table: TableClient) -> None:
        self._table = table
        self._entities = TableLedger(table)

    async def enlist(self, batch: Batch) -> None:
        """Before the batch itself is stored; again when it is reopened."""
        named = {"batch": batch.id, "asked_at": batch.asked_at}
        with storage_failures("listing a batch"):
            await self._table.upsert_entity({"PartitionKey": _OPEN, "RowKey": batch.id, **named})
            await self._table.upsert_entity({"PartitionKey": _LIST, "RowKey": _place(batch), **named})

    async def note_parts(self, batch_id: str, now: datetime) -> None:
        """Parts have been uploaded: if no batch comes of them, they are found here when they are old."""
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        place = f"{time_key(day)}-{batch_id}-parts"
        with storage_failures("noting parts"):
            await self._table.upsert_entity(
                {"PartitionKey": _LIST, "RowKey": place, "batch": batch_id, "asked_at": day, "is_parts": True}
            )

    async def close(self, batch_id: str) -> None:
        with storage_failures("closing a batch"):
            await self._table.delete_entity(_OPEN, batch_id)

    async def read(self, batch_id: str, key: str, kind: type[EntityT]) -> Versioned[EntityT] | None:
        return await self._entities.read(_PREFIX + batch_id, key, kind)

    async def commit(self, batch_id: str, changes: Sequence[Change]) -> tuple[str, ...] | None:
        """All or none; None when a condition did not hold."""
        return await self._entities.commit(_PREFIX + batch_id, changes)

    async def whole(self, batch_id: str) -> Whole | None:
        """The batch with all its parts, in order."""
        batch: Versioned[Batch] | None = None
        sources: list[Versioned[Source]] = []
        chunks: list[Versioned[Chunk]] = []
        alive: dict[str, datetime] = {}
        query = self._table.query_entities(
            "PartitionKey eq @partition", parameters={"partition": _PREFIX + batch_id}, results_per_page=1000
        )
        with storage_failures("reading a batch"):
            async for entity in query:
                key, etag = str(entity["RowKey"]), str(entity.metadata["etag"])
                if key == BATCH_KEY:
                    batch = Versioned(unpacked(entity, Batch), etag)
                elif key.startswith("source|"):
                    sources.append(Versioned(unpacked(entity, Source), etag))
                elif key.startswith("alive|"):
                    alive[key] = unpacked(entity, Alive).at
                else:
                    chunks.append(Versioned(unpacked(entity, Chunk), etag))
        return Whole(batch, sources, chunks, alive) if batch else None

    async def open_ids(self) -> dict[str, datetime]:
        """With when each was asked for."""
        query = self._table.query_entities("PartitionKey eq @open", parameters={"open": _OPEN})
        with storage_failures("reading open batches"):
            return {str(entity["RowKey"]): entity["asked_at"] async for entity in query}

    async def newest(self, *, most: int, after: str | None) -> tuple[list[str], str | None]:
        """Ids, and where the next page begins; None: there is nothing more."""
        query = self._table.query_entities(
            "PartitionKey eq @list and RowKey gt @after",
            parameters={"list": _LIST, "after": after or ""},
            results_per_page=min(most + 1, 1000),
        )
        found: list[tuple[str, str]] = []
        with storage_failures("listing batches"):
            async for entity in query:
                if entity.get("is_parts"):
                    continue
                if len(found) == most:
                    return [batch for _, batch in found], found[-1][0]
                found.append((entity["RowKey"], entity["batch"]))
        return [batch for _, batch in found], None

    async def older(self, before: datetime, *, most: int) -> list[tuple[str, str]]:
        """Those asked for before then: where each stands in the list, and its id."""
        query = self._table.query_entities(
            "PartitionKey eq @list and RowKey gt @first", parameters={"list": _LIST, "first": time_key(before)}
        )
        found: list[tuple[str, str]] = []
        with storage_failures("listing old batches"):
            async for entity in query:
                found.append((entity["RowKey"], entity["batch"]))
                if len(found) >= most:
                    break
        return found

    async def remove(self, batch_id: str, place: str) -> None:
        """Its entry in the list goes last: until then it is found again."""
        query = self._table.query_entities(
            "PartitionKey eq @partition",
            parameters={"partition": _PREFIX + batch_id},
            select=["PartitionKey", "RowKey"],
        )
        with storage_failures("removing a batch"):
            async for entity in query:
                await self._table.delete_entity(entity["PartitionKey"], entity["RowKey"])
            await self._table.delete_entity(_LIST, place)


def _place(batch: Batch) -> str:
    return f"{time_key(batch.asked_at)}-{batch.id}"
