"""Deleting a sync action: refused while anything needs it. What failed under it stays in the log."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from core.admin.on_the_way import on_the_way
from core.admin.places import Places
from core.admin.signature_secrets import SecretKeeping
from core.domain.automation import Automation
from core.domain.bulk_batch import BATCH_KEY, Batch
from core.errors import InvalidInputError
from core.sync.ports import Ledger, Versioned


class Configuration(Protocol):
    async def has_action(self, action_id: str) -> bool: ...

    async def delete_action(self, action_id: str) -> None: ...


class Automations(Protocol):
    async def automations(self) -> list[Automation]: ...


class Batches(Protocol):
    async def open_ids(self) -> Mapping[str, datetime]: ...

    async def read(self, batch_id: str, key: str, kind: type[Batch]) -> Versioned[Batch] | None: ...


class ActionDeletion:
    def __init__(
        self,
        *,
        configuration: Configuration,
        automations: Automations,
        batches: Batches,
        ledger: Ledger,
        places: Places,
        secrets: SecretKeeping,
    ) -> None:
        self._configuration = configuration
        self._automations = automations
        self._batches = batches
        self._ledger = ledger
        self._places = places
        self._secrets = secrets

    async def delete(self, action_id: str) -> None:
        """Also one that cannot be read any more. Its signature's secret ends with it. Raises InvalidInputError."""
        if not await self._configuration.has_action(action_id):
            raise InvalidInputError(f"There is no action {action_id}.", field="action_id", status=404)
        if user := await self._user(action_id):
            message = f"The action {action_id} is needed by {user}. Nothing was deleted."
            raise InvalidInputError(message, field="action_id", status=409)
        await self._secrets.end_of(action_id)
        await self._configuration.delete_action(action_id)

    async def _user(self, action_id: str) -> str:
        """What needs it still; empty: nothing."""
        named = [each.id for each in await self._automations.automations() if each.action == action_id]
        if named:
            return f"the automation {', '.join(named)}: delete it, or give it another action"
        for batch_id in await self._batches.open_ids():
            batch = await self._batches.read(batch_id, BATCH_KEY, Batch)
            if batch and batch.entity.action == action_id:
                return f"the bulk action {batch_id}, which is not over: wait for it, or cancel it"
        waiting, _ = await on_the_way(self._ledger, self._places, [])
        count = sum(each.action == action_id for each in waiting)
        return f"{count} deliveries that are on their way: wait until they are over" if count else ""
