"""Saving a connection: its URL in the normal form, its secret in Key Vault, its organisation learnt from Dynamics."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from core.domain.connection import Connection, Guid, Pause, known_zone, normal_url
from core.errors import InvalidInputError
from core.sync.pinning import Pinning
from core.sync.ports import Configuration, ConnectionSetup


class ConnectionInput(BaseModel):
    """A connection as people give it. `client_secret` is write-only; left out, the stored one stays."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=200, examples=["Contoso"])] = ""
    url: Annotated[str, Field(max_length=500, examples=["https://org123abc.crm.dynamics.com/"])]
    tenant_id: Guid
    client_id: Guid
    client_secret: Annotated[SecretStr | None, Field(min_length=1, max_length=5000)] = None
    environment: Literal["production", "sandbox"] = "production"
    secret_expires_on: date | None = None
    time_zone: Annotated[str, AfterValidator(known_zone)] = "UTC"


class Vault(Protocol):
    async def save(self, name: str, value: str) -> str: ...


@dataclass(frozen=True, slots=True)
class SavedConnection:
    connection: Connection
    pause: Pause | None
    is_new: bool


class Connections:
    def __init__(
        self, *, configuration: Configuration, vault: Vault, pinning: Pinning, allowed_origins: Collection[str]
    ) -> None:
        self._configuration = configuration
        self._vault = vault
        self._pinning = pinning
        self._allowed_origins = allowed_origins

    async def save(self, connection_id: str, given: ConnectionInput) -> SavedConnection:
        """Saves, then asks Dynamics who it is; where that fails the connection is kept, paused with the reason."""
        earlier = await self._configuration.setup(connection_id)
        connection = self._connection(connection_id, given, earlier)
        if given.client_secret is not None:
            secret = given.client_secret.get_secret_value()
            version = await self._vault.save(connection.secret_name, secret)
            connection = connection.model_copy(update={"secret_version": version})
        await self._configuration.save_connection(connection)
        pinned = await self._pinning.pin(connection)
        setup = await self._configuration.setup(connection_id)
        return SavedConnection(pinned, setup.pause if setup else None, earlier is None)

    def _connection(self, connection_id: str, given: ConnectionInput, earlier: ConnectionSetup | None) -> Connection:
        url = normal_url(given.url, self._allowed_origins)
        if earlier is None and given.client_secret is None:
            raise InvalidInputError("A new connection needs its client secret's value.", field="client_secret")
        known = earlier.connection if earlier else None
        settings = given.model_dump(exclude={"client_secret", "url", "name"})
        return Connection(
            id=connection_id,
            url=url,
            name=given.name or connection_id,
            organization_id=known.organization_id if known and known.url == url else None,
            secret_version=known.secret_version if known else "",
            **settings,
        )
