"""Automations in the table `Configuration`, how far each has come beside it, and the feed of changes in the ledger.

Fits `sync.automating`'s ports.
"""

from datetime import datetime

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from core.domain.automation import Automation, Changed, Progress, changed_key
from core.storage.document import packed, unpacked
from core.storage.failures import storage_failures
from core.sync.ports import ABSENT, EntityT, Versioned

_AUTOMATIONS, _PROGRESS = "automation", "automation-progress"


class TableAutomations:
    def __init__(self, configuration: TableClient, ledger: TableClient) -> None:
        self._table = configuration
        self._ledger = ledger

    async def automations(self) -> list[Automation]:
        query = self._table.query_entities("PartitionKey eq @of", parameters={"of": _AUTOMATIONS})
        with storage_failures("reading automations"):
            return [unpacked(entity, Automation) async for entity in query]

    async def automation(self, automation_id: str) -> Versioned[Automation] | None:
        return await self._read(_AUTOMATIONS, automation_id, Automation)

    async def save(self, automation: Automation, etag: str) -> bool:
        """False: somebody else changed it meanwhile."""
        shown = {"state": automation.state, "action": automation.action, **packed(automation)}
        return await self._save({"PartitionKey": _AUTOMATIONS, "RowKey": automation.id, **shown}, etag)

    async def delete(self, automation_id: str) -> None:
        with storage_failures("deleting an automation"):
            await self._table.delete_entity(_AUTOMATIONS, automation_id)
            await self._table.delete_entity(_PROGRESS, automation_id)

    async def finish(self, automation: Automation) -> None:
        found = await self.automation(automation.id)
        if found and found.entity == automation:
            await self.save(automation.model_copy(update={"state": "finished"}), found.etag)

    async def progress(self, automation_id: str) -> Versioned[Progress]:
        return await self._read(_PROGRESS, automation_id, Progress) or Versioned(Progress(), ABSENT)

    async def save_progress(self, automation_id: str, progress: Progress, etag: str) -> bool:
        return await self._save({"PartitionKey": _PROGRESS, "RowKey": automation_id, **packed(progress)}, etag)

    async def changes(self, organization: str, *, since: datetime, until: datetime) -> list[Changed]:
        query = self._ledger.query_entities(
            "PartitionKey eq @organization and RowKey gt @first and RowKey lt @last",
            parameters={"organization": organization, "first": changed_key(since), "last": changed_key(until, "~")},
        )
        with storage_failures("reading what changed"):
            return [
                unpacked(entity, Changed).model_copy(update={"committed_at": entity.metadata["timestamp"]})
                async for entity in query
            ]

    async def _read(self, partition: str, key: str, kind: type[EntityT]) -> Versioned[EntityT] | None:
        try:
            with storage_failures(f"reading {partition} {key}"):
                entity = await self._table.get_entity(partition, key)
        except ResourceNotFoundError:
            return None
        return Versioned(unpacked(entity, kind), str(entity.metadata["etag"]))

    async def _save(self, entity: dict[str, object], etag: str) -> bool:
        try:
            with storage_failures(f"saving {entity['PartitionKey']}"):
                if etag == ABSENT:
                    await self._table.create_entity(entity)
                else:
                    await self._table.update_entity(
                        entity, mode=UpdateMode.REPLACE, etag=etag, match_condition=MatchConditions.IfNotModified
                    )
        except (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError):
            return False
        return True
