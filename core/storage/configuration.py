"""Connections, mappings and actions in Table Storage, remembered for a few seconds.

A connection with its current mappings and its pause is one range of keys, so one query reads all of it. Every version
of a mapping stands behind them in the same partition: one transaction saves it and puts it in force. What this process
saves it sees at once; another sees it when its memory of a few seconds has run out.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient
from pydantic import BaseModel

from core.domain.action import SyncAction
from core.domain.check import CheckResult
from core.domain.connection import Connection, Pause, can_be_id
from core.domain.mapping import FieldMapping
from core.domain.signature import SignatureSecrets
from core.errors import ChangedMeanwhileError, SyncError, UnreadableDocumentError
from core.logs import logger
from core.storage.document import ModelT, Readable, all_readable, packed, unpacked
from core.storage.entity_batch import Operation
from core.storage.failures import storage_failures
from core.storage.mapping_versions import VERSIONS, partition_of, version_key, version_of
from core.storage.remembering import Remembered
from core.storage.transactions import submitted
from core.sync.ports import Any_, ConnectionSetup

REMEMBERED_SECONDS = 5.0

_ACTIONS = "action"
_SIGNATURES = "signature"
_CONNECTIONS = "connections"  # lists the ids; everything else of one stands in its own partition
_PAUSE = "pause"
_CONNECTION = "connection"
_MAPPING = "mapping|"
_CHECK = "check"

T = TypeVar("T")

_log = logger("captello.configuration")


class TableConfiguration:
    def __init__(self, table: TableClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._table = table
        self._remembered = Remembered(clock, seconds=REMEMBERED_SECONDS)

    # --- Reading ----------------------------------------------------------------------------------------------------

    async def action(self, action_id: str) -> SyncAction | None:
        if not can_be_id(action_id):
            return None
        return await self._remembered.get(f"action {action_id}", lambda: self._read(_ACTIONS, action_id, SyncAction))

    async def setup(self, connection_id: str) -> ConnectionSetup | None:
        if not can_be_id(connection_id):
            return None
        return await self._remembered.get(f"setup {connection_id}", lambda: self._read_setup(connection_id))

    async def fresh_setup(self, connection_id: str) -> ConnectionSetup | None:
        """As it is stored now, for whoever is about to change it."""
        self._remembered.forget(f"setup {connection_id}")
        return await self.setup(connection_id)

    async def signature_secrets(self, action_id: str, *, fresh: bool = False) -> SignatureSecrets | None:
        name = f"signature {action_id}"
        if fresh:
            self._remembered.forget(name)
        return await self._remembered.get(name, lambda: self._read(_SIGNATURES, action_id, SignatureSecrets))

    async def fresh_action(self, action_id: str) -> SyncAction | None:
        """As it is stored now, for whoever is about to change it."""
        self._remembered.forget(f"action {action_id}")
        return await self.action(action_id)

    async def actions(self) -> list[SyncAction]:
        return (await self.every_action()).items

    async def every_action(self) -> Readable[SyncAction]:
        """Also those that cannot be read any more, by id."""
        return all_readable([entity async for entity in self._partition(_ACTIONS)], SyncAction)

    async def unreadable(self) -> list[str]:
        """Sentences about connections, mappings and actions that cannot be read any more."""
        connections, actions = await self.every_connection(), await self.every_action()
        setups = await asyncio.gather(*(self.setup(each.id) for each in connections.items))
        mappings = [f"{setup.connection.id}: {why}" for setup in setups if setup for why in setup.unreadable.values()]
        return [*connections.unreadable.values(), *mappings, *actions.unreadable.values()]

    async def connections(self) -> list[Connection]:
        return (await self.every_connection()).items

    async def every_connection(self) -> Readable[Connection]:
        """Also those that cannot be read any more, by id."""
        ids = [entity["RowKey"] async for entity in self._partition(_CONNECTIONS)]
        setups = await asyncio.gather(*(self._setup_or_why_not(connection_id) for connection_id in ids))
        return Readable(
            [setup.connection for setup in setups if isinstance(setup, ConnectionSetup)],
            {id_: setup.message for id_, setup in zip(ids, setups, strict=True) if isinstance(setup, SyncError)},
        )

    async def _setup_or_why_not(self, connection_id: str) -> ConnectionSetup | UnreadableDocumentError | None:
        try:
            return await self.setup(connection_id)
        except UnreadableDocumentError as error:
            _log.warning("connection %s is passed over: %s", connection_id, error.message)
            return error

    async def _read_setup(self, connection_id: str) -> ConnectionSetup | None:
        query = self._partition(partition_of(connection_id), until=VERSIONS)
        entities = {entity["RowKey"]: entity async for entity in query}
        if _CONNECTION not in entities:
            return None
        connection = unpacked(entities[_CONNECTION], Connection)
        named = (entity for key, entity in entities.items() if key.startswith(_MAPPING))
        mappings = all_readable(named, FieldMapping)
        pause, check = entities.get(_PAUSE), entities.get(_CHECK)
        return ConnectionSetup(
            connection,
            {mapping.table: mapping.in_zone(connection.time_zone) for mapping in mappings.items},
            unpacked(pause, Pause) if pause else None,
            unpacked(check, CheckResult) if check else None,
            {key.removeprefix(_MAPPING): why for key, why in mappings.unreadable.items()},
        )

    async def mapping_version(self, connection_id: str, table: str, version: int) -> FieldMapping | None:
        key = version_key(table, version)
        name = f"version {connection_id} {key}"
        return await self._remembered.get(name, lambda: self._read(partition_of(connection_id), key, FieldMapping))

    # --- Writing ----------------------------------------------------------------------------------------------------

    async def save_action(self, action: SyncAction, *, before: SyncAction | Any_ | None = "any") -> None:
        await self._write_after(_ACTIONS, action.id, action, before, f"action {action.id}")
        self._remembered.forget(f"action {action.id}")

    async def has_action(self, action_id: str) -> bool:
        """Whether one stands there, readable or not."""
        try:
            with storage_failures(f"looking for action {action_id}"):
                await self._table.get_entity(_ACTIONS, action_id, select=["RowKey"])
        except ResourceNotFoundError:
            return False
        return True

    async def delete_action(self, action_id: str) -> None:
        with storage_failures(f"deleting action {action_id}"):
            await self._table.delete_entity(_ACTIONS, action_id)
        self._remembered.forget(f"action {action_id}")

    async def save_signature_secrets(self, action_id: str, secrets: SignatureSecrets | None) -> None:
        if secrets is not None:
            await self._write(_SIGNATURES, action_id, secrets)
        else:
            with storage_failures("erasing a signature's secret"):
                await self._table.delete_entity(_SIGNATURES, action_id)
        self._remembered.forget(f"signature {action_id}")

    async def save_connection(self, connection: Connection, *, before: Connection | Any_ | None = "any") -> None:
        what = f"connection {connection.id}"
        await self._write_after(partition_of(connection.id), _CONNECTION, connection, before, what)
        await self._write(_CONNECTIONS, connection.id, connection)
        self._remembered.forget(f"setup {connection.id}")

    async def save_mapping(
        self, connection_id: str, mapping: FieldMapping, *, after: int | None = None
    ) -> FieldMapping:
        """Saves the next version and puts it in force, both or neither; answers it as saved. One editor wins each."""
        while True:
            latest = await self._latest_version(connection_id, mapping.table)
            in_force = await self._version_in_force(connection_id, mapping.table)
            if after not in (None, in_force):
                raise ChangedMeanwhileError(f"mapping for {mapping.table}")
            saved = mapping.model_copy(update={"version": max(latest, in_force) + 1})
            if await self._put_in_force(partition_of(connection_id), saved):
                self._remembered.forget(f"setup {connection_id}")
                return saved

    async def _version_in_force(self, connection_id: str, table: str) -> int:
        """0: there is none, or it cannot be read."""
        with contextlib.suppress(UnreadableDocumentError):
            current = await self._read(partition_of(connection_id), f"{_MAPPING}{table}", FieldMapping)
            return current.version if current else 0
        return 0

    async def _latest_version(self, connection_id: str, table: str) -> int:
        """0: there is none yet."""
        first = f"{VERSIONS}{table}|"
        async for entity in self._partition(partition_of(connection_id), since=first, until=f"{VERSIONS}{table}}}"):
            return version_of(entity["RowKey"])
        return 0

    async def _put_in_force(self, partition: str, saved: FieldMapping) -> bool:
        """False: another editor was quicker. Whoever has the number is the one in force: both are saved at once."""
        version = {"PartitionKey": partition, "RowKey": version_key(saved.table, saved.version), **packed(saved)}
        current = {**version, "RowKey": f"{_MAPPING}{saved.table}"}
        operations = [Operation("insert", version), Operation("upsert", current)]
        return await submitted(self._table, operations, what="saving a mapping") is not None

    async def refresh_mapping(self, connection_id: str, mapping: FieldMapping) -> None:
        """Saves new facts about the columns of a version, unless another version has been saved since."""
        key = f"{_MAPPING}{mapping.table}"
        with storage_failures("refreshing a mapping"):
            entity = await self._table.get_entity(partition_of(connection_id), key)
            if unpacked(entity, FieldMapping).version == mapping.version:
                with contextlib.suppress(ResourceModifiedError):  # an editor was quicker; his facts are as fresh
                    await self._table.update_entity(
                        {"PartitionKey": partition_of(connection_id), "RowKey": key, **packed(mapping)},
                        mode=UpdateMode.REPLACE,
                        etag=entity.metadata["etag"],
                        match_condition=MatchConditions.IfNotModified,
                    )
        self._remembered.forget(f"setup {connection_id}")

    async def save_pause(self, connection_id: str, pause: Pause | None) -> None:
        if pause is not None:
            await self._write(partition_of(connection_id), _PAUSE, pause)
        else:
            with storage_failures("ending a pause"):
                await self._table.delete_entity(partition_of(connection_id), _PAUSE)
        self._remembered.forget(f"setup {connection_id}")

    async def lengthen_pause(self, connection_id: str, pause: Pause) -> None:
        """Unless a pause that lasts longer stands there: several instances meet one limit, and each is told a time."""
        partition, saved = partition_of(connection_id), False
        while not saved:
            standing = await self._read(partition, _PAUSE, Pause)
            if standing is None:
                saved = await self._create(partition, _PAUSE, pause)
            else:
                saved = standing.outlasts(pause) or await self._replace(partition, _PAUSE, pause, standing)
        self._remembered.forget(f"setup {connection_id}")

    async def save_check(self, connection_id: str, check: CheckResult) -> None:
        await self._write(partition_of(connection_id), _CHECK, check)
        self._remembered.forget(f"setup {connection_id}")

    # --- The table --------------------------------------------------------------------------------------------------

    async def _read(self, partition: str, key: str, kind: type[ModelT]) -> ModelT | None:
        try:
            with storage_failures(f"reading {partition} {key}"):
                entity = await self._table.get_entity(partition, key)
        except ResourceNotFoundError:
            return None
        return unpacked(entity, kind)

    async def _partition(self, partition: str, *, since: str = "", until: str = "~") -> AsyncIterator[Any]:
        """What stands there, in the order of its keys; of our keys none begins with `~`."""
        query = self._table.query_entities(
            "PartitionKey eq @partition and RowKey ge @since and RowKey lt @until",
            parameters={"partition": partition, "since": since, "until": until},
        )
        with storage_failures(f"reading {partition}"):
            async for entity in query:
                yield entity

    async def _write(self, partition: str, key: str, model: BaseModel) -> None:
        entity = {"PartitionKey": partition, "RowKey": key, **packed(model)}
        with storage_failures(f"writing {partition} {key}"):
            await self._table.upsert_entity(entity, mode=UpdateMode.REPLACE)

    async def _write_after(
        self, partition: str, key: str, model: ModelT, before: ModelT | Any_ | None, what: str
    ) -> None:
        """Unless it has changed since it was read as `before`."""
        if before == "any":
            await self._write(partition, key, model)
        elif before is None:
            if not await self._create(partition, key, model):
                raise ChangedMeanwhileError(what)
        elif not await self._replace(partition, key, model, before):
            raise ChangedMeanwhileError(what)

    async def _replace(self, partition: str, key: str, model: ModelT, before: ModelT) -> bool:
        try:
            with storage_failures(f"changing {partition} {key}"):
                entity = await self._table.get_entity(partition, key)
                if unpacked(entity, type(before)) != before:
                    return False
                await self._table.update_entity(
                    {"PartitionKey": partition, "RowKey": key, **packed(model)},
                    mode=UpdateMode.REPLACE,
                    etag=entity.metadata["etag"],
                    match_condition=MatchConditions.IfNotModified,
                )
        except (ResourceModifiedError, ResourceNotFoundError):
            return False
        return True

    async def _create(self, partition: str, key: str, model: BaseModel) -> bool:
        try:
            with storage_failures(f"creating {partition} {key}"):
                await self._table.create_entity({"PartitionKey": partition, "RowKey": key, **packed(model)})
        except ResourceExistsError:
            return False
        return True
