"""Saving a sync action: its connection must be there; what would still be missing is said as warnings."""

from collections.abc import Iterator, Mapping

from core.domain.action import SyncAction
from core.domain.mapping import FieldMapping
from core.errors import InvalidInputError
from core.sync.ports import Any_, Configuration


class Actions:
    def __init__(self, *, configuration: Configuration) -> None:
        self._configuration = configuration

    async def save(self, action: SyncAction, *, before: SyncAction | Any_ | None = "any") -> tuple[bool, list[str]]:
        """Whether the action is new, and what to know about it. `before`: as it has to stand there still."""
        setup = await self._configuration.setup(action.connection)
        if setup is None:
            raise InvalidInputError(f"There is no connection {action.connection}: save it first.", field="connection")
        is_new = await self._configuration.action(action.id) is None
        await self._configuration.save_action(action, before=before)
        return is_new, list(action_warnings(action, setup.mappings))


def action_warnings(action: SyncAction, mappings: Mapping[str, FieldMapping]) -> Iterator[str]:
    """What would go otherwise than people may think."""
    for table in action.tables:
        if table not in mappings:
            yield f"There is no mapping for {table} on {action.connection} yet."
    if action.create == "contact" and action.account is None:
        yield "Contacts are created without their company: give `account` to link or create it."
    if action.account and action.account.by != "name" and not _maps(mappings.get("account"), action.account.by):
        yield f"Accounts are found by {action.account.by}, which no account mapping fills: none is linked."


def _maps(mapping: FieldMapping | None, column: str) -> bool:
    return mapping is not None and any(row.column == column for row in mapping.rows)
