"""Clients of the storage accounts that the app's bindings name, one of a kind for each account, closed at the end.

Imported only for apps that use storage: the clients take a third of a second to import.
"""

import asyncio
import contextlib
from types import TracebackType
from typing import Self

from azure.storage.queue.aio import QueueClient, QueueServiceClient

from infra.local.functions_host.accounts import Account, account_of
from infra.local.functions_host.app_settings import readable


class Queues:
    """Queues by connection and name, each with a bell that whoever writes to it rings for who polls it."""

    def __init__(self) -> None:
        self._services: dict[Account, QueueServiceClient] = {}
        self._resources = contextlib.AsyncExitStack()
        self._bells: dict[str, asyncio.Event] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._resources.aclose()

    def queue(self, connection: str, name: str) -> QueueClient:
        """Messages pass as they are: what is base64 and what is not, triggers and outputs decide. Raises HostError."""
        account = account_of(connection)
        if account not in self._services:
            with readable(connection):
                self._services[account] = self._service(account)
        return self._services[account].get_queue_client(name)

    def _service(self, account: Account) -> QueueServiceClient:
        """The client's own retries would hide a dead account for more than a minute."""
        if account.connection_string:
            service = QueueServiceClient.from_connection_string(account.connection_string, retry_total=0)
        else:
            identity = account.identity()
            self._resources.push_async_callback(identity.close)
            service = QueueServiceClient(account.queue_url, identity, retry_total=0)
        self._resources.push_async_callback(service.close)
        return service

    def bell(self, queue: QueueClient) -> asyncio.Event:
        return self._bells.setdefault(str(queue.url), asyncio.Event())
