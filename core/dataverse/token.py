"""Access tokens for one connection: client credentials through azure-identity, the secret from Key Vault.

azure-identity keeps a token until shortly before it expires. It is imported when the first token is needed, because
that costs a tenth of a second.
https://learn.microsoft.com/power-apps/developer/data-platform/use-single-tenant-server-server-authentication
"""

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from core.errors import MisconfiguredConnectionError, RetryableError

if TYPE_CHECKING:
    from azure.core.pipeline.transport import AsyncHttpTransport
    from azure.identity.aio import ClientSecretCredential

_TOO_MANY, _OUTAGE = 429, 500

# What Entra says, by its own code, in plain words.
_ENTRA_FINDINGS = {
    "AADSTS7000215": "Entra does not accept the client secret: paste the secret's value, not its id.",
    "AADSTS7000222": "The client secret has expired: make a new one and save it here.",
    "AADSTS700016": "Entra does not know the application in this tenant: check client id and tenant id.",
    "AADSTS90002": "Entra does not know the tenant: check the tenant id.",
}


class Secrets(Protocol):
    async def secret(self, name: str, *, fresh: bool = False) -> str: ...


class Transports(Protocol):
    def identity_transport(self) -> "AsyncHttpTransport[Any, Any]": ...


class ClientSecretTokens:
    """Fits `client.TokenSource`. What opens connections is shared and closed by others, so a credential that is given
    up may still be in use by somebody.
    """

    def __init__(
        self,
        *,
        url: str,
        tenant_id: str,
        client_id: str,
        secret_name: str,
        secrets: Secrets,
        authority: str,
        transports: Transports,
    ) -> None:
        self._scope = f"{url}/.default"
        self._tenant_id = tenant_id
        self._client_id = client_id
        self._secret_name = secret_name
        self._secrets = secrets
        self._authority = authority
        self._transports = transports
        self._credential: ClientSecretCredential | None = None
        self._secret_is_doubtful = False
        self._making = asyncio.Lock()

    async def token(self, *, fresh: bool = False) -> str:
        """A valid token; `fresh` asks Entra again, with the secret as it is in the vault now."""
        from azure.core.exceptions import AzureError, ClientAuthenticationError  # noqa: PLC0415  # see the module

        if fresh:
            self._doubt()
        credential = await self._made_credential()
        try:
            return (await credential.get_token(self._scope)).token
        except ClientAuthenticationError as error:
            self._doubt()  # the next try reads the secret again: somebody may have mended it in the vault
            raise _refusal(str(error), getattr(error.response, "status_code", 0)) from None
        except AzureError as error:
            raise RetryableError("Entra cannot be reached.", detail=type(error).__name__) from error

    def _doubt(self) -> None:
        self._credential, self._secret_is_doubtful = None, True

    async def _made_credential(self) -> "ClientSecretCredential":
        async with self._making:
            if self._credential is None:
                from azure.identity.aio import ClientSecretCredential  # noqa: PLC0415  # see the module

                secret = await self._secrets.secret(self._secret_name, fresh=self._secret_is_doubtful)
                self._secret_is_doubtful = False
                self._credential = ClientSecretCredential(
                    self._tenant_id,
                    self._client_id,
                    secret,
                    authority=self._authority,
                    transport=self._transports.identity_transport(),
                )
            return self._credential


def _refusal(words: str, status: int) -> MisconfiguredConnectionError | RetryableError:
    """The SDK raises the same for a refusal and for an outage. Entra's own words may name the application; only its
    code is kept.
    """
    if status == _TOO_MANY or status >= _OUTAGE:
        return RetryableError("Entra is not available at the moment.", detail=f"HTTP {status}")
    for code, finding in _ENTRA_FINDINGS.items():
        if f"{code}:" in words:
            return MisconfiguredConnectionError(finding, code=code)
    return MisconfiguredConnectionError("Entra refuses the application's credentials.", code="entra_refused")
