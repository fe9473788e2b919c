"""The only place that picks adapters. Everything is made once, when the first invocation needs it, and reused.

The Functions host kills the process without a word, so nothing depends on `close`; tests and scripts call it.
"""

import asyncio
import os
import uuid
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from azure.data.tables.aio import TableClient

from core.admin.action_deletion import ActionDeletion
from core.admin.actions import Actions
from core.admin.automations import AutomationKeeping
from core.admin.connection_check import Checks
from core.admin.connections import Connections
from core.admin.erasure import Erasure
from core.admin.failed_rows import FailedRows
from core.admin.mappings import Mappings
from core.admin.places import Places
from core.admin.replays import Replays
from core.admin.revealing import Revealing
from core.admin.revocation import Revocation
from core.admin.signature_secrets import SecretKeeping
from core.admin.tidying import Stores, Tidying
from core.admin.transfer import Transfers
from core.admin.upkeep import Upkeep
from core.azure_clients import AzureClients
from core.dataverse.certificate import certificate_credential
from core.dataverse.clients import DataverseClients
from core.domain.sheet import Sheet
from core.key_vault import KeyVault
from core.logs import quiet_libraries
from core.settings import Settings, settings_from
from core.storage import names
from core.storage.audit import TableAudit
from core.storage.automations import TableAutomations
from core.storage.batch_log import BatchLog
from core.storage.batches import TableBatches
from core.storage.bulk_contents import BlobContents
from core.storage.bulk_queue import StorageBulkQueue
from core.storage.configuration import TableConfiguration
from core.storage.index_key import IndexKey
from core.storage.ledger import TableLedger
from core.storage.log_pages import TableLogPages
from core.storage.log_selection import LogSelection
from core.storage.mapping_versions import TableMappingVersions
from core.storage.old_batches import OldBatches
from core.storage.old_changes import OldChanges
from core.storage.old_rows import TableOldRows
from core.storage.prospects import TableProspects
from core.storage.quarantine import TableQuarantine
from core.storage.replays import TableReplays
from core.storage.slots import TableSlots
from core.storage.sync_log import TableSyncLog
from core.storage.wake_queue import StorageWakeQueue
from core.sync.aging import Aging
from core.sync.attempt import Attempts
from core.sync.automating import Automating
from core.sync.bulk import Bulk
from core.sync.bulk_actions import BulkActions
from core.sync.bulk_alive import Alives
from core.sync.bulk_cancelling import Cancelling
from core.sync.bulk_chunks import Chunks
from core.sync.bulk_messages import BulkMessages
from core.sync.bulk_refusing import Refusing
from core.sync.bulk_resuming import Resuming
from core.sync.bulk_settling import Settling
from core.sync.bulk_splitting import Splitting
from core.sync.capture import Captures
from core.sync.erasing import Erasing
from core.sync.forgetting import Forgetting
from core.sync.pinning import Pinning
from core.sync.precedence import Precedence
from core.sync.quarantining import Quarantine
from core.sync.selecting import Selecting
from core.sync.signing import Signatures
from core.sync.slots import BulkSlots
from core.sync.turn import Turns
from core.sync.wake import Wakes


@dataclass(frozen=True, slots=True)
class Services:
    """What triggers and API call."""

    configuration: TableConfiguration
    captures: Captures
    precedence: Precedence
    automations: TableAutomations
    automating: Automating
    automation_keeping: AutomationKeeping
    bulk: Bulk
    slots: BulkSlots
    bulk_actions: BulkActions
    bulk_messages: BulkMessages
    bulk_refusing: Refusing
    bulk_cancelling: Cancelling
    bulk_settling: Settling
    bulk_resuming: Resuming
    bulk_contents: BlobContents
    failed_rows: FailedRows
    bulk_queue: StorageBulkQueue
    batches: TableBatches
    wakes: Wakes
    aging: Aging
    quarantine: Quarantine
    quarantined: TableQuarantine
    log_pages: TableLogPages
    revealing: Revealing
    audit: TableAudit
    replays: Replays
    replay_store: TableReplays
    prospects: TableProspects
    crms: DataverseClients
    places: Places
    connections: Connections
    checks: Checks
    revocation: Revocation
    upkeep: Upkeep
    tidying: Tidying
    erasure: Erasure
    ledger: TableLedger
    mappings: Mappings
    mapping_versions: TableMappingVersions
    actions: Actions
    action_deletion: ActionDeletion
    signatures: Signatures
    signature_secrets: SecretKeeping
    transfers: Transfers
    resources: AsyncExitStack
    has_sign_in: bool

    async def close(self) -> None:
        await self.resources.aclose()


_making = asyncio.Lock()
_services: Services | None = None


