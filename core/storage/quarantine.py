"""The table `Quarantine`: bodies that could not be read, whole, in chunks as a property takes them.

Beside each stands an entry without the body in a list, newest first; both change in one transaction. A body of the
size that a capture may have fits into one entity.
https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
"""

import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableErrorCode, TableTransactionError, UpdateMode
from azure.data.tables.aio import TableClient

from core.domain.quarantined import Quarantined, State
from core.storage.document import packed, unpacked
from core.storage.failures import storage_failures
from core.storage.log_row import time_key
from core.sync.ports import Versioned

_PARTITION = "quarantine"
_CHUNK = 60_000
_LOST_CONDITIONS = {
    TableErrorCode.ENTITY_ALREADY_EXISTS,
    TableErrorCode.RESOURCE_NOT_FOUND,
    TableErrorCode.UPDATE_CONDITION_NOT_SATISFIED,
}


class TableQuarantine:
    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def add(self, item: Quarantined, body: bytes) -> bool:
        """False: it is there already."""
        return await self._submitted([("create", _whole(item) | _chunks("body", body)), ("create", _entry(item))])

    async def item(self, receipt: str) -> Versioned[Quarantined] | None:
        entity = await self._read(receipt)
        return Versioned(unpacked(entity, Quarantined), str(entity.metadata["etag"])) if entity else None

    async def body(self, receipt: str, *, mended: bool = False) -> bytes:
        """The body as it was sent; or the one that was replayed instead of it, where there is one."""
        entity: Mapping[str, Any] = await self._read(receipt) or {}
        return (_joined("mended", entity) if mended else None) or _joined("body", entity)

    async def change(self, item: Quarantined, etag: str, *, mended: bytes | None = None) -> bool:
        """False: somebody changed it first. A mended body is kept beside the one that was sent."""
        condition = {"etag": etag, "match_condition": MatchConditions.IfNotModified}
        chunks = {} if mended is None else _chunks("mended", mended)
        whole = ("update", _whole(item) | chunks, {"mode": UpdateMode.MERGE, **condition})
        return await self._submitted([whole, ("upsert", _entry(item), {"mode": UpdateMode.REPLACE})])

    async def newest(self, *, state: State | None, most: int, after: str | None) -> list[tuple[str, Quarantined]]:
        """Each with where it stands in the list; `after` is such a place."""
        conditions = "PartitionKey eq @partition and RowKey gt @after and RowKey lt 'list~'"
        query = self._table.query_entities(
            conditions + (" and state eq @state" if state else ""),
            parameters={"partition": _PARTITION, "after": after or "list|", "state": state or ""},
            results_per_page=min(most, 1000),
        )
        found: list[tuple[str, Quarantined]] = []
        with storage_failures("reading the quarantine"):
            async for entity in query:
                found.append((entity["RowKey"], unpacked(entity, Quarantined)))
                if len(found) >= most:
                    break
        return found

    async def waiting(self, before: datetime, *, most: int) -> list[str]:
        """Receipts of bodies that came in before then, and were neither replayed nor discarded."""
        return [item.receipt for item in await self._older(before, "state eq 'waiting'", most)]

    async def tidy(self, before: datetime, *, most: int) -> int:
        """Takes away what came in before then and has been settled; answers how many."""
        settled = await self._older(before, "state ne 'waiting'", most)
        for item in settled:
            await self._removed(item)
        return len(settled)

    async def remove(self, receipt: str) -> bool:
        """The body, and what is known of it. False: there is none."""
        found = await self.item(receipt)
        if found is not None:
            await self._removed(found.entity)
        return found is not None

    async def _removed(self, item: Quarantined) -> None:
        keys = (_whole(item)["RowKey"], _entry(item)["RowKey"])
        await self._submitted([("delete", {"PartitionKey": _PARTITION, "RowKey": key}) for key in keys])

    async def _older(self, before: datetime, condition: str, most: int) -> list[Quarantined]:
        query = self._table.query_entities(
            f"PartitionKey eq @partition and RowKey gt @first and RowKey lt 'list~' and {condition}",
            parameters={"partition": _PARTITION, "first": f"list|{time_key(before)}"},
            results_per_page=min(most, 1000),
        )
        found: list[Quarantined] = []
        with storage_failures("reading the quarantine"):
            async for entity in query:
                found.append(unpacked(entity, Quarantined))
                if len(found) >= most:
                    break
        return found

    async def _read(self, receipt: str) -> Any:
        try:
            with storage_failures("reading the quarantine"):
                return await self._table.get_entity(_PARTITION, f"body|{receipt}")
        except ResourceNotFoundError:
            return None

    async def _submitted(self, operations: list[tuple[Any, ...]]) -> bool:
        with storage_failures("writing the quarantine"):
            try:
                await self._table.submit_transaction(operations)
            except TableTransactionError as error:
                if getattr(error, "error_code", None) in _LOST_CONDITIONS:
                    return False
                raise
        return True


def _chunks(name: str, body: bytes) -> dict[str, Any]:
    raw = zlib.compress(body)
    return {f"{name}_{number}": raw[at : at + _CHUNK] for number, at in enumerate(range(0, len(raw), _CHUNK))}


def _joined(name: str, entity: Mapping[str, Any]) -> bytes:
    chunks: list[bytes] = []
    while (key := f"{name}_{len(chunks)}") in entity:
        chunks.append(entity[key])
    return zlib.decompress(b"".join(chunks)) if chunks else b""


def _whole(item: Quarantined) -> dict[str, Any]:
    return {"PartitionKey": _PARTITION, "RowKey": f"body|{item.receipt}", **_shown(item), **packed(item)}


def _entry(item: Quarantined) -> dict[str, Any]:
    key = f"list|{time_key(item.received_at)}-{item.receipt}"
    return {"PartitionKey": _PARTITION, "RowKey": key, **_shown(item), **packed(item)}


def _shown(item: Quarantined) -> dict[str, Any]:
    """What a person in Storage Explorer wants to see."""
    shown = {"state": item.state, "action": item.action, "reason": item.reason[:4000]}
    return shown | {"received_at": item.received_at, "bytes": item.size}
