"""Saving a connection: its URL in the normal form, its credential in Key Vault, its organisation learnt from Dynamics.

A connection that has worked is changed only to what works: a new credential, address or application is tried first,
and when it does not work everything stays as it was. One that never worked is kept as it is given, and pauses.
"""

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from core.domain.check import Challenge
from core.domain.connection import Connection, Guid, known_zone, normal_url
from core.domain.credential import Credential
from core.errors import (
    ChangedMeanwhileError,
    InvalidInputError,
    MisconfiguredConnectionError,
    UnreadableDocumentError,
)
from core.sync.pinning import Organization, Pinning
from core.sync.ports import Any_, Configuration

_OF_THE_ADDRESS = {"dns", "tls", "not_dynamics"}
_SECRET = Annotated[SecretStr | None, Field(min_length=1, max_length=5_000)]
_CERTIFICATE = Annotated[SecretStr | None, Field(min_length=1, max_length=20_000)]


class CredentialInput(BaseModel):
    """A credential as people give it, write-only: a client secret's value; or a certificate with its private key, as
    PEM or base64 of PKCS#12.
    """

    model_config = ConfigDict(extra="forbid")

    client_secret: _SECRET = None
    client_certificate: _CERTIFICATE = None
    certificate_password: Annotated[SecretStr | None, Field(max_length=500)] = None
    secret_expires_on: date | None = None


class ConnectionInput(CredentialInput):
    """A connection as people give it. Without a credential the stored one stays. `organization_id` is given only to
    point an existing connection at another organisation on purpose.
    """

    name: Annotated[str, Field(max_length=200, examples=["Contoso"])] = ""
    url: Annotated[str, Field(max_length=500, examples=["https://org123abc.crm.dynamics.com/"])]
    tenant_id: Guid
    client_id: Guid
    environment: Literal["production", "sandbox"] = "production"
    time_zone: Annotated[str, AfterValidator(known_zone)] = "UTC"
    organization_id: Guid | None = None


class Vault(Protocol):
    async def secret(self, name: str, version: str = "") -> str: ...

    async def save(self, name: str, value: str) -> str: ...

    async def retire(self, name: str, version: str) -> None: ...


class Reach(Protocol):
    async def challenge(self) -> Challenge: ...


class Trials(Protocol):
    def trial(self, connection: Connection, credential: Credential | None = None) -> Organization: ...

    def probe(self, connection: Connection) -> Reach: ...


@dataclass(frozen=True, slots=True)
class Change:
    """From what is stored to what was asked for, with the credential that comes with it."""

    known: Connection | None
    wanted: Connection
    credential: Credential | None
    confirmed_organization: str | None = None

    @property
    def needs_trial(self) -> bool:
        """Whether it is a change of a connection that has worked, in something that may stop it from working."""
        if self.known is None or self.known.organization_id is None:
            return False
        if self.known.revoked_at is not None:
            return self.credential is not None
        repointed = self.confirmed_organization not in (None, self.known.organization_id)
        return self.credential is not None or self.known.sign_in != self.wanted.sign_in or repointed


