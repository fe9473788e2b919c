"""Queue triggers: one poll loop for each function, with the host's limits, retries and poison queue.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator
from datetime import timedelta

import azure.functions as func
from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.functions.meta import Datum
from azure.storage.queue import QueueMessage

from infra.local.functions_host.functions import Function
from infra.local.functions_host.host_json import QueueLimits
from infra.local.functions_host.invocation import invoke
from infra.local.functions_host.queue_messages import body_of, metadata
from infra.local.functions_host.queue_output import QueueOutputs, send
from infra.local.functions_host.storage import Queues

HIDDEN_SECONDS = 600
RENEWED_EVERY = timedelta(minutes=5)
_STEP = timedelta(milliseconds=100)
_LONGEST_NAME = 63
_POISON = "-poison"
_MOST_DOUBLINGS = 16
_BINARY = str(func.DataType.BINARY.value)

_log = logging.getLogger("host.queue")


class QueueTrigger:
    """The messages of one queue for one function."""

    def __init__(
        self,
        function: Function,
        queues: Queues,
        limits: QueueLimits,
        outputs: QueueOutputs,
        *,
        renewed_every: timedelta = RENEWED_EVERY,
    ) -> None:
        connection, name = function.trigger.text("connection"), function.trigger.queue_name
        self._function = function
        self._limits = limits
        self._renewed_every = renewed_every
        self._outputs = outputs
        self._queue = queues.queue(connection, name)
        self._bell = queues.bell(self._queue)
        has_poison = not name.endswith(_POISON) and len(name + _POISON) <= _LONGEST_NAME
        self._poison = queues.queue(connection, name + _POISON) if has_poison else None
        self._poison_bell = queues.bell(self._poison) if self._poison else None
        self._in_flight: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Polls until cancelled, and then waits for the messages in work."""
        try:
            await self._poll()
        finally:
            if self._in_flight:
                await asyncio.wait(self._in_flight)

    async def _poll(self) -> None:
        empty_polls = 0
        while True:
            while len(self._in_flight) > self._limits.new_batch_threshold:
                await asyncio.wait(self._in_flight, return_when=asyncio.FIRST_COMPLETED)
            self._bell.clear()
            messages = await self._received()
            for message in messages:
                task = asyncio.create_task(self._carry_out(message))
                self._in_flight.add(task)
                task.add_done_callback(self._in_flight.discard)
            empty_polls = 0 if messages else empty_polls + 1
            if not messages:
                await self._pause(empty_polls)

    async def _pause(self, empty_polls: int) -> None:
        """Ends early when this host itself writes to the queue."""
        factor = 2 ** min(empty_polls - 1, _MOST_DOUBLINGS) * random.uniform(0.8, 1.2)  # noqa: S311
        wait = _STEP if empty_polls == 1 else _STEP + _STEP * factor
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._bell.wait(), min(wait, self._limits.max_polling_interval).total_seconds())

    async def _received(self) -> list[QueueMessage]:
        """The queue is waited for, never made."""
        size = self._limits.batch_size
        pages = self._queue.receive_messages(
            messages_per_page=size, max_messages=size, visibility_timeout=HIDDEN_SECONDS
        )
        try:
            async for page in pages.by_page():
                return [message async for message in page]  # a second page would be a second request
        except ResourceNotFoundError:
            pass
        except AzureError as error:
            _log.warning("%s cannot poll: %s", self._function.name, type(error).__name__)
        return []

    async def _carry_out(self, message: QueueMessage) -> None:
        """What storage refuses here is left to the message's visibility: it comes again."""
        try:
            await self._attempt(message)
        except AzureError as error:
            _log.warning("%s: message %s is lost sight of: %s", self._function.name, message.id, type(error).__name__)

    async def _attempt(self, message: QueueMessage) -> None:
        body = body_of(message.content, is_base64=self._limits.is_base64)
        if body is None or (message.dequeue_count or 1) > self._limits.max_dequeue_count:
            await self._give_up(message)
            return
        async with self._kept_invisible(message):
            succeeded = await self._succeeds(message, body)
        if succeeded:
            await self._queue.delete_message(message)
        elif (message.dequeue_count or 1) >= self._limits.max_dequeue_count:
            await self._give_up(message)
        else:
            delay = int(self._limits.visibility_timeout.total_seconds())
            await self._queue.update_message(message, visibility_timeout=delay)

    async def _succeeds(self, message: QueueMessage, body: bytes) -> bool:
        try:
            outputs = await invoke(self._function, self._handed(body), metadata=metadata(message))
            await self._outputs.write(outputs)
        except Exception:  # noqa: BLE001 - whatever an app raises is a failed attempt
            _log.exception(
                "%s failed on message %s, attempt %s", self._function.name, message.id, message.dequeue_count
            )
            return False
        return True

    def _handed(self, body: bytes) -> Datum:
        if self._function.trigger.text("dataType") == _BINARY:
            return Datum(body, "bytes")
        return Datum(body.decode(errors="replace"), "string")

    @contextlib.asynccontextmanager
    async def _kept_invisible(self, message: QueueMessage) -> AsyncIterator[None]:
        finished = asyncio.Event()
        renewing = asyncio.create_task(self._renew_until(finished, message))
        try:
            yield
        finally:
            finished.set()
            await renewing  # a renewal under way gives the receipt that the message is deleted with

    async def _renew_until(self, finished: asyncio.Event, message: QueueMessage) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(finished.wait(), self._renewed_every.total_seconds())
                return
            with contextlib.suppress(AzureError):
                renewed = await self._queue.update_message(message, visibility_timeout=HIDDEN_SECONDS)
                message.pop_receipt = renewed.pop_receipt

    async def _give_up(self, message: QueueMessage) -> None:
        if self._poison is None or self._poison_bell is None:
            _log.warning("%s gave message %s up; its queue has no poison queue", self._function.name, message.id)
            return
        await send(self._poison, message.content)
        self._poison_bell.set()
        await self._queue.delete_message(message)
        _log.warning("%s gave message %s up: it is in %s", self._function.name, message.id, self._poison.queue_name)
