"""Queue triggers: one poll loop for each function, with the host's limits, retries and poison queue.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger
"""

import asyncio
import base64
import binascii
import contextlib
import logging
import random
import uuid
from types import SimpleNamespace
from typing import Any

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.functions.queue import QueueMessage
from azure.storage.queue.aio import QueueServiceClient

from infra.local.functions_host.index import Function
from infra.local.functions_host.settings import QueueSettings

HIDDEN_SECONDS = 600
RENEWED_SECONDS = 300
_FIRST_WAIT = 0.1

_log = logging.getLogger("host.queue")


class QueuePoller:
    def __init__(self, function: Function, service: QueueServiceClient, settings: QueueSettings) -> None:
        name = function.trigger["queueName"]
        self._function = function
        self._settings = settings
        self._queue = service.get_queue_client(name)
        self._poison = None if name.endswith("-poison") else service.get_queue_client(f"{name}-poison")
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Polls until cancelled. The queue is waited for, never made."""
        empty_polls = 0
        while True:
            if len(self._running) > self._settings.new_batch_threshold:
                await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
                continue
            messages = await self._received()
            for message in messages:
                task = asyncio.create_task(self._carry_out(message))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
            empty_polls = 0 if messages else empty_polls + 1
            if not messages:
                await asyncio.sleep(self._wait(empty_polls))

    def _wait(self, empty_polls: int) -> float:
        grown: float = _FIRST_WAIT + _FIRST_WAIT * 2 ** min(empty_polls, 16) * random.uniform(0.8, 1.2)  # noqa: S311
        return min(grown, self._settings.max_polling_interval)

    async def _received(self) -> list[Any]:
        size = self._settings.batch_size
        pages = self._queue.receive_messages(
            messages_per_page=size, max_messages=size, visibility_timeout=HIDDEN_SECONDS
        )
        try:
            return [message async for message in pages]
        except ResourceNotFoundError:
            return []
        except AzureError as error:
            _log.warning("%s cannot poll: %s", self._function.name, type(error).__name__)
            return []

    async def _carry_out(self, message: Any) -> None:
        body = self._body(message.content)
        if body is None or message.dequeue_count > self._settings.max_dequeue_count:
            await self._give_up(message)
            return
        renewing = asyncio.create_task(self._renew(message))
        try:
            await self._function.invoke(_handed(message, body), context=_context(self._function))
        except Exception:  # noqa: BLE001  # whatever an app raises is a failed attempt
            _log.exception("%s failed on a message, attempt %d", self._function.name, message.dequeue_count)
            renewing.cancel()
            await self._failed(message)
        else:
            renewing.cancel()
            await self._delete(message)

    def _body(self, content: str) -> bytes | None:
        if not self._settings.is_base64:
            return content.encode()
        try:
            return base64.b64decode(content, validate=True)
        except binascii.Error:
            return None

    async def _renew(self, message: Any) -> None:
        while True:
            await asyncio.sleep(RENEWED_SECONDS)
            renewed = await self._queue.update_message(message, visibility_timeout=HIDDEN_SECONDS)
            message.pop_receipt = renewed.pop_receipt

    async def _failed(self, message: Any) -> None:
        if message.dequeue_count >= self._settings.max_dequeue_count:
            await self._give_up(message)
            return
        with contextlib.suppress(AzureError):
            delay = int(self._settings.visibility_timeout)
            await self._queue.update_message(message, visibility_timeout=delay)

    async def _give_up(self, message: Any) -> None:
        if self._poison is None:
            return
        with contextlib.suppress(ResourceExistsError):
            await self._poison.create_queue()
        await self._poison.send_message(message.content)
        await self._delete(message)
        _log.warning("%s gave a message up: it is in %s", self._function.name, self._poison.queue_name)

    async def _delete(self, message: Any) -> None:
        """A changed receipt or a missing message means that somebody else has it."""
        with contextlib.suppress(AzureError):
            await self._queue.delete_message(message)


def _handed(message: Any, body: bytes) -> QueueMessage:
    return QueueMessage(  # type: ignore[no-untyped-call]  # the library's own
        id=message.id,
        body=body,
        dequeue_count=message.dequeue_count,
        expiration_time=message.expires_on,
        insertion_time=message.inserted_on,
        time_next_visible=message.next_visible_on,
        pop_receipt=message.pop_receipt,
    )


def _context(function: Function) -> SimpleNamespace:
    return SimpleNamespace(invocation_id=str(uuid.uuid4()), function_name=function.name)
