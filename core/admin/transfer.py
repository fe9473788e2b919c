"""Mappings, actions and automations as one document: taken out of one deployment, put into another or the same again.

Duty: what belongs to a document, what importing one would change, and doing so when nothing in it is invalid. A
document holds no connection and no secret: what it calls `contoso` may have another id here. YAML is the API's.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Annotated, Any, Literal, Protocol, TypeVar, assert_never

from pydantic import BaseModel, ConfigDict, Field

from core.admin.actions import Actions, action_warnings, why_accounts_cannot_be_found
from core.admin.automations import AutomationKeeping, check_fits
from core.admin.mappings import MappingRefused, Mappings
from core.domain.action import SyncAction
from core.domain.automation import Automation, NamedAutomation
from core.domain.connection import ConfigurationId
from core.domain.findings import Finding
from core.domain.mapping import FieldMapping, MappingRow
from core.errors import InvalidInputError
from core.sync.ports import Configuration

FORMAT: Literal["captello-dynamics/1"] = "captello-dynamics/1"


class TransferredMapping(BaseModel):
    model_config = ConfigDict(extra="forbid")

    connection: ConfigurationId
    table: Literal["lead", "contact", "account"]
    rows: Annotated[tuple[MappingRow, ...], Field(max_length=500)]

    @property
    def name(self) -> str:
        return f"{self.connection}/{self.table}"


class Document(BaseModel):
    """Everything that is transferred. `connections` renames: what the document says → the connection's id here."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["captello-dynamics/1"] = FORMAT
    connections: dict[ConfigurationId, ConfigurationId] = {}
    mappings: list[TransferredMapping] = []
    actions: list[SyncAction] = []
    automations: list[NamedAutomation] = []

    def renamed(self) -> "Document":
        """With the connections' ids as they are here."""
        mappings = [each.model_copy(update={"connection": self._here(each.connection)}) for each in self.mappings]
        actions = [each.model_copy(update={"connection": self._here(each.connection)}) for each in self.actions]
        return self.model_copy(update={"connections": {}, "mappings": mappings, "actions": actions})

    def _here(self, connection: str) -> str:
        return self.connections.get(connection, connection)

    def plain(self) -> dict[str, Any]:
        """As it is written: without what only repeats a default."""
        return {
            "format": self.format,
            "mappings": [_plain(each) for each in self.mappings],
            "actions": [{"id": each.id, **_plain(each)} for each in self.actions],
            "automations": [{"id": each.id, **_plain(each)} for each in self.automations],
        }


class Change(BaseModel):
    """What importing does, or would do, to one mapping, action or automation."""

    kind: Literal["mapping", "action", "automation"]
    id: str
    change: Literal["new", "changed", "same"]
    details: list[str] = []
    warnings: list[str] = []


_Item = TransferredMapping | SyncAction | NamedAutomation


class Stored(Configuration, Protocol):
    async def actions(self) -> list[SyncAction]: ...


class StoredAutomations(Protocol):
    async def automations(self) -> list[Automation]: ...


