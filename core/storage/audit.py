"""The table `Audit`: who asked to see personal data in clear, when, by which filters, and who was shown; newest first
within a month. People stand there as the log's indexes name them: an address only as its hash.
"""

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from azure.data.tables.aio import TableClient

from core.storage.failures import storage_failures
from core.storage.log_row import time_key

_TEXT_MOST = 1_000
_SHOWN_MOST = 30_000  # characters; a property holds 32,000
_LOOKED_AT_MOST = 5_000

Found = list[tuple[str, dict[str, Any]]]


class TableAudit:
    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def note(self, *, who: str, what: str, at: datetime, people: int, shown: Sequence[str] = ()) -> None:
        entity: dict[str, Any] = {"PartitionKey": f"{at:%Y-%m}", "RowKey": f"{time_key(at)}-{secrets.token_hex(4)}"}
        entity |= {"at": at, "who": who[:_TEXT_MOST], "what": what[:_TEXT_MOST], "people": people}
        entity["shown"] = "\n".join(dict.fromkeys(shown))[:_SHOWN_MOST]
        with storage_failures("writing the audit"):
            await self._table.create_entity(entity)

    async def newest(
        self, month: str, *, most: int, after: str | None = None, about: Collection[str] = ()
    ) -> tuple[Found, str | None]:
        """Of one month, such as 2026-05, each with its place; and where to go on, None at the end. `about`: only those
        that showed one of these; then it looks through a bounded number.
        """
        query = self._table.query_entities(
            "PartitionKey eq @month and RowKey gt @after",
            parameters={"month": month, "after": after or ""},
            results_per_page=1000 if about else min(most, 1000),
        )
        found: Found = []
        looked_at = 0
        with storage_failures("reading the audit"):
            async for entity in query:
                looked_at += 1
                if not about or not set(about).isdisjoint(str(entity.get("shown", "")).split("\n")):
                    found.append((entity["RowKey"], dict(entity)))
                if len(found) >= most or looked_at >= _LOOKED_AT_MOST:
                    return found, entity["RowKey"]
        return found, None

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
