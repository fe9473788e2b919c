"""Revoking a connection: nothing is sent any more, its credential is erased, what waits goes on waiting."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal, Protocol

from core.errors import InvalidInputError
from core.sync.ports import Configuration

Erased = Literal["purged", "deleted", "absent"]


class Vault(Protocol):
    async def erase(self, name: str) -> Erased: ...


class Revocation:
    def __init__(self, *, configuration: Configuration, vault: Vault, now: Callable[[], datetime]) -> None:
        self._configuration = configuration
        self._vault = vault
        self._now = now

    async def revoke(self, connection_id: str, *, confirm: str) -> Erased:
        """What became of the credential in the vault. The connection stops first: should erasing fail, doing it all
        again is harmless.
        """
        setup = await self._configuration.fresh_setup(connection_id)
        if setup is None:
            raise InvalidInputError(f"There is no connection {connection_id}.", field="connection", status=404)
        if confirm != connection_id:
            message = f"Revoking erases the credential. To confirm, send the connection's id: {connection_id}."
            raise InvalidInputError(message, field="confirm")
        connection = setup.connection
        if connection.revoked_at is None:
            connection = connection.model_copy(update={"revoked_at": self._now()})
            await self._configuration.save_connection(connection, before=setup.connection)
        return await self._vault.erase(connection.secret_name)
