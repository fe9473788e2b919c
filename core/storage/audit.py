"""The table `Audit`: who asked to see personal data in clear, when and of what; newest first within a month."""

import secrets
from datetime import datetime
from typing import Any

from azure.data.tables.aio import TableClient

from core.storage.failures import storage_failures
from core.storage.log_row import time_key

_TEXT_MOST = 1_000


class TableAudit:
    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def note(self, *, who: str, what: str, at: datetime, people: int) -> None:
        entity: dict[str, Any] = {"PartitionKey": f"{at:%Y-%m}", "RowKey": f"{time_key(at)}-{secrets.token_hex(4)}"}
        entity |= {"at": at, "who": who[:_TEXT_MOST], "what": what[:_TEXT_MOST], "people": people}
        with storage_failures("writing the audit"):
            await self._table.create_entity(entity)

    async def newest(self, month: str, *, most: int, after: str | None = None) -> list[tuple[str, dict[str, Any]]]:
        """Of one month, such as 2026-05, each with its place; `after` is such a place."""
        query = self._table.query_entities(
            "PartitionKey eq @month and RowKey gt @after",
            parameters={"month": month, "after": after or ""},
            results_per_page=min(most, 1000),
        )
        found: list[tuple[str, dict[str, Any]]] = []
        with storage_failures("reading the audit"):
            async for entity in query:
                found.append((entity["RowKey"], dict(entity)))
                if len(found) >= most:
                    break
        return found

    async def tidy(self, before: datetime, *, most: int) -> int:
        """Takes away what was noted in months before that one; answers how many."""
        query = self._table.query_entities(
            "PartitionKey lt @month",
            parameters={"month": f"{before:%Y-%m}"},
            select=["PartitionKey", "RowKey"],
            results_per_page=min(most, 1000),
        )
        removed = 0
        with storage_failures("tidying the audit"):
            async for entity in query:
                await self._table.delete_entity(entity["PartitionKey"], entity["RowKey"])
                removed += 1
                if removed >= most:
                    break
        return removed
