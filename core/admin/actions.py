"""Saving a sync action: its connection must be there; what would still be missing is said as warnings."""

from collections.abc import Iterator, Mapping

from core.domain.action import SyncAction
from core.domain.mapping import FieldMapping
from core.domain.table import TEXT_TYPES
from core.errors import InvalidInputError, UnreadableDocumentError
from core.sync.ports import Any_, Configuration


class Actions:
    def __init__(self, *, configuration: Configuration) -> None:
        self._configuration = configuration

    async def save(self, action: SyncAction, *, before: SyncAction | Any_ | None = "any") -> tuple[bool, list[str]]:
        """Whether the action is new, and what to know about it. `before`: as it has to stand there still."""
        setup = await self._configuration.setup(action.connection)
        if setup is None:
            raise InvalidInputError(f"There is no connection {action.connection}: save it first.", field="connection")
        if why := why_accounts_cannot_be_found(action, setup.mappings):
            raise InvalidInputError(why, field="account.by")
        is_new = await self._is_new(action.id)
        await self._configuration.save_action(action, before=before)
        return is_new, list(action_warnings(action, setup.mappings))

    async def _is_new(self, action_id: str) -> bool:
        try:
            return await self._configuration.action(action_id) is None
        except UnreadableDocumentError:
            return False


def why_accounts_cannot_be_found(action: SyncAction, mappings: Mapping[str, FieldMapping]) -> str:
    """What is wrong with the column that accounts go by, as far as an account mapping says; "" when nothing is."""
    mapping, by = mappings.get("account"), action.account.by if action.account else "name"
    if mapping is None or by == "name":
        return ""
    texts = [name for name in mapping.mapped if (column := mapping.columns.get(name)) and column.type in TEXT_TYPES]
    if by in texts:
        return ""
    accepted = " or ".join(dict.fromkeys(("name", *texts)))
    return f"Accounts cannot be found by {by}: give a text column that the account mapping fills ({accepted})."


def action_warnings(action: SyncAction, mappings: Mapping[str, FieldMapping]) -> Iterator[str]:
    """What would go otherwise than people may think."""
    for table in action.tables:
        if table not in mappings:
            yield f"There is no mapping for {table} on {action.connection} yet."
    if action.create == "contact" and action.account is None:
        yield "Contacts are created without their company: give `account` to link or create it."
    if action.account and action.account.by != "name" and "account" not in mappings:
        yield f"Accounts are found by {action.account.by}, which no account mapping fills: none is linked."
