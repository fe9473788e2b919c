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


_LAST = 99_999_999  # subtracting from it sorts the newest first
VERSIONS = "version|"  # what their keys begin with, behind everything else of a connection


def partition_of(connection_id: str) -> str:
    """Everything of a connection: what is in force, and every version of its mappings, which one transaction saves."""
    return f"connection|{connection_id}"


def version_key(table: str, version: int) -> str:
    return f"{VERSIONS}{table}|{_LAST - version:08}"


def version_of(key: str) -> int:
    return _LAST - int(key.rpartition("|")[2])


class TableMappingVersions:
    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def newest(
        self, connection_id: str, table: str, *, most: int, before: int | None = None
    ) -> list[SavedVersion]:
        """The newest first; of those before a version, where one is given."""
        first = version_key(table, before) + "~" if before else f"{VERSIONS}{table}|"
        query = self._table.query_entities(
            "PartitionKey eq @partition and RowKey ge @first and RowKey lt @last",
            parameters={"partition": partition_of(connection_id), "first": first, "last": f"{VERSIONS}{table}}}"},
            results_per_page=most,
        )
        found: list[SavedVersion] = []
        with storage_failures("reading a mapping's versions"):
            async for entity in query:
                found.append(_saved_version(entity))
                if len(found) >= most:
                    break
        return found

    async def one(self, connection_id: str, table: str, version: int) -> SavedVersion | None:
        try:
            with storage_failures("reading a mapping's version"):
                entity = await self._table.get_entity(partition_of(connection_id), version_key(table, version))
        except ResourceNotFoundError:
            return None
        return _saved_version(entity)


def _saved_version(entity: Any) -> SavedVersion:
    return SavedVersion(unpacked(entity, FieldMapping), entity.metadata["timestamp"])
