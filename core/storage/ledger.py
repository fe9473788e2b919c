"""The ledger in Table Storage: deliveries, prospects, claims and marks of open work, one partition an organisation.

Fits `sync.ports.Ledger`. One transaction covers up to 100 entities of a partition.
https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables.aio import TableClient
from pydantic import BaseModel

from core.domain.delivery import Claim, Delivery, Due, due_key
from core.storage.document import packed, unpacked
from core.storage.entity_batch import Operation
from core.storage.failures import storage_failures
from core.storage.transactions import submitted
from core.sync.ports import ABSENT, ANY, PRESENT, Change, EntityT, Versioned


class TableLedger:
    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def read(self, organization: str, key: str, kind: type[EntityT]) -> Versioned[EntityT] | None:
        try:
            with storage_failures(f"reading {key}"):
                entity = await self._table.get_entity(organization, key)
        except ResourceNotFoundError:
            return None
        return Versioned(unpacked(entity, kind), str(entity.metadata["etag"]))

    async def commit(self, organization: str, changes: Sequence[Change]) -> tuple[str, ...] | None:
        operations = [_operation(organization, change) for change in changes]
        etags = await submitted(self._table, operations, what=f"committing {changes[0].key}")
        return None if etags is None else tuple(etags)

    async def due(
        self, organization: str, before: datetime, *, most: int, connections: Collection[str] = ()
    ) -> list[Due]:
        query = self._table.query_entities(
            "PartitionKey eq @organization and RowKey ge 'due|' and RowKey lt @end",
            parameters={"organization": organization, "end": due_key(before)},
            results_per_page=min(most, 1000),
        )
        marks: list[Due] = []
        with storage_failures("reading what is due"):
            async for entity in query:
                if connections and entity["connection"] not in connections:  # a filter takes 15 comparisons at most
                    continue
                marks.append(unpacked(entity, Due))
                if len(marks) >= most:
                    break
        return marks

    async def waiting(self, organization: str, connection: str, *, most: int) -> int:
        """How many deliveries of this connection are not over; it stops counting at `most`."""
        query = self._table.query_entities(
            "PartitionKey eq @organization and RowKey ge 'due|' and RowKey lt 'due}' and connection eq @connection",
            parameters={"organization": organization, "connection": connection},
            select=["RowKey"],
        )
        count = 0
        with storage_failures("counting what waits"):
            async for _ in query:
                count += 1
                if count >= most:
                    break
        return count

    async def open_since(self, organization: str, connection: str, *, before: datetime) -> datetime | None:
        """Since when the longest open delivery of this connection is open, due or not, of those that were open before
        then; of very many, the longest of those that are due first.
        """
        query = self._table.query_entities(
            "PartitionKey eq @organization and RowKey ge 'due|' and RowKey lt 'due}' "
            "and connection eq @connection and since lt @before",
            parameters={"organization": organization, "connection": connection, "before": before},
            select=["since"],
        )
        with storage_failures("looking for what has waited long"):
            async for page in query.by_page():
                found: list[datetime] = [entity["since"] async for entity in page]
                if found:
                    return min(found)
        return None


def _operation(organization: str, change: Change) -> Operation:
    """One part of a transaction."""
    keys = {"PartitionKey": organization, "RowKey": change.key}
    if change.entity is None:
        return Operation("delete", keys, change.etag)
    entity = {**keys, **_shown(change.entity), **packed(change.entity)}
    if change.etag in (ABSENT, ANY):
        return Operation("insert" if change.etag == ABSENT else "upsert", entity)
    return Operation("replace", entity, "*" if change.etag == PRESENT else change.etag)


def _shown(entity: BaseModel) -> Mapping[str, Any]:
    """What a person in Storage Explorer wants to see beside the document."""
    match entity:
        case Delivery():
            result = entity.result.outcome.value if entity.result else ""
            shown = {"state": entity.state, "outcome": result, "action": entity.action, "attempts": entity.attempts}
            return shown | {"connection": entity.connection, "received_at": entity.received_at}
        case Claim():
            return {"claimed_by": entity.claimed_by}
        case Due():
            return {"delivery": entity.delivery, "connection": entity.connection, "since": entity.since}
        case _:
            return {}
