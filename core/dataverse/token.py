"""Access tokens for one connection: client credentials through azure-identity, the secret from Key Vault.

azure-identity keeps a token until shortly before it expires. It is imported when the first token is needed, because
that costs a tenth of a second.
https://learn.microsoft.com/power-apps/developer/data-platform/use-single-tenant-server-server-authentication
"""

import asyncio
from typing import TYPE_CHECKING, Protocol

from core.errors import MisconfiguredConnectionError, RetryableError

if TYPE_CHECKING:
    from azure.identity.aio import ClientSecretCredential

# What Entra says, by its own code, in plain words.
_ENTRA_FINDINGS = {
    "AADSTS7000215": "Entra does not accept the client secret: paste the secret's value, not its id.",
    "AADSTS7000222": "The client secret has expired: make a new one and save it here.",
    "AADSTS700016": "Entra does not know the application in this tenant: check client id and tenant id.",
    "AADSTS90002": "Entra does not know the tenant: check the tenant id.",
}


class Secrets(Protocol):
    async def secret(self, name: str, *, fresh: bool = False) -> str: ...


class ClientSecretTokens:
    """Fits `client.TokenSource`."""

    def __init__(
        self, *, url: str, tenant_id: str, client_id: str, secret_name: str, secrets: Secrets, authority: str
    ) -> None:
        self._scope = f"{url}/.default"
        self._tenant_id = tenant_id
        self._client_id = client_id
        self._secret_name = secret_name
        self._secrets = secrets
        self._authority = authority
        self._credential: ClientSecretCredential | None = None
        self._making = asyncio.Lock()

    async def token(self, *, fresh: bool = False) -> str:
        """A valid token; `fresh` asks Entra again, with the secret as it is now."""
        from azure.core.exceptions import AzureError, ClientAuthenticationError  # noqa: PLC0415  # see the module

        if fresh:
            await self.close()
        credential = await self._made_credential(fresh=fresh)
        try:
            return (await credential.get_token(self._scope)).token
        except ClientAuthenticationError as error:
            raise self._refusal(str(error)) from None
        except AzureError as error:
            raise RetryableError("Entra cannot be reached.", detail=type(error).__name__) from error

    async def close(self) -> None:
        credential, self._credential = self._credential, None
        if credential is not None:
            await credential.close()

    async def _made_credential(self, *, fresh: bool) -> "ClientSecretCredential":
        async with self._making:
            if self._credential is None:
                from azure.identity.aio import ClientSecretCredential  # noqa: PLC0415  # see the module

                secret = await self._secrets.secret(self._secret_name, fresh=fresh)
                self._credential = ClientSecretCredential(
                    self._tenant_id, self._client_id, secret, authority=self._authority
                )
            return self._credential

    def _refusal(self, words: str) -> MisconfiguredConnectionError | RetryableError:
        """Entra's own words may name the application; only its code is kept."""
        for code, finding in _ENTRA_FINDINGS.items():
            if f"{code}:" in words:
                return MisconfiguredConnectionError(finding, code=code)
        return MisconfiguredConnectionError("Entra refuses the application's credentials.", code="entra_refused")
