"""Wake-up messages on the Storage queue `deliveries`: plain JSON that carries ids only.

The SDK is imported when the first message is sent: it costs a fifth of a second, and most captures need none.
https://learn.microsoft.com/rest/api/storageservices/put-message
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from core.storage.failures import storage_failures
from core.tracing import traceparent

if TYPE_CHECKING:
    from azure.storage.queue.aio import QueueClient

_NAMED_MOST = 1_000  # an id takes 36 bytes of a message's 48 KiB
_LONGEST_DELAY_SECONDS = 6 * 24 * 3600  # a message may hide for seven days


class StorageWakeQueue:
    def __init__(self, queue: Callable[[], Awaitable["QueueClient"]]) -> None:
        self._queue = queue

    async def wake(self, organization: str, delivery_id: str, *, after: float = 0.0) -> None:
        await self._send({"organization": organization, "delivery": delivery_id}, after)

    async def wake_all(self, organization: str, delivery_ids: Sequence[str], *, after: float = 0.0) -> None:
        for start in range(0, len(delivery_ids), _NAMED_MOST):
            some = list(delivery_ids[start : start + _NAMED_MOST])
            await self._send({"organization": organization, "deliveries": some}, after)

    async def _send(self, content: Mapping[str, Any], after: float) -> None:
        message = json.dumps({**content, "traceparent": traceparent()} if traceparent() else content)
        delay = int(min(after, _LONGEST_DELAY_SECONDS))
        client = await self._queue()
        with storage_failures("sending a wake-up message"):
            await client.send_message(message, visibility_timeout=delay)
