"""Secrets in Key Vault, by name, remembered for a few minutes. No secret leaves here but to who signs in with it."""

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from core.errors import MisconfiguredConnectionError, RetryableError

if TYPE_CHECKING:
    from azure.keyvault.secrets.aio import SecretClient

REMEMBERED_SECONDS = 600.0


class KeyVault:
    def __init__(self, client: Callable[[], Awaitable["SecretClient"]]) -> None:
        self._client = client
        self._remembered: dict[str, tuple[float, str]] = {}

    async def secret(self, name: str, *, fresh: bool = False) -> str:
        until, value = self._remembered.get(name, (0.0, ""))
        if time.monotonic() < until and not fresh:
            return value
        value = await self._read(name)
        self._remembered[name] = (time.monotonic() + REMEMBERED_SECONDS, value)
        return value

    async def save(self, name: str, value: str) -> str:
        """Saves a new version of the secret, and answers the version's name."""
        from azure.core.exceptions import AzureError  # noqa: PLC0415  # the vault is not needed at start-up

        client = await self._client()
        try:
            saved = await client.set_secret(name, value)
        except AzureError as error:
            raise RetryableError("Key Vault did not save the secret.", detail=type(error).__name__) from None
        self._remembered.pop(name, None)
        return saved.properties.version or ""

    async def _read(self, name: str) -> str:
        from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError  # noqa: PLC0415

        client = await self._client()
        try:
            value = (await client.get_secret(name)).value
        except ResourceNotFoundError:
            value = None
        except HttpResponseError as error:
            if error.status_code == 403:  # noqa: PLR2004
                raise _denied(name) from None
            raise RetryableError("Key Vault is not available.", detail=type(error).__name__) from error
        except AzureError as error:
            raise RetryableError("Key Vault cannot be reached.", detail=type(error).__name__) from error
        if value is None:
            raise MisconfiguredConnectionError(
                "The connection's secret is not in Key Vault: save it again.", code="secret_missing", detail=name
            )
        return value


def _denied(name: str) -> MisconfiguredConnectionError:
    return MisconfiguredConnectionError(
        "Key Vault denies the secret: it is disabled or expired, or the service lacks the role Key Vault Secrets User.",
        code="secret_denied",
        detail=name,
    )
