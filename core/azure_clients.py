"""Azure's clients, with a connection string where there is one, else with the app's managed identity.

Each is made when it is first wanted, once, and closed with the others. Their libraries cost a tenth of a second or two
each, which most captures need not pay.
"""

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies

from azure.core.pipeline.transport import AioHttpTransport
from azure.data.tables.aio import TableServiceClient

from core.settings import Settings
from core.storage import names

if TYPE_CHECKING:
    from azure.identity.aio import ManagedIdentityCredential
    from azure.keyvault.secrets.aio import SecretClient
    from azure.storage.blob.aio import ContainerClient
    from azure.storage.queue.aio import QueueClient


_BLOCK = 512 * 1024  # of a blob, at once in memory
# Of queues and blobs, whose clients would wait 18 seconds before they ask again: up to 2 seconds, four times.
_SOON_AGAIN: dict[str, Any] = {"initial_backoff": 0, "increment_base": 1, "random_jitter_range": 1, "retry_total": 4}


def _transport() -> AioHttpTransport:
    """As the client would make it itself, but for the environment: where that is asked, each request goes through a
    thread that looks for a netrc file.
    """
    return AioHttpTransport(use_env_settings=bool(getproxies()))


class AzureClients:
    def __init__(self, settings: Settings, resources: AsyncExitStack) -> None:
        self._settings = settings
        self._resources = resources
        self._credentials: dict[str, ManagedIdentityCredential] = {}
        self._secret_client: SecretClient | None = None
        self._queues: dict[str, QueueClient] = {}
        self._container: ContainerClient | None = None

    def tables(self) -> TableServiceClient:
        address = self._settings.storage
        if address.connection_string:
            client = TableServiceClient.from_connection_string(address.connection_string, transport=_transport())
        else:
            identity = self._identity(address.client_id)
            client = TableServiceClient(endpoint=address.table_url, credential=identity, transport=_transport())
        self._resources.push_async_callback(client.close)
        return client

    async def deliveries_queue(self) -> "QueueClient":
        return self._queue(names.DELIVERIES_QUEUE)

    async def bulk_queue(self) -> "QueueClient":
        return self._queue(names.BULK_QUEUE)

    async def bulk_poison_queue(self) -> "QueueClient":
        return self._queue(names.BULK_POISON_QUEUE)

    def _queue(self, name: str) -> "QueueClient":
        if name not in self._queues:
            from azure.storage.queue.aio import QueueClient  # noqa: PLC0415  # costs 0.2 s, most captures need none

            address = self._settings.storage
            if address.connection_string:
                queue = QueueClient.from_connection_string(address.connection_string, name, **_SOON_AGAIN)
            else:
                queue = QueueClient(
                    address.queue_url, name, credential=self._identity(address.client_id), **_SOON_AGAIN
                )
            self._resources.push_async_callback(queue.close)
            self._queues[name] = queue
        return self._queues[name]

    async def bulk_container(self) -> "ContainerClient":
        if self._container is None:
            from azure.storage.blob.aio import ContainerClient  # noqa: PLC0415  # only bulk work needs it

            address = self._settings.storage
            read: dict[str, Any] = {"max_single_get_size": _BLOCK, "max_chunk_get_size": _BLOCK, **_SOON_AGAIN}
            if address.connection_string:
                client = ContainerClient.from_connection_string(address.connection_string, names.BULK_CONTAINER, **read)
            else:
                client = ContainerClient(
                    address.blob_url, names.BULK_CONTAINER, credential=self._identity(address.client_id), **read
                )
            self._resources.push_async_callback(client.close)
            self._container = client
        return self._container

    async def secret_client(self) -> "SecretClient":
        if self._secret_client is None:
            from azure.keyvault.secrets.aio import SecretClient  # noqa: PLC0415  # a warm process needs no vault

            client = SecretClient(
                self._settings.key_vault_url,
                self._identity(self._settings.identity_client_id),
                verify_challenge_resource=self._settings.verify_vault_challenge,
            )
            self._resources.push_async_callback(client.close)
            self._secret_client = client
        return self._secret_client

    def _identity(self, client_id: str) -> "ManagedIdentityCredential":
        """One credential for everything that signs in with this identity: they share its tokens."""
        if client_id not in self._credentials:
            from azure.identity.aio import ManagedIdentityCredential  # noqa: PLC0415  # costs 0.1 s

            credential = ManagedIdentityCredential(client_id=client_id or None)
            self._resources.push_async_callback(credential.close)
            self._credentials[client_id] = credential
        return self._credentials[client_id]
