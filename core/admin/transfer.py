"""Mappings, actions and automations as one document: taken out of one deployment, put into another or the same again.

Duty: what belongs to a document, what importing one would change, and doing so when nothing in it is invalid. A
document holds no connection and no secret: what it calls `contoso` may have another id here. It says how each item
stood when it was taken out, so putting it in again does not undo what somebody has changed since. YAML is the API's.
"""

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol, TypeVar, assert_never

from pydantic import BaseModel, ConfigDict, Field

from core.admin.actions import Actions, action_warnings, why_accounts_cannot_be_found
from core.admin.automations import AutomationKeeping, check_fits
from core.admin.mappings import MappingRefused, Mappings
from core.domain.action import SyncAction
from core.domain.automation import Automation, NamedAutomation
from core.domain.capture import digest
from core.domain.connection import ConfigurationId
from core.domain.findings import Finding
from core.domain.mapping import FieldMapping, MappingRow
from core.errors import ChangedMeanwhileError, InvalidInputError
from core.sync.ports import Configuration, Versioned

FORMAT: Literal["captello-dynamics/1"] = "captello-dynamics/1"


class TransferredMapping(BaseModel):
    model_config = ConfigDict(extra="forbid")

    connection: ConfigurationId
    table: Literal["lead", "contact", "account"]
    rows: Annotated[tuple[MappingRow, ...], Field(max_length=500)]

    @property
    def name(self) -> str:
        return f"{self.connection}/{self.table}"


class Exported(BaseModel):
    """Where and how a document was taken out. `marks` tell of each item what it held then."""

    model_config = ConfigDict(extra="forbid")

    deployment: str
    marks: dict[str, str] = {}


class Document(BaseModel):
    """Everything that is transferred. `connections` renames: what the document says → the connection's id here.

    `exported` is written by the export. Where it is left out, or is of another deployment, nothing is compared with it.
    """

    model_config = ConfigDict(extra="forbid")

    format: Literal["captello-dynamics/1"] = FORMAT
    connections: dict[ConfigurationId, ConfigurationId] = {}
    mappings: list[TransferredMapping] = []
    actions: list[SyncAction] = []
    automations: list[NamedAutomation] = []
    exported: Exported | None = None

    def renamed(self) -> "Document":
        """With the connections' ids as they are here."""
        mappings = [each.model_copy(update={"connection": self._here(each.connection)}) for each in self.mappings]
        actions = [each.model_copy(update={"connection": self._here(each.connection)}) for each in self.actions]
        return self.model_copy(update={"connections": {}, "mappings": mappings, "actions": actions})

    def _here(self, connection: str) -> str:
        return self.connections.get(connection, connection)

    @property
    def items(self) -> "list[_Item]":
        """In the order in which they can be saved."""
        return [*self.mappings, *self.actions, *self.automations]

    def plain(self) -> dict[str, Any]:
        """As it is written: without what only repeats a default."""
        return {
            "format": self.format,
            "mappings": [_plain(each) for each in self.mappings],
            "actions": [{"id": each.id, **_plain(each)} for each in self.actions],
            "automations": [{"id": each.id, **_plain(each)} for each in self.automations],
            **({"exported": self.exported.model_dump()} if self.exported else {}),
        }

    def mark_of(self, kind: str, name: str, deployment: str) -> str:
        """What the item held when the document was taken out of this deployment; empty: that is not known."""
        is_ours = self.exported is not None and self.exported.deployment == deployment
        return self.exported.marks.get(f"{kind} {name}", "") if self.exported and is_ours else ""


class Change(BaseModel):
    """What importing does, or would do, to one mapping, action or automation."""

    kind: Literal["mapping", "action", "automation"]
    id: str
    change: Annotated[
        Literal["new", "changed", "same", "conflict"],
        Field(description="`conflict`: somebody has changed it here since the document was taken out."),
    ]
    details: Annotated[list[str], Field(description="What of it would be another: by column, or by setting.")] = []
    warnings: list[str] = []


_Item = TransferredMapping | SyncAction | NamedAutomation


class Stored(Configuration, Protocol):
    async def actions(self) -> list[SyncAction]: ...

    async def unreadable(self) -> list[str]:
        """Sentences about what cannot be read any more."""
        ...


class StoredAutomations(Protocol):
    async def automations(self) -> list[Automation]: ...

    async def automation(self, automation_id: str) -> Versioned[Automation] | None: ...

    async def unreadable(self) -> list[str]: ...


