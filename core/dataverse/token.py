"""Access tokens for one connection: client credentials through azure-identity, the credential from Key Vault.

azure-identity keeps a token until shortly before it expires. It is imported when the first token is needed, because
that costs a tenth of a second.
https://learn.microsoft.com/power-apps/developer/data-platform/use-single-tenant-server-server-authentication
"""

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from core.dataverse.entra_failures import entra_failure
from core.domain.connection import Connection, authority_of
from core.domain.credential import looks_like_an_id
from core.errors import MisconfiguredConnectionError, RetryableError, SyncError

if TYPE_CHECKING:
    from azure.core.pipeline.transport import AsyncHttpTransport
    from azure.identity.aio import CertificateCredential, ClientSecretCredential


class Secrets(Protocol):
    async def secret(self, name: str, version: str = "", *, fresh: bool = False) -> str:
        """This version's value, or the newest one's; a `fresh` one is never taken from memory."""
        ...

    def forget(self, name: str) -> None: ...


class Transports(Protocol):
    def identity_transport(self) -> "AsyncHttpTransport[Any, Any]": ...


class Tokens:
    """Fits `client.TokenSource`. What opens connections is shared and closed by others, so a credential that is given
    up may still be in use by somebody.
    """

    def __init__(self, *, connection: Connection, secrets: Secrets, authority: str, transports: Transports) -> None:
        self._connection = connection
        self._secrets = secrets
        self._authority = authority_of(connection.url, authority)
        self._transports = transports
        self._value = ""
        self._credential: ClientSecretCredential | CertificateCredential | None = None
        self._making = asyncio.Lock()

    async def token(self, *, fresh: bool = False) -> str:
        """A valid token; `fresh` asks Entra again. Where Entra refuses, the vault is asked whether there is a newer
        credential: another instance, or somebody in the vault, may have replaced it.
        """
        if fresh:
            self._credential = None
        try:
            return await self._asked()
        except MisconfiguredConnectionError:
            self._credential = None
            if not await self._found_another_value():
                raise
        return await self._asked()

    async def _asked(self) -> str:
        from azure.core.exceptions import AzureError, ClientAuthenticationError  # noqa: PLC0415  # see the module

        credential = await self._made_credential()
        try:
            return (await credential.get_token(f"{self._connection.url}/.default")).token
        except ClientAuthenticationError as error:
            status = getattr(error.response, "status_code", 0)
            raise entra_failure(str(error), status, looks_like_an_id=looks_like_an_id(self._value)) from None
        except AzureError as error:
            raise RetryableError("Entra cannot be reached.", detail=type(error).__name__) from error

    async def _made_credential(self) -> "ClientSecretCredential | CertificateCredential":
        async with self._making:
            if not self._value:
                self._value = await self._secrets.secret(self._connection.secret_name, self._connection.secret_version)
            if self._credential is None:
                self._credential = self._credential_of(self._value)
            return self._credential

    def _credential_of(self, value: str) -> "ClientSecretCredential | CertificateCredential":
        from azure.identity.aio import CertificateCredential, ClientSecretCredential  # noqa: PLC0415  # see the module

        who = (self._connection.tenant_id, self._connection.client_id)
        where: dict[str, Any] = {"authority": self._authority, "transport": self._transports.identity_transport()}
        if not _is_certificate(value):
            return ClientSecretCredential(*who, value, **where)
        try:
            return CertificateCredential(*who, certificate_data=value.encode(), **where)
        except ValueError:  # its words may quote what was given
            raise MisconfiguredConnectionError(
                "The certificate in Key Vault cannot be read: save it again.", code="certificate_unreadable"
            ) from None

    async def _found_another_value(self) -> bool:
        if not self._value:
            return False
        try:
            newest = await self._secrets.secret(self._connection.secret_name, fresh=True)
        except SyncError:
            return False
        is_another, self._value = newest != self._value, newest
        return is_another


def _is_certificate(value: str) -> bool:
    """By the value itself: whoever replaces it in the vault need not tell us."""
    return "-----BEGIN" in value
