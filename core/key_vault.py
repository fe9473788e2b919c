"""Credentials in Key Vault, by name and version, remembered for a few minutes. No value leaves here but to who signs
in with it.
"""

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal

from core.errors import MisconfiguredConnectionError, RetryableError

if TYPE_CHECKING:
    from azure.core.exceptions import AzureError
    from azure.keyvault.secrets.aio import SecretClient

REMEMBERED_SECONDS = 600.0
_FORBIDDEN = 403

Erased = Literal["purged", "deleted", "absent"]


class KeyVault:
    def __init__(self, client: Callable[[], Awaitable["SecretClient"]]) -> None:
        self._client = client
        self._remembered: dict[tuple[str, str], tuple[float, str]] = {}

    async def secret(self, name: str, version: str = "", *, fresh: bool = False) -> str:
        """This version's value, or the newest one's."""
        until, value = self._remembered.get((name, version), (0.0, ""))
        if time.monotonic() < until and not fresh:
            return value
        value = await self._read(name, version)
        self.forget(name)  # of a secret that was replaced nothing stays
        self._remembered[name, version] = (time.monotonic() + REMEMBERED_SECONDS, value)
        return value

    async def save(self, name: str, value: str) -> str:
        """Saves a new version beside the ones there are, and answers its name."""
        from azure.core.exceptions import AzureError  # noqa: PLC0415  # the vault is not needed at start-up

        client = await self._client()
        try:
            saved = await client.set_secret(name, value)
        except AzureError as error:
            raise _unavailable("did not save the secret", error) from None
        self.forget(name)
        return saved.properties.version or ""

    async def retire(self, name: str, version: str) -> None:
        """Nobody reads this version any more; the newer ones stay."""
        from azure.core.exceptions import AzureError, ResourceNotFoundError  # noqa: PLC0415  # as above

        client = await self._client()
        try:
            await client.update_secret_properties(name, version, enabled=False)
        except ResourceNotFoundError:
            return
        except AzureError as error:
            raise _unavailable("did not retire the old secret", error) from None

    async def erase(self, name: str) -> Erased:
        """Deletes every version, and purges them where the vault allows that. Doing it again is harmless."""
        from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError  # noqa: PLC0415

        client = await self._client()
        self.forget(name)
        found: Erased = "deleted"
        try:
            await client.delete_secret(name)
        except ResourceNotFoundError:
            found = "absent"  # or deleted before, and not yet purged
        except AzureError as error:
            raise _unavailable("did not erase the secret", error) from None
        try:
            await client.purge_deleted_secret(name)
        except ResourceNotFoundError:
            return found
        except HttpResponseError as error:
            if error.status_code == _FORBIDDEN:  # purge protection, or a role without it: the retention period ends it
                return "deleted"
            raise _unavailable("did not purge the secret", error) from None
        except AzureError as error:
            raise _unavailable("did not purge the secret", error) from None
        return "purged"

    def forget(self, name: str) -> None:
        """Nothing of it stays in memory."""
        for known in [each for each in self._remembered if each[0] == name]:
            del self._remembered[known]

    async def _read(self, name: str, version: str) -> str:
        from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError  # noqa: PLC0415

        client = await self._client()
        try:
            value = (await client.get_secret(name, version or None)).value
        except ResourceNotFoundError:
            value = None
        except HttpResponseError as error:
            if error.status_code == _FORBIDDEN:
                raise _denied(name) from None
            raise RetryableError("Key Vault is not available.", detail=type(error).__name__) from error
        except AzureError as error:
            raise RetryableError("Key Vault cannot be reached.", detail=type(error).__name__) from error
        if value is None:
            raise MisconfiguredConnectionError(
                "The connection's secret is not in Key Vault: save it again.", code="secret_missing", detail=name
            )
        return value


def _unavailable(what: str, error: "AzureError") -> RetryableError:
    return RetryableError(f"Key Vault {what}.", detail=type(error).__name__)


def _denied(name: str) -> MisconfiguredConnectionError:
    return MisconfiguredConnectionError(
        "Key Vault denies the secret: it is disabled or expired, or the service lacks the role Key Vault Secrets User.",
        code="secret_denied",
        detail=name,
    )
