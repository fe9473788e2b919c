"""Messages on the queue `bulk-sync`, and on its poison queue: plain JSON."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from core.storage.failures import storage_failures
from core.tracing import traceparent

if TYPE_CHECKING:
    from azure.storage.queue.aio import QueueClient

MESSAGE_MOST = 64 * 1024

Queue = Callable[[], Awaitable["QueueClient"]]


class StorageBulkQueue:
    def __init__(self, queue: Queue, poison: Queue) -> None:
        self._queue = queue
        self._poison = poison

    async def send(self, message: Mapping[str, Any], *, after: float = 0.0) -> None:
        parent = traceparent()
        told = {**message, "traceparent": parent} if parent else message
        client = await self._queue()
        with storage_failures("sending a bulk message"):
            await client.send_message(json.dumps(told), visibility_timeout=int(after))

    async def refuse(self, body: str, reason: str) -> None:
        """To the poison queue, with the reason; a message that leaves no room for one goes there as it is."""
        told = json.dumps({"refused": reason, "message": body}, ensure_ascii=False)
        client = await self._poison()
        with storage_failures("sending a message to the poison queue"):
            await client.send_message(told if len(told.encode()) <= MESSAGE_MOST else body)
