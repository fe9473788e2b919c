"""The ledger in Table Storage: deliveries, prospects, claims and marks of open work, one partition an organisation.

Fits `sync.ports.Ledger`. One transaction covers up to 100 entities of a partition.
https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableErrorCode, TableTransactionError, UpdateMode
from azure.data.tables.aio import TableClient
from pydantic import BaseModel

from core.domain.delivery import Claim, Delivery, Due, due_key
from core.storage.document import packed, unpacked
from core.storage.failures import storage_failures
from core.sync.ports import ABSENT, ANY, PRESENT, Change, EntityT, Versioned

_LOST_CONDITIONS = {
    TableErrorCode.ENTITY_ALREADY_EXISTS,
    TableErrorCode.ENTITY_NOT_FOUND,
    TableErrorCode.RESOURCE_NOT_FOUND,
    TableErrorCode.UPDATE_CONDITION_NOT_SATISFIED,
}


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
        with storage_failures(f"committing {changes[0].key}"):
            try:
                answers = await self._table.submit_transaction(operations)
            except TableTransactionError as error:
                if getattr(error, "error_code", None) in _LOST_CONDITIONS:
                    return None
                raise
        return tuple(answer.get("etag", "") for answer in answers)

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


def _operation(organization: str, change: Change) -> tuple[Any, ...]:
    """One part of a transaction, as the SDK takes it."""
    keys = {"PartitionKey": organization, "RowKey": change.key}
    condition = {} if change.etag == ANY else {"etag": change.etag, "match_condition": MatchConditions.IfNotModified}
    if change.entity is None:
        return ("delete", keys, condition)
    entity = {**keys, **_shown(change.entity), **packed(change.entity)}
    if change.etag == ABSENT:
        return ("create", entity)
    if change.etag == PRESENT:
        return ("update", entity, {"mode": UpdateMode.REPLACE})
    if change.etag == ANY:
        return ("upsert", entity, {"mode": UpdateMode.REPLACE})
    return ("update", entity, {"mode": UpdateMode.REPLACE, **condition})


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
            return {"delivery": entity.delivery, "connection": entity.connection}
        case _:
            return {}
