"""The log from its other end: rows that came in before some moment, and taking them away with their index entries.

A row's key tells its age, so what is looked at is what is old, however long the log is.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from azure.core import MatchConditions
from azure.data.tables import TableErrorCode, TableTransactionError, UpdateMode
from azure.data.tables.aio import TableClient

from core.domain.retention import OldRow
from core.storage.failures import storage_failures
from core.storage.log_row import ROWS_END, index_name, time_key

_COLUMNS = ("PartitionKey", "RowKey", "organization", "delivery", "outcome", "indexes")
_PERSONAL_INDEXES = ("prospect|", "email|")
_PERSONAL_COLUMNS = ("prospect", "person", "reason", "dynamics_says", "warnings", "record_id", "record_url")
_TOGETHER_MOST = 100  # operations of one transaction
_LOST_CONDITIONS = {TableErrorCode.RESOURCE_NOT_FOUND, TableErrorCode.UPDATE_CONDITION_NOT_SATISFIED}


class TableOldRows:
    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def rows(
        self, connection: str, *, before: datetime, since: datetime | None = None, after: str = "", most: int
    ) -> list[OldRow]:
        """The newest of them first; `after` is the last one's key of the page before."""
        last = time_key(since) if since else ROWS_END
        return await self._some(connection, after or time_key(before), last, most)

    async def held(self, connection: str, *, before: datetime, most: int) -> list[OldRow]:
        """Through the index."""
        prefix = f"{index_name('outcome', 'held')}|"
        return await self._some(connection, prefix + time_key(before), prefix + ROWS_END, most)

    async def remove(self, rows: Sequence[OldRow]) -> int:
        """All of one connection. A row that was written anew meanwhile stays; answers how many went."""
        removed = 0
        for together in _together(rows):
            if await self._removed(together):
                removed += len(together)
            elif len(together) > 1:
                removed += sum([await self._removed([row]) for row in together])
        return removed

    async def of_prospect(self, connection: str, name: str, *, most: int) -> list[OldRow]:
        """Of any age, through the index."""
        prefix = f"{index_name('prospect', name)}|"
        return await self._some(connection, prefix, prefix + ROWS_END, most)

    async def strip(self, row: OldRow) -> None:
        """Takes the person out of it, with the index entries that lead to the person."""
        with storage_failures("erasing a person from the sync log"):
            entity = await self._table.get_entity(row.connection, row.key.rpartition("|")[2])
            indexes = str(entity.get("indexes") or "").split("\n")
            personal = [name for name in indexes if name.startswith(_PERSONAL_INDEXES)]
            kept = {name: value for name, value in entity.items() if not name.startswith("document")}
            kept |= dict.fromkeys(_PERSONAL_COLUMNS, "")
            kept["indexes"] = "\n".join(name for name in indexes if name not in personal)
            condition = {"etag": entity.metadata["etag"], "match_condition": MatchConditions.IfNotModified}
            keys = {"PartitionKey": row.connection}
            entries = [("delete", {**keys, "RowKey": f"{name}|{entity['RowKey']}"}) for name in personal]
            await self._table.submit_transaction(
                [("update", kept, {"mode": UpdateMode.REPLACE, **condition}), *entries]
            )

    async def _some(self, connection: str, first: str, last: str, most: int) -> list[OldRow]:
        query = self._table.query_entities(
            "PartitionKey eq @connection and RowKey gt @first and RowKey lt @last",
            parameters={"connection": connection, "first": first, "last": last},
            select=list(_COLUMNS),
            results_per_page=min(most, 1000),
        )
        found: list[OldRow] = []
        with storage_failures("reading old rows of the sync log"):
            async for entity in query:
                found.append(_old(entity))
                if len(found) >= most:
                    break
        return found

    async def _removed(self, rows: Sequence[OldRow]) -> bool:
        operations = [operation for row in rows for operation in _deletions(row)]
        with storage_failures("tidying the sync log"):
            try:
                await self._table.submit_transaction(operations)
            except TableTransactionError as error:
                if getattr(error, "error_code", None) in _LOST_CONDITIONS:
                    return False
                raise
        return True


def _old(entity: Any) -> OldRow:
    return OldRow(
        connection=entity["PartitionKey"],
        key=entity["RowKey"],
        organization=str(entity.get("organization") or ""),
        delivery=str(entity.get("delivery") or ""),
        outcome=str(entity.get("outcome") or ""),
        etag=str(entity.metadata["etag"]),
        indexes=tuple(filter(None, str(entity.get("indexes") or "").split("\n"))),
    )


def _deletions(row: OldRow) -> list[tuple[Any, ...]]:
    condition = {"etag": row.etag, "match_condition": MatchConditions.IfNotModified}
    keys = {"PartitionKey": row.connection, "RowKey": row.key}
    entries = [{**keys, "RowKey": f"{index}|{row.key}"} for index in row.indexes]
    return [("delete", keys, condition), *(("delete", entry) for entry in entries)]


def _together(rows: Sequence[OldRow]) -> Iterator[list[OldRow]]:
    """As many at once as a transaction takes."""
    together: list[OldRow] = []
    operations = 0
    for row in rows:
        size = 1 + len(row.indexes)
        if together and operations + size > _TOGETHER_MOST:
            yield together
            together, operations = [], 0
        together.append(row)
        operations += size
    if together:
        yield together
