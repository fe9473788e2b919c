"""Every version of a mapping that was ever saved: what a log row ran under can always be shown."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables.aio import TableClient

from core.domain.mapping import FieldMapping
from core.storage.document import unpacked
from core.storage.failures import storage_failures


@dataclass(frozen=True, slots=True)
class SavedVersion:
    """A mapping as it was saved once, and when that was."""

    mapping: FieldMapping
    saved_at: datetime


def versions_of(connection_id: str) -> str:
    """The partition that holds them."""
    return f"connection|{connection_id}|versions"


def version_key(table: str, version: int) -> str:
    return f"{table}|{version:08}"


class TableMappingVersions:
    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def every(self, connection_id: str, table: str) -> list[SavedVersion]:
        """The newest first."""
        condition = "PartitionKey eq @partition and RowKey ge @first and RowKey lt @last"
        names = {"partition": versions_of(connection_id), "first": f"{table}|", "last": f"{table}}}"}
        with storage_failures("reading a mapping's versions"):
            query = self._table.query_entities(condition, parameters=names)
            found = [_saved_version(entity) async for entity in query]
        return found[::-1]

    async def one(self, connection_id: str, table: str, version: int) -> SavedVersion | None:
        try:
            with storage_failures("reading a mapping's version"):
                entity = await self._table.get_entity(versions_of(connection_id), version_key(table, version))
        except ResourceNotFoundError:
            return None
        return _saved_version(entity)


def _saved_version(entity: Any) -> SavedVersion:
    return SavedVersion(unpacked(entity, FieldMapping), entity.metadata["timestamp"])
