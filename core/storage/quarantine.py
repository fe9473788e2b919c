"""Bodies that could not be read are kept whole, with the reason, until somebody has mended their template."""

import zlib
from datetime import datetime
from typing import Any

from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from core.storage.failures import storage_failures

_CHUNK = 60_000


class TableQuarantine:
    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def keep(
        self, *, receipt: str, action: str, reason: str, body: bytes, content_type: str, received_at: datetime
    ) -> None:
        """The same body for the same action is kept once."""
        raw = zlib.compress(body)
        entity: dict[str, Any] = {"PartitionKey": action, "RowKey": receipt, "reason": reason[:4000]}
        entity |= {"content_type": content_type[:200], "received_at": received_at, "bytes": len(body)}
        for number, start in enumerate(range(0, len(raw), _CHUNK)):
            entity[f"body_{number}"] = raw[start : start + _CHUNK]
        with storage_failures("quarantining a body"):
            await self._table.upsert_entity(entity, mode=UpdateMode.REPLACE)
