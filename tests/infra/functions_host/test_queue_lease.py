"""How long a message stays ours: in the host's own loop, where time can be short."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import azure.functions as func
import pytest
from azure.core.exceptions import ServiceRequestError
from azure.core.pipeline.transport import AioHttpTransport
from azure.functions.meta import Datum
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from infra.local.functions_host.functions import Binding, Function
from infra.local.functions_host.host_json import QueueLimits
from infra.local.functions_host.invocation import Output
from infra.local.functions_host.queue_output import QueueOutputs
from infra.local.functions_host.queue_trigger import QueueTrigger
from infra.local.functions_host.storage import Queues

SHORT = timedelta(milliseconds=20)
LIMITS = QueueLimits(16, 8, 1, timedelta(), SHORT, is_base64=False)


@pytest.fixture
async def queues(storage: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Queues]:
    monkeypatch.setenv("AzureWebJobsStorage", storage)
    async with Queues() as opened:
        yield opened


@contextlib.asynccontextmanager
async def triggered(
    queues: Queues, name: str, call: Callable[[func.QueueMessage], Awaitable[None]]
) -> AsyncIterator[QueueClient]:
    """The queue, while a function takes its messages."""
    queue = queues.queue("", name.lower())
    await queue.create_queue()
    trigger = Binding("queueTrigger", "message", {"queueName": name})
    outputs = QueueOutputs(queues, is_base64=False)
    loop = QueueTrigger(Function("take", call, trigger, ()), queues, LIMITS, outputs, renewed_every=SHORT)
    running = asyncio.create_task(loop.run())
    try:
        yield queue
    finally:
        running.cancel()
        await asyncio.wait([running], timeout=20)


async def count(queue: QueueClient) -> int:
    return (await queue.get_queue_properties()).approximate_message_count or 0


async def test_a_long_run_keeps_its_message(queues: Queues, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is renewed while the function runs, and deleted with the receipt of the last renewal."""
    renewed = asyncio.Event()
    renew = QueueClient.update_message
    receipts: list[str | None] = []
    taken: list[str | None] = []

    async def noticed(client: QueueClient, message: QueueMessage, **options: Any) -> QueueMessage:
        answer = await renew(client, message, **options)
        receipts.append(answer.pop_receipt)
        if len(receipts) > 1:
            renewed.set()
        return answer

    async def take(message: func.QueueMessage) -> None:
        taken.append(message.pop_receipt)
        await renewed.wait()

    monkeypatch.setattr(QueueClient, "update_message", noticed)
    async with triggered(queues, "host-lease-renewed", take) as queue, asyncio.timeout(20):
        await queue.send_message("long")
        await renewed.wait()
    assert await count(queue) == 0
    assert len(taken) == 1
    assert len({*taken, *receipts}) == 1 + len(receipts)


async def test_poison_has_no_poison(queues: Queues) -> None:
    """A message that fails in a poison queue stays there, unseen for the rest of its ten minutes."""
    failed = asyncio.Event()

    async def take(message: func.QueueMessage) -> None:
        failed.set()
        raise ValueError("no good either")

    async with triggered(queues, "host-lease-poison", take) as queue:
        await queue.send_message("bad")
        async with asyncio.timeout(20):
            await failed.wait()
    assert await count(queue) == 1
    assert await queue.peek_messages() == []


async def test_what_was_received_is_carried_out_though_storage_fails_then(
    queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One request a poll: a message in hand does not hang on a second one."""
    send = AioHttpTransport.send
    taken = asyncio.Event()
    answered: list[str] = []

    async def failing_next(transport: AioHttpTransport, request: Any, **options: Any) -> Any:
        is_poll = request.method == "GET" and "host-lease-page/messages" in request.url
        if is_poll and answered and not taken.is_set():
            raise ServiceRequestError("gone")
        response = await send(transport, request, **options)
        if is_poll:
            await response.load_body()
            answered.extend([request.url] * (b"<MessageId>" in response.body()))
        return response

    async def take(message: func.QueueMessage) -> None:
        taken.set()

    monkeypatch.setattr(AioHttpTransport, "send", failing_next)
    async with triggered(queues, "host-lease-page", take) as queue, asyncio.timeout(20):
        await queue.send_message("x")
        await taken.wait()


async def test_capital_letters_in_a_name_are_small_ones(queues: Queues) -> None:
    """As the host takes them, in triggers and in outputs."""
    taken = asyncio.Event()

    async def take(message: func.QueueMessage) -> None:
        taken.set()

    async with triggered(queues, "host-lease-Capital", take), asyncio.timeout(20):
        output = Output(Binding("queue", "out", {"queueName": "Host-Lease-capital"}), Datum("x", "string"))
        await QueueOutputs(queues, is_base64=False).write([output])
        await taken.wait()


async def test_an_output_wakes_the_poller(queues: Queues) -> None:
    """What this host writes, it takes without waiting for the next poll."""
    output = Output(Binding("queue", "out", {"queueName": "host-lease-bell"}), Datum("x", "string"))
    bell = queues.bell(queues.queue("", "host-lease-bell"))
    await QueueOutputs(queues, is_base64=False).write([output])
    assert bell.is_set()
