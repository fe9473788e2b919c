"""Configuration as it stood when a chunk began, looked up once: its turns are decided by the same settings.

Turns stay in step as long as they wait for the same things. Settings forgotten in the middle would be read again by
some, and the others would go ahead without them for good.
"""

from dataclasses import replace

from core.domain.action import SyncAction
from core.domain.mapping import FieldMapping
from core.sync.ports import ConnectionSetup, TurnSettings


class SettingsTogether:
    def __init__(self, settings: TurnSettings) -> None:
        self._settings = settings
        self._actions: dict[str, SyncAction] = {}
        self._setups: dict[str, ConnectionSetup] = {}

    async def action(self, action_id: str) -> SyncAction | None:
        """What is absent is asked for again."""
        if action_id not in self._actions and (action := await self._settings.action(action_id)):
            self._actions.setdefault(action_id, action)
        return self._actions.get(action_id)

    async def setup(self, connection_id: str) -> ConnectionSetup | None:
        if connection_id not in self._setups and (setup := await self._settings.setup(connection_id)):
            self._setups.setdefault(connection_id, setup)
        return self._setups.get(connection_id)

    async def fresh_setup(self, connection_id: str) -> ConnectionSetup | None:
        fresh = await self._settings.fresh_setup(connection_id)
        if fresh:
            self._setups[connection_id] = fresh
        return fresh

    async def mapping_version(self, connection_id: str, table: str, version: int) -> FieldMapping | None:
        return await self._settings.mapping_version(connection_id, table, version)

    async def refresh_mapping(self, connection_id: str, mapping: FieldMapping) -> None:
        await self._settings.refresh_mapping(connection_id, mapping)
        if setup := self._setups.get(connection_id):
            zoned = mapping.in_zone(setup.connection.time_zone)
            self._setups[connection_id] = replace(setup, mappings={**setup.mappings, mapping.table: zoned})
