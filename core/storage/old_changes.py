"""The feed of changes from its other end: what automations have had days to see, and taking it away."""

from datetime import datetime
from typing import Protocol

from azure.data.tables.aio import TableClient

from core.domain.automation import changed_key
from core.storage.entity_batch import Operation
from core.storage.failures import storage_failures
from core.storage.transactions import submitted
from core.sync.ports import TRANSACTION_MOST


class Places(Protocol):
    async def organizations(self) -> list[str]: ...


class OldChanges:
    def __init__(self, ledger: TableClient, places: Places) -> None:
        self._table = ledger
        self._places = places

    async def tidy(self, before: datetime, *, most: int) -> int:
        """Of each organisation so many at most; answers how many went."""
        return sum([await self._tidy(each, before, most) for each in await self._places.organizations()])

    async def _tidy(self, organization: str, before: datetime, most: int) -> int:
        query = self._table.query_entities(
            "PartitionKey eq @organization and RowKey ge 'changed|' and RowKey lt @end",
            parameters={"organization": organization, "end": changed_key(before)},
            select=["PartitionKey", "RowKey"],
            results_per_page=min(most, 1000),
        )
        old: list[Operation] = []
        with storage_failures("reading old changes"):
            async for entity in query:
                old.append(Operation("delete", dict(entity), "*"))
                if len(old) >= most:
                    break
        removed = 0
        for start in range(0, len(old), TRANSACTION_MOST):
            some = old[start : start + TRANSACTION_MOST]
            if await submitted(self._table, some, what="tidying the feed of changes") is not None:
                removed += len(some)  # else another instance is tidying, and comes to the end of it
        return removed