class Connections:
    def __init__(
        self,
        *,
        configuration: Configuration,
        vault: Vault,
        pinning: Pinning,
        trials: Trials,
        read_certificate: Callable[[str, str], Credential],
        allowed_origins: Collection[str],
        now: Callable[[], datetime],
    ) -> None:
        self._configuration = configuration
        self._vault = vault
        self._pinning = pinning
        self._trials = trials
        self._read_certificate = read_certificate
        self._allowed_origins = allowed_origins
        self._now = now

    async def save(
        self, connection_id: str, given: ConnectionInput, *, before: Connection | Any_ | None = "any"
    ) -> bool:
        """Whether it is a new one. Raises InvalidInputError, with the finding, when a change does not work; and where
        the connection is not as it was `before`.
        """
        found = await self.known(connection_id)
        is_unreadable = isinstance(found, UnreadableDocumentError)
        known = None if isinstance(found, UnreadableDocumentError) else found
        if not is_unreadable and before not in ("any", known):
            raise ChangedMeanwhileError(f"connection {connection_id}")
        self._refuse_past(given.secret_expires_on, known.secret_expires_on if known else None)
        credential = self._credential(given)
        if known is None and credential is None:
            raise InvalidInputError("A new connection needs its client secret's value.", field="client_secret")
        wanted = _with_credential(_settings(known, given), credential)
        wanted = wanted.model_copy(update={"id": connection_id, "url": self.address(given)})
        wanted = wanted.model_copy(update={"name": given.name or connection_id})
        replaces: Connection | Any_ | None = known or ("any" if is_unreadable else None)
        await self._apply(Change(known, wanted, credential, given.organization_id), replaces=replaces)
        return known is None

    async def known(self, connection_id: str) -> Connection | UnreadableDocumentError | None:
        """As it is stored now, or why it cannot be read."""
        try:
            setup = await self._configuration.fresh_setup(connection_id)
        except UnreadableDocumentError as error:
            return error
        return setup.connection if setup else None

    async def is_in_use(self, connection: Connection, given: CredentialInput) -> bool:
        """Whether what is given is the credential that the connection signs in with already, or none at all."""
        credential = self._credential(given)
        if credential is None:
            return True
        if not connection.secret_version or connection.revoked_at is not None:
            return False
        try:
            kept = await self._vault.secret(connection.secret_name, connection.secret_version)
        except MisconfiguredConnectionError:  # it is lost, or denied: whatever is given is another one
            return False
        return secrets.compare_digest(kept.encode(), credential.value.encode())

    def address(self, given: ConnectionInput) -> str:
        """In the normal form. Raises InvalidInputError."""
        return normal_url(given.url, self._allowed_origins)

    def _refuse_past(self, ends: date | None, known: date | None) -> None:
        """But for a day that has been known before: it may be sent back as it was read."""
        if ends is not None and ends != known and ends < self._now().date():
            message = f"{ends} has passed: give the day on which the credential ends, or leave it out."
            raise InvalidInputError(message, field="secret_expires_on")

    async def replace_credential(self, connection_id: str, given: CredentialInput) -> None:
        """Tries the new one first: one that does not work leaves the old one in use."""
        setup = await self._configuration.fresh_setup(connection_id)
        if setup is None:
            raise InvalidInputError(f"There is no connection {connection_id}.", field="connection", status=404)
        credential = self._credential(given)
        if credential is None:
            raise InvalidInputError("Give `client_secret` or `client_certificate`.", field="client_secret")
        self._refuse_past(given.secret_expires_on, setup.connection.secret_expires_on)
        wanted = setup.connection.model_copy(update={"secret_expires_on": given.secret_expires_on})
        change = Change(setup.connection, _with_credential(wanted, credential), credential)
        await self._apply(change, replaces=setup.connection)

    async def drop_previous(self, connection_id: str) -> None:
        """The credential before the one in use, once the new one has proved itself for a while."""
        setup = await self._configuration.fresh_setup(connection_id)
        if setup and setup.connection.previous_secret_version:
            connection = setup.connection
            await self._vault.retire(connection.secret_name, connection.previous_secret_version)
            after = connection.model_copy(update={"previous_secret_version": ""})
            await self._configuration.save_connection(after, before=connection)

    def _credential(self, given: CredentialInput) -> Credential | None:
        secret, certificate = given.client_secret, given.client_certificate
        if secret and certificate:
            message = "Give a client secret or a certificate, not both."
            raise InvalidInputError(message, field="client_certificate")
        if certificate:
            password = given.certificate_password.get_secret_value() if given.certificate_password else ""
            return self._read_certificate(certificate.get_secret_value(), password)
        return Credential(secret.get_secret_value()) if secret else None

    # --- Applying a change ------------------------------------------------------------------------------------------

    async def _apply(self, change: Change, *, replaces: Connection | Any_ | None) -> None:
        wanted = await self._tried(change) if change.needs_trial else change.wanted
        if change.credential is not None:
            wanted = await self._kept(wanted, change.credential)
        await self._configuration.save_connection(wanted, before=replaces)
        if change.needs_trial:
            await self._configuration.save_pause(wanted.id, None)
            await self._pinning.bring_home(wanted)
        elif wanted.organization_id is None:
            await self._pinning.pin(wanted)

    async def _tried(self, change: Change) -> Connection:
        """The wanted connection with the organisation that answered it. Nothing has been stored by then."""
        assert change.known is not None
        try:
            if change.known.url != change.wanted.url:
                _require_dynamics(await self._trials.probe(change.wanted).challenge())
            organization = await self._trials.trial(change.wanted, change.credential).organization_id()
        except MisconfiguredConnectionError as error:
            message = f"{error.message} Nothing was changed: what was saved before stays in use."
            raise InvalidInputError(message, field=_blamed(change, error.code)) from None
        former = change.known.organization_id
        if organization == former:
            return change.wanted
        if organization != change.confirmed_organization:
            raise _another_organization(organization, former)
        passed = {*change.known.former_organizations, *filter(None, (former,))} - {organization}
        update = {"organization_id": organization, "former_organizations": tuple(sorted(passed))}
        return change.wanted.model_copy(update=update)

    async def _kept(self, wanted: Connection, credential: Credential) -> Connection:
        """With the credential in the vault, beside the one before it; the one before that goes."""
        generation = wanted.secret_generation
        if wanted.revoked_at is not None:  # the erased name may be blocked for months
            blank = {"revoked_at": None, "secret_version": "", "previous_secret_version": ""}
            wanted = wanted.model_copy(update={**blank, "secret_generation": generation + 1})
        if wanted.previous_secret_version:
            await self._vault.retire(wanted.secret_name, wanted.previous_secret_version)
        version = await self._vault.save(wanted.secret_name, credential.value)
        slots = {"secret_version": version, "previous_secret_version": wanted.secret_version}
        return wanted.model_copy(update=slots)


