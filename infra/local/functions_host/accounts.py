"""The storage account that a binding names: by its connection string, or by its services' addresses and an identity.

Duty: find the account among the settings, in the host's order. Clients for it are `storage`'s and `status_store`'s.
https://learn.microsoft.com/azure/azure-functions/functions-reference#common-properties-for-identity-based-connections
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from infra.local.functions_host.errors import HostError

if TYPE_CHECKING:
    from azure.identity.aio import ManagedIdentityCredential

Service = Literal["blob", "queue", "table"]


@dataclass(frozen=True, slots=True)
class Account:
    """Without a connection string, the app's managed identity signs in."""

    connection_string: str = ""
    blob_url: str = ""
    queue_url: str = ""
    client_id: str = ""

    def identity(self) -> "ManagedIdentityCredential":
        from azure.identity.aio import ManagedIdentityCredential  # noqa: PLC0415  # a tenth of a second

        return ManagedIdentityCredential(client_id=self.client_id or None)


def account_of(connection: str) -> Account:
    """A connection string wins over addresses. Raises HostError."""
    name = connection or "Storage"
    candidates = (f"AzureWebJobs{name}", name)
    for found in (*_by_string(candidates), *_by_identity(candidates)):
        return found
    raise HostError(
        f"A binding names the connection {name}, but there is no setting {' or '.join(candidates)}, nor "
        f"{name}__accountName, nor {name}__blobServiceUri with {name}__queueServiceUri."
    )


def _by_string(candidates: tuple[str, ...]) -> Iterator[Account]:
    yield from (Account(value) for name in candidates if (value := os.environ.get(name)))


def _by_identity(candidates: tuple[str, ...]) -> Iterator[Account]:
    for name in candidates:
        blob_url, queue_url = _address(name, "blob"), _address(name, "queue")
        if blob_url and queue_url:
            _require_managed_identity(name)
            yield Account(blob_url=blob_url, queue_url=queue_url, client_id=os.environ.get(f"{name}__clientId", ""))


def _address(name: str, service: Service) -> str:
    if given := os.environ.get(f"{name}__{service}ServiceUri"):
        return given
    account = os.environ.get(f"{name}__accountName")
    return f"https://{account}.{service}.core.windows.net" if account else ""


def _require_managed_identity(name: str) -> None:
    """The host knows other ways too; what is deployed uses this one."""
    credential = os.environ.get(f"{name}__credential", "")
    if credential != "managedidentity":
        raise HostError(f"{name}__credential is {credential!r}: this host signs in with `managedidentity` alone.")
