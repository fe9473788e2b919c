"""The table `SyncLog`: one row for each delivery, newest first within a connection, readable as it stands.

A row can be rebuilt from its delivery at any time, and its key follows from the delivery, so writing it again is
harmless. A delivery that was over and is taken up again (a held one is released) has a higher revision: whoever is late
with the row of an earlier one finds that, and leaves it. The count of repeats is kept beside it, and survives all that.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import TableEntity, UpdateMode
from azure.data.tables.aio import TableClient

from core.domain.delivery import Delivery
from core.storage.failures import storage_failures

_LAST_MICROSECOND = 10**17  # far beyond any date; subtracting from it sorts the newest first
_TEXT_MOST = 8_000
_PAGE_MOST = 1000


class TableSyncLog:
    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def write(self, delivery: Delivery, *, row_url: str) -> None:
        entity = {**_keys(delivery), **_told(delivery), **_shown(delivery, row_url)}
        with storage_failures("writing the sync log"):
            while not await self._is_new(entity):
                if await self._gives_way(entity):
                    return

    async def _gives_way(self, entity: dict[str, Any]) -> bool:
        """Whether the row that is there says this, or something later, now."""
        try:
            row = await self._table.get_entity(entity["PartitionKey"], entity["RowKey"])
            if row.get("revision", 0) <= entity["revision"]:
                await self._merge(row, entity)
        except (ResourceModifiedError, ResourceNotFoundError):
            return False
        return True

    async def _merge(self, row: TableEntity, entity: dict[str, Any]) -> None:
        """Into the row as it was read."""
        unchanged = MatchConditions.IfNotModified
        await self._table.update_entity(
            entity, mode=UpdateMode.MERGE, etag=row.metadata["etag"], match_condition=unchanged
        )

    async def count_repeat(self, delivery: Delivery) -> None:
        keys = _keys(delivery)
        while True:
            with storage_failures("counting a repeat"):
                try:
                    row = await self._table.get_entity(keys["PartitionKey"], keys["RowKey"])
                    await self._merge(row, keys | {"repeats": row.get("repeats", 0) + 1})
                except ResourceNotFoundError:
                    if await self._is_new({**keys, **_told(delivery), "repeats": 1}):
                        return
                except ResourceModifiedError:
                    continue
                else:
                    return

    async def _is_new(self, entity: dict[str, Any]) -> bool:
        try:
            await self._table.create_entity(entity)
        except ResourceExistsError:
            return False
        return True

    async def page(
        self, connections: Sequence[str], *, filters: Mapping[str, str], most: int, after: str | None
    ) -> list[Mapping[str, Any]]:
        """Newest first over all these connections; `after` is the id of the row a page before ended with."""
        parts = await asyncio.gather(*(self._part(each, filters, most, after) for each in connections))
        rows = sorted((row for part in parts for row in part), key=lambda row: str(row["RowKey"]))
        return rows[:most]

    async def _part(
        self, connection: str, filters: Mapping[str, str], most: int, after: str | None
    ) -> list[Mapping[str, Any]]:
        conditions = ["PartitionKey eq @connection", "RowKey gt @after", *(f"{name} eq @{name}" for name in filters)]
        query = self._table.query_entities(
            " and ".join(conditions),
            parameters={"connection": connection, "after": after or "", **filters},
            results_per_page=min(most, _PAGE_MOST),
        )
        rows: list[Mapping[str, Any]] = []
        with storage_failures("reading the sync log"):
            async for row in query:
                rows.append(dict(row))
                if len(rows) >= most:
                    break
        return rows


def log_id(delivery: Delivery) -> str:
    """The row key: time of receipt, inverted, then the delivery."""
    since = delivery.received_at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    microseconds = since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds
    return f"{_LAST_MICROSECOND - microseconds:018d}-{delivery.id}"


def _keys(delivery: Delivery) -> dict[str, str]:
    return {"PartitionKey": delivery.connection, "RowKey": log_id(delivery)}


def _told(delivery: Delivery) -> dict[str, Any]:
    """What was delivered. No name and no e-mail: the prospect's id leads to the person."""
    capture = delivery.capture
    return {
        "received_at": delivery.received_at,
        "delivery": delivery.id,
        "trigger": delivery.trigger,
        "action": delivery.action,
        "event": capture.event.value,
        "form": capture.form.id or capture.form.name or "",
        "activity": capture.submission.activity_id or "",
        "prospect": capture.prospect.id or "",
        "revision": delivery.revision,
    }


def _shown(delivery: Delivery, row_url: str) -> dict[str, Any]:
    """What became of it."""
    assert delivery.result is not None
    result = delivery.result
    finished = result.finished_at or delivery.received_at
    return {
        "outcome": result.outcome.value,
        "reason": result.reason[:_TEXT_MOST],
        "table": result.table,
        "record_id": result.row_id,
        "record_url": row_url,
        "error_class": result.error_class.value if result.error_class else "",
        "error_code": result.error_code,
        "error_column": result.error_column,
        "warnings": "\n".join(result.warnings)[:_TEXT_MOST],
        "attempts": delivery.attempts + 1,
        "duration_ms": max(0, int((finished - delivery.received_at).total_seconds() * 1000)),
        "mapping_version": result.mapping_version,
        "explain": json.dumps(result.explain)[:_TEXT_MOST],
    }