def _settings(known: Connection | None, given: ConnectionInput) -> Connection:
    """What is stored, overwritten by what is given."""
    not_settings = {"client_secret", "client_certificate", "certificate_password", "organization_id"}
    settings: dict[str, Any] = given.model_dump(exclude=not_settings)
    has_credential = given.client_secret or given.client_certificate
    if "secret_expires_on" not in given.model_fields_set and not has_credential:
        del settings["secret_expires_on"]
    return known.model_copy(update=settings) if known else Connection(id="new", **settings)


def _with_credential(connection: Connection, credential: Credential | None) -> Connection:
    if credential is None:
        return connection
    update: dict[str, Any] = {"credential": credential.kind, "certificate_thumbprint": credential.thumbprint}
    update["secret_expires_on"] = connection.secret_expires_on or credential.expires_on
    return connection.model_copy(update=update)


def _require_dynamics(challenge: Challenge) -> None:
    if not challenge.is_dynamics:
        message = "The address answers, but not as a Dynamics environment does."
        raise MisconfiguredConnectionError(message, code="not_dynamics")


def _blamed(change: Change, code: str) -> str:
    """The part of the request that a person looks at first."""
    if change.credential is None or code in _OF_THE_ADDRESS:
        return "url"
    return "client_secret" if change.credential.kind == "secret" else "client_certificate"


def _another_organization(answered: str, former: str | None) -> InvalidInputError:
    return InvalidInputError(
        f"Organisation {answered} answers there, but this connection belongs to {former}. Nothing was changed. If the "
        f"new one is meant, send organization_id {answered}: what still waits for the former waits until the "
        "connection points back.",
        field="organization_id",
        status=409,
    )
