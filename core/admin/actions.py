"""Saving a sync action: its connection must be there; what would still be missing is said as warnings."""

from core.domain.action import SyncAction
from core.errors import InvalidInputError
from core.sync.ports import Configuration


class Actions:
    def __init__(self, *, configuration: Configuration) -> None:
        self._configuration = configuration

    async def save(self, action: SyncAction) -> tuple[bool, list[str]]:
        """Whether the action is new, and what to know about it."""
        setup = await self._configuration.setup(action.connection)
        if setup is None:
            raise InvalidInputError(f"There is no connection {action.connection}: save it first.", field="connection")
        is_new = await self._configuration.action(action.id) is None
        await self._configuration.save_action(action)
        unmapped = [table for table in action.tables if table not in setup.mappings]
        return is_new, [f"There is no mapping for {table} on {action.connection} yet." for table in unmapped]