async def services() -> Services:
    """The process's services, made on first use."""
    global _services  # noqa: PLW0603  # the one place where the process keeps something
    async with _making:
        if _services is None:
            _services = make_services(settings_from(os.environ))
        return _services


def prepare() -> None:
    """The same before anybody asks, while nobody else is at work. Raises SettingsError."""
    global _services  # noqa: PLW0603  # as above
    _services = _services or make_services(settings_from(os.environ))


def make_services(settings: Settings) -> Services:
    """Services over real adapters, with clients of their own."""
    quiet_libraries()
    if settings.telemetry:
        from core.trace_export import start  # noqa: PLC0415  # the SDK is imported only where it is wanted

        start(settings.telemetry)
    resources = AsyncExitStack()
    azure = AzureClients(settings, resources)
    tables = azure.tables()
    configuration_table = tables.get_table_client(names.CONFIGURATION_TABLE)
    configuration = TableConfiguration(configuration_table)
    ledger_table = tables.get_table_client(names.LEDGER_TABLE)
    ledger = TableLedger(ledger_table)
    log_table, index_key = tables.get_table_client(names.LOG_TABLE), IndexKey(configuration_table)
    sync_log = TableSyncLog(log_table, index_key)
    log_pages = TableLogPages(log_table, index_key)
    audit = TableAudit(tables.get_table_client(names.AUDIT_TABLE))
    wake_queue = StorageWakeQueue(azure.deliveries_queue)
    vault = KeyVault(azure.secret_client)
    clients = DataverseClients(secrets=vault, authority=settings.authority)
    resources.push_async_callback(clients.close)
    turns = Turns(ledger=ledger, configuration=configuration, crms=clients, now=_now, new_id=_new_id)
    attempts = Attempts(
        turns=turns,
        ledger=ledger,
        configuration=configuration,
        pauses=configuration,
        crms=clients,
        sync_log=sync_log,
        wake_queue=wake_queue,
        now=_now,
    )
    captures = Captures(
        turns=turns,
        attempts=attempts,
        ledger=ledger,
        sync_log=sync_log,
        wake_queue=wake_queue,
        now=_now,
        grace=timedelta(seconds=settings.grace),
        deadline=settings.capture_deadline,
    )
    pinning = Pinning(ledger=ledger, configuration=configuration, crms=clients, now=_now)
    wakes = Wakes(
        attempts=attempts,
        ledger=ledger,
        configuration=configuration,
        pinning=pinning,
        wake_queue=wake_queue,
        now=_now,
    )
    replay_store, places = TableReplays(tables.get_table_client(names.REPLAYS_TABLE)), Places(configuration)
    replays = Replays(
        store=replay_store,
        log=LogSelection(log_pages),
        ledger=ledger,
        places=places,
        turns=turns,
        wake_queue=wake_queue,
        now=_now,
    )
    connections = Connections(
        configuration=configuration,
        vault=vault,
        pinning=pinning,
        trials=clients,
        read_certificate=certificate_credential,
        allowed_origins=settings.allowed_origins,
        now=_now,
    )
    checks = Checks(configuration=configuration, probes=clients, pinning=pinning, now=_now)
    mappings, actions = Mappings(configuration=configuration, crms=clients), Actions(configuration=configuration)
    slots, precedence = _slots(configuration_table, clients, settings.bulk_at_once), Precedence()
    bulk = Bulk(
        ledger=ledger,
        configuration=configuration,
        pauses=configuration,
        crms=clients,
        sync_log=sync_log,
        wake_queue=wake_queue,
        slots=slots,
        now=_now,
        new_id=_new_id,
        precedence=precedence,
    )
    batches, contents = TableBatches(tables.get_table_client(names.BATCHES_TABLE)), BlobContents(azure.bulk_container)
    bulk_queue = StorageBulkQueue(azure.bulk_queue, azure.bulk_poison_queue)
    prospects = TableProspects(ledger_table)
    alives = Alives(batches=batches, now=_now, patience=timedelta(seconds=4 + 2 * settings.grace))
    batch_log, secret_keeping = BatchLog(log_pages), SecretKeeping(store=configuration, vault=vault, now=_now)
    settling = Settling(batches=batches, contents=contents, ledger=ledger, log=batch_log, now=_now)
    cancelling = Cancelling(
        batches=batches,
        contents=contents,
        queue=bulk_queue,
        ledger=ledger,
        attempts=attempts,
        bulk=bulk,
        now=_now,
    )
    bulk_actions = BulkActions(
        batches=batches, contents=contents, queue=bulk_queue, configuration=configuration, now=_now
    )
    automations = TableAutomations(configuration_table, ledger_table)
    selecting = Selecting(feed=automations, stored=prospects, ledger=ledger, places=places)
    automating, automation_keeping = _automating(automations, selecting, prospects, configuration, bulk_actions)
    bulk_refusing = Refusing(actions=bulk_actions, contents=contents, poison=bulk_queue, sync_log=sync_log, now=_now)
    splitting = Splitting(
        batches=batches,
        contents=contents,
        queue=bulk_queue,
        stored=prospects,
        ledger=ledger,
        configuration=configuration,
        new_reader=Sheet,
        alives=alives,
        refusing=bulk_refusing,
        now=_now,
    )
    chunks = Chunks(
        batches=batches,
        contents=contents,
        configuration=configuration,
        bulk=bulk,
        sync_log=sync_log,
        settling=settling,
        cancelling=cancelling,
        alives=alives,
        queue=bulk_queue,
        now=_now,
    )
    quarantined = TableQuarantine(tables.get_table_client(names.QUARANTINE_TABLE))
    quarantine = Quarantine(
        bodies=quarantined,
        captures=captures,
        configuration=configuration,
        sync_log=sync_log,
        now=_now,
        grace=timedelta(seconds=settings.grace),
    )
    old_rows = TableOldRows(log_table)
    tidying = Tidying(
        retention=settings.retention,
        stores=Stores(
            rows=old_rows,
            bodies=quarantined,
            batches=OldBatches(batches, contents),
            replays=replay_store,
            audit=audit,
            changes=OldChanges(ledger_table, places),
        ),
        forgetting=Forgetting(ledger=ledger, attempts=attempts, now=_now),
        quarantine=quarantine,
        ledger=ledger,
        places=places,
        now=_now,
    )
    return Services(
        configuration=configuration,
        captures=captures,
        precedence=precedence,
        automations=automations,
        automating=automating,
        automation_keeping=automation_keeping,
        bulk=bulk,
        bulk_actions=bulk_actions,
        bulk_messages=BulkMessages(actions=bulk_actions, splitting=splitting, chunks=chunks),
        bulk_refusing=bulk_refusing,
        bulk_cancelling=cancelling,
        bulk_settling=settling,
        bulk_resuming=Resuming(batches=batches, queue=bulk_queue, settling=settling, alives=alives, now=_now),
        bulk_contents=contents,
        failed_rows=FailedRows(contents=contents, log=batch_log, ledger=ledger),
        bulk_queue=bulk_queue,
        batches=batches,
        slots=slots,
        wakes=wakes,
        aging=Aging(marks=ledger, batches=batches, configuration=configuration, now=_now),
        quarantine=quarantine,
        quarantined=quarantined,
        log_pages=log_pages,
        replays=replays,
        replay_store=replay_store,
        prospects=prospects,
        crms=clients,
        places=places,
        revealing=Revealing(ledger=ledger, audit=audit, now=_now),
        audit=audit,
        connections=connections,
        checks=checks,
        revocation=Revocation(configuration=configuration, vault=vault, now=_now),
        upkeep=Upkeep(configuration=configuration, checks=checks, connections=connections, now=_now),
        tidying=tidying,
        erasure=Erasure(
            ledger=ledger,
            places=places,
            rows=old_rows,
            bodies=quarantined,
            erasing=Erasing(ledger=ledger, attempts=attempts, now=_now),
        ),
        ledger=ledger,
        mappings=mappings,
        mapping_versions=TableMappingVersions(configuration_table),
        actions=actions,
        action_deletion=ActionDeletion(
            configuration=configuration,
            automations=automations,
            batches=batches,
            ledger=ledger,
            places=places,
            secrets=secret_keeping,
        ),
        signatures=Signatures(names=configuration, secrets=vault, now=_now),
        signature_secrets=secret_keeping,
        transfers=Transfers(
            configuration=configuration,
            mappings=mappings,
            actions=actions,
            automations=automations,
            keeping=automation_keeping,
            key=index_key,
        ),
        resources=resources,
        has_sign_in=settings.has_sign_in,
    )


def _slots(table: TableClient, told: DataverseClients, most: int) -> BulkSlots:
    return BulkSlots(store=TableSlots(table), told=told, now=_now, new_id=_new_id, most=most)


def _now() -> datetime:
    return datetime.now(UTC)


def _automating(
    automations: TableAutomations,
    selecting: Selecting,
    prospects: TableProspects,
    configuration: TableConfiguration,
    bulk: BulkActions,
) -> tuple[Automating, AutomationKeeping]:
    """What runs automations, and what operators do with them."""
    running = Automating(automations=automations, selecting=selecting, configuration=configuration, bulk=bulk, now=_now)
    keeping = AutomationKeeping(
        store=automations,
        stored=prospects,
        selecting=selecting,
        configuration=configuration,
        running=running,
        now=_now,
        new_id=_new_id,
    )
    return running, keeping


def _new_id() -> str:
    return str(uuid.uuid4())
