"""The slots of each connection's bulk work, one entity each in the table `Configuration`. Fits `sync.slots`' port."""

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from core.domain.slots import Slots
from core.storage.document import packed, unpacked
from core.storage.failures import storage_failures
from core.sync.ports import ABSENT, Versioned

_SLOTS = "slots"


class TableSlots:
    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def read(self, connection_id: str) -> Versioned[Slots] | None:
        try:
            with storage_failures("reading slots"):
                entity = await self._table.get_entity(_SLOTS, connection_id)
        except ResourceNotFoundError:
            return None
        return Versioned(unpacked(entity, Slots), str(entity.metadata["etag"]))

    async def save(self, connection_id: str, slots: Slots, etag: str) -> bool:
        """False: somebody else changed them meanwhile."""
        entity = {"PartitionKey": _SLOTS, "RowKey": connection_id, "held": len(slots.held), **packed(slots)}
        try:
            with storage_failures("saving slots"):
                if etag == ABSENT:
                    await self._table.create_entity(entity)
                else:
                    await self._table.update_entity(
                        entity, mode=UpdateMode.REPLACE, etag=etag, match_condition=MatchConditions.IfNotModified
                    )
        except (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError):
            return False
        return True
