"""Wake-up messages on the Storage queue `deliveries`: plain JSON that carries ids only.

The SDK is imported when the first message is sent: it costs a fifth of a second, and most captures need none.
https://learn.microsoft.com/rest/api/storageservices/put-message
"""

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from core.storage.failures import storage_failures

if TYPE_CHECKING:
    from azure.storage.queue.aio import QueueClient

_LONGEST_DELAY_SECONDS = 6 * 24 * 3600  # a message may hide for seven days


class StorageWakeQueue:
    def __init__(self, queue: Callable[[], Awaitable["QueueClient"]]) -> None:
        self._queue = queue

    async def wake(self, organization: str, delivery_id: str, *, after: float = 0.0) -> None:
        message = json.dumps({"organization": organization, "delivery": delivery_id})
        delay = int(min(after, _LONGEST_DELAY_SECONDS))
        client = await self._queue()
        with storage_failures("sending a wake-up message"):
            await client.send_message(message, visibility_timeout=delay)
