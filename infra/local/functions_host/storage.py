"""Clients of the storage accounts that the app's bindings name, one of a kind for each account, closed at the end.

Imported only for apps that use storage: the clients take a third of a second to import.
"""

import asyncio
import contextlib
from types import TracebackType
from typing import Self

from azure.storage.queue.aio import QueueClient, QueueServiceClient

from infra.local.functions_host.app_settings import connection_string, readable


class Queues:
    """Queues by connection and name, each with a bell that whoever writes to it rings for who polls it."""

    def __init__(self) -> None:
        self._services: dict[str, QueueServiceClient] = {}
        self._bells: dict[str, asyncio.Event] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async with contextlib.AsyncExitStack() as stack:
            for service in self._services.values():
                stack.push_async_callback(service.close)

    def queue(self, connection: str, name: str) -> QueueClient:
        """Messages pass as they are: what is base64 and what is not, triggers and outputs decide. Raises HostError."""
        text = connection_string(connection)
        if text not in self._services:
            # The client's own retries would hide a dead account for more than a minute.
            with readable(connection):
                self._services[text] = QueueServiceClient.from_connection_string(text, retry_total=0)
        return self._services[text].get_queue_client(name)

    def bell(self, queue: QueueClient) -> asyncio.Event:
        return self._bells.setdefault(str(queue.url), asyncio.Event())