class DeploymentKey(Protocol):
    async def hashed(self, text: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Here:
    """What stands here now, by kind and name; and the version of each mapping."""

    items: Mapping[tuple[str, str], _Item]
    versions: Mapping[str, int]

    def item(self, item: _Item) -> _Item | None:
        return self.items.get(_named(item))


class Transfers:
    def __init__(
        self,
        *,
        configuration: Stored,
        mappings: Mappings,
        actions: Actions,
        automations: StoredAutomations,
        keeping: AutomationKeeping,
        key: DeploymentKey,
    ) -> None:
        self._configuration = configuration
        self._mappings = mappings
        self._actions = actions
        self._automations = automations
        self._keeping = keeping
        self._key = key

    async def exported(self) -> Document:
        """All mappings in their current version, all actions and automations, in an order that never changes. Raises
        InvalidInputError where something cannot be read: a file that lacks it would pass for the whole.
        """
        items = (await self._here()).items
        marks = {f"{kind} {name}": _mark(item) for (kind, name), item in items.items()}
        return Document(
            mappings=[each for each in items.values() if isinstance(each, TransferredMapping)],
            actions=[each for each in items.values() if isinstance(each, SyncAction)],
            automations=[each for each in items.values() if isinstance(each, NamedAutomation)],
            exported=Exported(deployment=await self._deployment(), marks=marks),
        )

    async def planned(self, given: Document) -> list[Change]:
        """What importing would change. Raises MappingRefused with everything that is invalid, item and field named."""
        document = given.renamed()
        if found := [finding async for finding in self._findings(document)]:
            raise MappingRefused(found)
        return await self._changes(document, await self._here())

    async def _changes(self, document: Document, here: Here) -> list[Change]:
        changes: list[Change] = []
        deployment = await self._deployment()
        for item in document.items:
            change = _change(item, here.item(item))
            if change.change == "changed" and _is_overtaken(document, item, here, deployment):
                change = change.model_copy(update={"change": "conflict"})
            if isinstance(item, SyncAction):
                change = await self._with_warnings(change, item, document)
            changes.append(change)
        return changes

    async def _here(self) -> Here:
        """In an order that never changes. Raises InvalidInputError where something cannot be read."""
        if broken := [*await self._configuration.unreadable(), *await self._automations.unreadable()]:
            raise InvalidInputError(" ".join(broken), field="configuration", status=409)
        mappings: list[_Item] = []
        versions: dict[str, int] = {}
        for connection in sorted(await self._configuration.connections(), key=lambda each: each.id):
            setup = await self._configuration.fresh_setup(connection.id)
            current = setup.mappings if setup else {}
            mappings += [_transferred(connection.id, current[table]) for table in sorted(current)]
            versions |= {f"{connection.id}/{table}": mapping.version for table, mapping in current.items()}
        actions = sorted(await self._configuration.actions(), key=lambda action: action.id)
        automations = sorted(await self._automations.automations(), key=lambda automation: automation.id)
        every: list[_Item] = [*mappings, *actions, *map(_settings, automations)]
        return Here({_named(each): each for each in every}, versions)

    async def _deployment(self) -> str:
        """The same for every document that is taken out here."""
        return (await self._key.hashed("deployment"))[:16]

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

    async def imported(self, given: Document, *, overwrites: bool = False) -> list[Change]:
        """Saves what differs, mappings first; nothing where anything is invalid, or was changed here since the document
        was taken out, unless it overwrites. New automations are drafts. Raises ChangedMeanwhileError where somebody
        saves the same at the same moment: what came before it in the document is saved then.
        """
        document, here = given.renamed(), await self._here()
        if found := [finding async for finding in self._findings(document)]:
            raise MappingRefused(found)
        planned = await self._changes(document, here)
        conflicts = [_conflict(document, change) for change in planned if change.change == "conflict"]
        if conflicts and not overwrites:
            raise MappingRefused(conflicts, status=412)
        return [await self._saved(item, change, here) for item, change in zip(document.items, planned, strict=True)]

    async def _saved(self, item: _Item, change: Change, here: Here) -> Change:
        """On condition that it stands as it was compared."""
        if change.change == "same":
            return change
        before = here.item(item)
        match item:
            case TransferredMapping():
                after = here.versions.get(item.name, 0)
                await self._mappings.save(item.connection, item.table, item.rows, after=after)
            case SyncAction():
                await self._actions.save(item, before=before if isinstance(before, SyncAction) else None)
            case NamedAutomation():
                await self._saved_automation(item, before)
            case _ as never:
                assert_never(never)
        return change.model_copy(update={"change": "changed"}) if change.change == "conflict" else change

    async def _saved_automation(self, item: NamedAutomation, before: _Item | None) -> None:
        """One that is there keeps its state."""
        found = await self._automations.automation(item.id)
        if (_settings(found.entity) if found else None) != before:
            raise ChangedMeanwhileError(f"automation {item.id}")
        state = found.entity.state if found else "draft"
        after = Automation.model_validate({**item.model_dump(by_alias=True), "state": state})
        await self._keeping.save(after, found)

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


def _named(item: _Item) -> tuple[str, str]:
    """Its kind and name."""
    match item:
        case TransferredMapping():
            return "mapping", item.name
        case SyncAction():
            return "action", item.id
        case NamedAutomation():
            return "automation", item.id
        case _ as never:
            assert_never(never)


def _mark(item: _Item) -> str:
    return digest(json.dumps(_plain(item), sort_keys=True))[:16]


def _is_overtaken(document: Document, item: _Item, here: Here, deployment: str) -> bool:
    """Whether somebody has changed the item here since the document was taken out."""
    now, then = here.item(item), document.mark_of(*_named(item), deployment)
    return bool(then and now and _mark(now) != then)


def _conflict(document: Document, change: Change) -> Finding:
    names = {"mapping": "mappings", "action": "actions", "automation": "automations"}
    index = [_named(item) for item in document.items if _named(item)[0] == change.kind].index((change.kind, change.id))
    message = (
        f"Somebody has changed the {change.kind} {change.id} since this file was taken out. Nothing was saved: take it "
        "out again, or send ?overwrite=1 to save it as the file says."
    )
    return Finding(f"{names[change.kind]}.{index}", message)


def _change(given: _Item, here: _Item | None) -> Change:
    match given, here:
        case TransferredMapping(), (TransferredMapping() | None):
            return _mapping_change(given, here)
        case SyncAction(), (SyncAction() | None):
            return _settings_change("action", given, here)
        case NamedAutomation(), (NamedAutomation() | None):
            return _settings_change("automation", given, here)
        case _:
            raise TypeError("Items of a kind are compared with each other.")


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
