"""What an automation's tick costs: `python -m tests.benchmarks.automation_ticks [--people 200000 --changed 0 50 5000]`.

So many prospects are stored, the automation has gone through them, and then so many of them say something new: the
requests to storage of the next tick, counted at the clients, and its time. The ledger is a table in key order, as
Azure's is (`ordered_tables` says why not Azurite); automations, batches, blobs and messages stand in Azurite. Run on
request.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from azure.core.credentials import AzureNamedKeyCredential
from azure.core.pipeline.transport import AioHttpTransport
from azure.data.tables.aio import TableClient, TableServiceClient
from azure.storage.blob.aio import ContainerClient
from azure.storage.queue.aio import QueueClient

from core.admin.places import Places
from core.domain.action import SyncAction
from core.domain.automation import Automation, Changed, changed_key
from core.domain.connection import Connection
from core.domain.prospect import Prospect, Said
from core.storage.automations import TableAutomations
from core.storage.batches import TableBatches
from core.storage.bulk_contents import BlobContents
from core.storage.bulk_queue import StorageBulkQueue
from core.storage.configuration import TableConfiguration
from core.storage.document import packed
from core.storage.ledger import TableLedger
from core.storage.prospects import TableProspects
from core.sync.automating import Automating
from core.sync.bulk_actions import BulkActions
from core.sync.selecting import Selecting
from infra.local import nodejs
from infra.local.azurite import ACCOUNT, KEY, azurite
from infra.local.serve import served
from tests.benchmarks.ordered_tables import OrderedTables

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
GUID = "11111111-1111-4111-8111-111111111111"
_BLOCK = 20_000


class Counting(AioHttpTransport):  # type: ignore[misc]  # untyped in azure-core
    """Counts requests by what they ask."""

    def __init__(self, counted: Counter[str]) -> None:
        super().__init__()
        self._counted = counted

    async def send(self, request: Any, **options: Any) -> Any:
        path = request.url.partition("?")[0].partition(f"/{ACCOUNT}/")[2]
        self._counted[f"{request.method} {path.partition('(')[0].partition('/')[0]}"] += 1
        return await super().send(request, **options)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--people", type=int, default=200_000)
    asked.add_argument("--changed", type=int, nargs="+", default=[0, 50, 5_000])
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder, azurite(nodejs.node(Path(sys.executable)), data=None) as storage:
        ledger = OrderedTables(Path(folder) / "ledger.sqlite")
        for start in range(0, given.people, _BLOCK):
            ledger.add("SyncState", _people(start, min(start + _BLOCK, given.people)))
        with served(lambda _: ledger) as url:
            asyncio.run(_measured(storage.connection_string, url, ledger, given.changed))


def _people(first: int, last: int, *, colour: str = "blue") -> Iterator[dict[str, Any]]:
    for number in range(first, last):
        fields = {"colour": colour, "email": f"p{number}@x.example", "lastname": f"Name {number}"}
        said = {name: Said(value=value, at=NOON) for name, value in fields.items()}
        person = Prospect(id=str(number), fields=said, links={"lead": GUID}, last_said_at=NOON, changes=1)
        yield {"PartitionKey": GUID, "RowKey": f"prospect|{number:08}", **packed(person)}


async def _measured(connection_string: str, ledger_url: str, ledger: OrderedTables, sizes: Sequence[int]) -> None:
    counted: Counter[str] = Counter()
    service = TableServiceClient.from_connection_string(connection_string, transport=Counting(counted))
    configuration_table = await service.create_table("Configuration")
    batches_table = await service.create_table("Batches")
    key = AzureNamedKeyCredential(ACCOUNT, KEY)
    ledger_table = TableClient(f"{ledger_url}/{ACCOUNT}", "SyncState", credential=key, transport=Counting(counted))
    queue = QueueClient.from_connection_string(connection_string, "bulk-sync", transport=Counting(counted))
    container = ContainerClient.from_connection_string(connection_string, "bulk", transport=Counting(counted))
    await queue.create_queue()
    await container.create_container()
    configuration = TableConfiguration(configuration_table)
    await _configure(configuration)
    automations = TableAutomations(configuration_table, ledger_table)
    await automations.save(_automation(), "")
    clock = _Clock()

    async def queue_client() -> QueueClient:
        return queue

    async def container_client() -> ContainerClient:
        return container

    bulk = BulkActions(
        batches=TableBatches(batches_table),
        contents=BlobContents(container_client),
        queue=StorageBulkQueue(queue_client, queue_client),
        configuration=configuration,
        now=clock,
    )
    selecting = Selecting(
        feed=automations,
        stored=TableProspects(ledger_table),
        ledger=TableLedger(ledger_table),
        places=Places(configuration),
    )
    automating = Automating(
        automations=automations, selecting=selecting, configuration=configuration, bulk=bulk, now=clock
    )
    began, ticks = time.perf_counter(), 0
    while (await automations.progress("reds")).entity.since is None:
        ticks += await automating.tick()
        clock.pass_time(timedelta(minutes=5))
    print(f"the first run went through everybody in {ticks} ticks, {time.perf_counter() - began:.1f} s")
    print(f"{'changed':>8} {'requests':>9} {'s':>6}  by what they ask")
    for size in sizes:
        ledger.add("SyncState", _changes(size, clock.now))
        clock.pass_time(timedelta(minutes=10))
        counted.clear()
        began = time.perf_counter()
        await automating.tick()
        told = ", ".join(f"{count} {what}" for what, count in sorted(counted.items()))
        print(f"{size:>8,} {counted.total():>9,} {time.perf_counter() - began:>6.2f}  {told}")
    for client in (service, ledger_table, queue, container):
        await client.close()


class _Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_time(self, lapse: timedelta) -> None:
        self.now += lapse


async def _configure(configuration: TableConfiguration) -> None:
    places = {"url": "https://c.crm.dynamics.com", "tenant_id": GUID, "client_id": GUID, "organization_id": GUID}
    await configuration.save_connection(Connection.model_validate({"id": "contoso", "name": "c", **places}))
    rule = {"connection": "contoso", "match": {"tables": "leads"}, "create": "lead"}
    await configuration.save_action(SyncAction.model_validate({"id": "booth", **rule}))


def _automation() -> Automation:
    criteria = {"all": [{"field": "Colour", "equals": "red"}]}
    return Automation.model_validate({"id": "reds", "action": "booth", "criteria": criteria, "state": "active"})


def _changes(count: int, at: datetime) -> Iterator[dict[str, Any]]:
    """So many people say something new: themselves, and what stands of it in the feed."""
    yield from _people(0, count, colour="red")
    for number in range(count):
        news = Changed(prospect=f"{number:08}", fields=("colour",))
        key = changed_key(at + timedelta(microseconds=number), f"{number:032x}")
        yield {"PartitionKey": GUID, "RowKey": key, **packed(news)}


if __name__ == "__main__":
    main()
