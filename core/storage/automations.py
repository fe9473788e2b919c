"""Automations in the table `Configuration`, how far each has come beside it, and the feed of changes in the ledger.

Fits the ports of `sync.automating` and `sync.selecting`.
"""

from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.core.pipeline import PipelineResponse
from azure.data.tables import TableEntity, UpdateMode
from azure.data.tables.aio import TableClient

from core.domain.automation import Automation, Changed, FeedPart, Progress
from core.storage.document import Readable, all_readable, packed, unpacked
from core.storage.failures import storage_failures
from core.sync.ports import ABSENT, ANY, EntityT, Versioned

_AUTOMATIONS, _PROGRESS = "automation", "automation-progress"


class TableAutomations:
    def __init__(self, configuration: TableClient, ledger: TableClient) -> None:
        self._table = configuration
        self._ledger = ledger

    async def automations(self) -> list[Automation]:
        return (await self.every_automation()).items

    async def unreadable(self) -> list[str]:
        """Sentences about those that cannot be read any more."""
        return list((await self.every_automation()).unreadable.values())

    async def every_automation(self) -> Readable[Automation]:
        """Also those that cannot be read any more, by id."""
        query = self._table.query_entities("PartitionKey eq @of", parameters={"of": _AUTOMATIONS})
        with storage_failures("reading automations"):
            return all_readable([entity async for entity in query], Automation)

    async def automation(self, automation_id: str) -> Versioned[Automation] | None:
        return await self._read(_AUTOMATIONS, automation_id, Automation)

    async def save(self, automation: Automation, etag: str) -> bool:
        """False: somebody else changed it meanwhile. ANY replaces whatever stands there."""
        shown = {"state": automation.state, "action": automation.action, **packed(automation)}
        return await self._save({"PartitionKey": _AUTOMATIONS, "RowKey": automation.id, **shown}, etag) is not None

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

    async def save_progress(self, automation_id: str, progress: Progress, etag: str) -> str | None:
        return await self._save({"PartitionKey": _PROGRESS, "RowKey": automation_id, **packed(progress)}, etag)

    async def changes(
        self, organization: str, *, after: str, before: str, committed_after: datetime | None, most: int
    ) -> FeedPart:
        """What storage need not look at is left out there, so a tick after a busy one is not sent all of it again."""
        asked: dict[str, str | datetime] = {"organization": organization, "after": after, "before": before}
        answered: list[datetime] = []
        wanted = "PartitionKey eq @organization and RowKey gt @after and RowKey lt @before"
        if committed_after is not None:
            asked, wanted = {**asked, "committed": committed_after}, f"{wanted} and Timestamp gt @committed"
        query = self._ledger.query_entities(
            wanted, parameters=asked, results_per_page=min(most, 1000), raw_response_hook=_noting_time(answered)
        )
        changes: list[Changed] = []
        with storage_failures("reading what changed"):
            async for entity in query:
                changes.append(_change(entity))
                if len(changes) == most:
                    break
        return FeedPart(changes, answered[0])

    async def _read(self, partition: str, key: str, kind: type[EntityT]) -> Versioned[EntityT] | None:
        try:
            with storage_failures(f"reading {partition} {key}"):
                entity = await self._table.get_entity(partition, key)
        except ResourceNotFoundError:
            return None
        return Versioned(unpacked(entity, kind), str(entity.metadata["etag"]))

    async def _save(self, entity: dict[str, object], etag: str) -> str | None:
        try:
            with storage_failures(f"saving {entity['PartitionKey']}"):
                if etag == ABSENT:
                    saved = await self._table.create_entity(entity)
                elif etag == ANY:
                    saved = await self._table.upsert_entity(entity, mode=UpdateMode.REPLACE)
                else:
                    saved = await self._table.update_entity(
                        entity, mode=UpdateMode.REPLACE, etag=etag, match_condition=MatchConditions.IfNotModified
                    )
        except (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError):
            return None
        return str(saved["etag"])


def _change(entity: TableEntity) -> Changed:
    of_storage = {"key": entity["RowKey"], "committed_at": entity.metadata["timestamp"]}
    return unpacked(entity, Changed).model_copy(update=of_storage)


def _noting_time(answered: list[datetime]) -> Callable[[PipelineResponse[Any, Any]], None]:
    """Storage says with each answer what time it is there."""

    def note(response: PipelineResponse[Any, Any]) -> None:
        answered.append(parsedate_to_datetime(response.http_response.headers["date"]))

    return note