class Transfers:
    def __init__(
        self,
        *,
        configuration: Stored,
        mappings: Mappings,
        actions: Actions,
        automations: StoredAutomations,
        keeping: AutomationKeeping,
    ) -> None:
        self._configuration = configuration
        self._mappings = mappings
        self._actions = actions
        self._automations = automations
        self._keeping = keeping

    async def exported(self) -> Document:
        """All mappings in their current version, all actions and automations, in an order that never changes."""
        mappings: list[TransferredMapping] = []
        for connection in sorted(await self._configuration.connections(), key=lambda each: each.id):
            setup = await self._configuration.setup(connection.id)
            current = setup.mappings if setup else {}
            mappings += [_transferred(connection.id, current[table]) for table in sorted(current)]
        actions = sorted(await self._configuration.actions(), key=lambda action: action.id)
        automations = sorted(await self._automations.automations(), key=lambda automation: automation.id)
        return Document(mappings=mappings, actions=actions, automations=[_settings(each) for each in automations])

    async def planned(self, given: Document) -> list[Change]:
        """What importing would change. Raises MappingRefused with everything that is invalid, item and field named."""
        document = given.renamed()
        if found := [finding async for finding in self._findings(document)]:
            raise MappingRefused(found)
        here = await self.exported()
        mappings = {each.name: each for each in here.mappings}
        actions = {each.id: each for each in here.actions}
        automations = {each.id: each for each in here.automations}
        return [
            *(_mapping_change(each, mappings.get(each.name)) for each in document.mappings),
            *[
                await self._with_warnings(_settings_change("action", each, actions.get(each.id)), each, document)
                for each in document.actions
            ],
            *(_settings_change("automation", each, automations.get(each.id)) for each in document.automations),
        ]

    async def _with_warnings(self, change: Change, action: SyncAction, document: Document) -> Change:
        """What is to know about the action once the document's mappings are here too."""
        setup = await self._configuration.setup(action.connection)
        given: dict[str, FieldMapping] = {
            each.table: FieldMapping(table=each.table, rows=each.rows)
            for each in document.mappings
            if each.connection == action.connection
        }
        warnings = action_warnings(action, {**(setup.mappings if setup else {}), **given})
        return change if change.change == "same" else change.model_copy(update={"warnings": list(warnings)})

    async def imported(self, given: Document) -> list[Change]:
        """Saves what differs, mappings first; nothing where anything is invalid. New automations are drafts."""
        planned, document = await self.planned(given), given.renamed()
        items: list[_Item] = [*document.mappings, *document.actions, *document.automations]
        return [await self._saved(item, change) for item, change in zip(items, planned, strict=True)]

    async def _saved(self, item: _Item, change: Change) -> Change:
        if change.change == "same":
            return change
        match item:
            case TransferredMapping():
                await self._mappings.save(item.connection, item.table, item.rows)
            case SyncAction():
                await self._actions.save(item)
            case NamedAutomation():
                await self._keeping.save_settings(item)
            case _ as never:
                assert_never(never)
        return change

    async def _findings(self, document: Document) -> Any:
        checked: dict[str, dict[str, FieldMapping]] = defaultdict(dict)
        for finding in _doubles(document):
            yield finding
        for index, mapping in enumerate(document.mappings):
            where = f"mappings.{index}"
            if await self._configuration.setup(mapping.connection) is None:
                yield _unknown_connection(where, mapping.connection)
                continue
            try:
                fit = await self._mappings.checked(mapping.connection, mapping.table, mapping.rows)
                checked[mapping.connection][mapping.table] = fit
            except MappingRefused as refused:
                for found in refused.findings:
                    yield Finding(f"{where}.{found.field}", f"{mapping.name}: {found.message}")
        for index, action in enumerate(document.actions):
            if complaint := await self._about_action(action, f"actions.{index}", checked[action.connection]):
                yield complaint
        async for finding in self._automation_findings(document):
            yield finding

    async def _automation_findings(self, document: Document) -> AsyncIterator[Finding]:
        named = {action.id: action for action in document.actions}
        for index, automation in enumerate(document.automations):
            where, action = f"automations.{index}", named.get(automation.action)
            action = action or await self._configuration.action(automation.action)
            if action is None:
                message = f"There is no action {automation.action}, neither here nor in the document."
                yield Finding(f"{where}.action", message)
                continue
            try:
                check_fits(automation, action)
            except InvalidInputError as error:
                yield Finding(f"{where}.{error.field}", error.message)

    async def _about_action(
        self, action: SyncAction, where: str, mappings: Mapping[str, FieldMapping]
    ) -> Finding | None:
        """`mappings`: those that come with it."""
        setup = await self._configuration.setup(action.connection)
        if setup is None:
            return _unknown_connection(where, action.connection)
        why = why_accounts_cannot_be_found(action, {**setup.mappings, **mappings})
        return Finding(f"{where}.account.by", why) if why else None


def _unknown_connection(where: str, connection: str) -> Finding:
    rename = f'"connections": {{"{connection}": "its id here"}}'
    return Finding(f"{where}.connection", f"There is no connection {connection} here: save it, or give {rename}.")


def _doubles(document: Document) -> Iterable[Finding]:
    named = {
        "mappings": [each.name for each in document.mappings],
        "actions": [each.id for each in document.actions],
        "automations": [each.id for each in document.automations],
    }
    for kind, names in named.items():
        for index, name in enumerate(names):
            if name in names[:index]:
                yield Finding(f"{kind}.{index}", f"{name} stands in the document twice: keep one of them.")


def _transferred(connection: str, mapping: FieldMapping) -> TransferredMapping:
    return TransferredMapping.model_validate({"connection": connection, "table": mapping.table, "rows": mapping.rows})


def _mapping_change(given: TransferredMapping, here: TransferredMapping | None) -> Change:
    after, before = ({row.column: _plain(row) for row in each.rows} if each else {} for each in (given, here))
    details = _differences(before, after) if here else []
    in_order = here is not None and list(before) == list(after)
    same = "same" if in_order and not details else "changed"
    return Change(kind="mapping", id=given.name, change=same if here else "new", details=details)


_Settings = TypeVar("_Settings", SyncAction, NamedAutomation)


def _settings_change(kind: Literal["action", "automation"], given: _Settings, here: _Settings | None) -> Change:
    details = _differences(_plain(here), _plain(given)) if here else []
    return Change(kind=kind, id=given.id, change=("changed" if details else "same") if here else "new", details=details)


def _settings(automation: Automation) -> NamedAutomation:
    return NamedAutomation.model_validate(
        automation.model_dump(by_alias=True, include=set(NamedAutomation.model_fields))
    )


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """By name: what came, what went, what is different."""
    names = dict.fromkeys([*before, *after])
    said = {name: "added" if name not in before else "removed" if name not in after else "changed" for name in names}
    return [f"{name}: {what}" for name, what in said.items() if before.get(name) != after.get(name)]


def _plain(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json", by_alias=True, exclude_defaults=True)
