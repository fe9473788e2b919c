"""The vault: what can be done with secrets, and what a secret's state forbids.

Duty: the operations, free of HTTP and of who is asking. Each refuses as the real service is documented to, including
while a deletion, recovery or purge is still going on. `access` decides who may, `app` how it is asked and answered.
"""

import base64
import re
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from infra.local.key_vault import refusals
from infra.local.key_vault.stored import Contents, Secret, State, Version

LONGEST_VALUE = 25 * 1024
SECONDS_A_DAY = 86_400
_NAME = re.compile(r"[0-9a-zA-Z-]{1,127}")


class Policy(BaseModel):
    """How the vault is set up; a test may change it while it runs."""

    model_config = ConfigDict(extra="forbid")

    retention_days: int = Field(default=90, ge=7, le=90)
    purge_protection: bool = False
    settle_seconds: float = Field(default=0.0, ge=0)
    """How long deletion, recovery and purge take; seconds in a real vault."""

    @property
    def recovery_level(self) -> str:
        customized = "Customized" if self.retention_days < 90 else ""  # noqa: PLR2004 - the service's default
        return f"{customized}Recoverable{'' if self.purge_protection else '+Purgeable'}"


class Attributes(BaseModel):
    """Fields that are left out stay as they are."""

    enabled: bool | None = None
    nbf: int | None = None
    exp: int | None = None


class Properties(BaseModel):
    attributes: Attributes = Attributes()
    contentType: str | None = Field(default=None, max_length=255)  # noqa: N815 - the name on the wire
    tags: dict[str, str] | None = Field(default=None, max_length=15)


class NewVersion(Properties):
    value: str = Field(repr=False)


class Vault:
    def __init__(self, *, clock: Callable[[], float], policy: Policy | None = None, file: Path | None = None) -> None:
        self.policy = policy or Policy()
        self._clock = clock
        self._file = file
        self._contents = Contents.load(file)

    # Secrets that are there

    def set(self, name: str, new: NewVersion) -> tuple[Secret, Version]:
        """Create the secret, or a new version of it."""
        _require_name(name)
        _require_length(new.value)
        secret = self._live_or_new(name)
        version = Version(value=new.value, created=self._now(), updated=self._now())
        _apply(new, version)
        secret.versions.append(version)
        self._contents.secrets[name.lower()] = secret
        self._save()
        return secret, version

    def get(self, name: str, version_id: str = "") -> tuple[Secret, Version]:
        """The current version, or the one that is named. Before `nbf` and after `exp` too: the caller must judge these.

        https://learn.microsoft.com/azure/key-vault/secrets/about-secrets#date-time-controlled-operations
        """
        secret, version = self._version(name, version_id)
        if not version.enabled:
            raise refusals.disabled_secret()
        return secret, version

    def update(self, name: str, version_id: str, changes: Properties) -> tuple[Secret, Version]:
        secret, version = self._version(name, version_id)
        _apply(changes, version)
        version.updated = self._now()
        self._save()
        return secret, version

    def versions(self, name: str) -> Secret:
        return self._live(name)

    def all(self) -> list[Secret]:
        return self._in_state(State.LIVE)

    # Deletion and what can follow it

    def delete(self, name: str) -> Secret:
        secret = self._live(name)
        secret.deleted = self._now()
        return self._move(secret, State.DELETED)

    def get_deleted(self, name: str) -> Secret:
        secret = self._find(name)
        if secret is None or secret.state is not State.DELETED or self._is_settling(secret):
            raise refusals.unknown_deleted_secret(name)
        return secret

    def all_deleted(self) -> list[Secret]:
        return self._in_state(State.DELETED)

    def recover(self, name: str) -> Secret:
        return self._move(self._recoverable(name), State.LIVE)

    def purge(self, name: str) -> None:
        secret = self._recoverable(name)
        if self.policy.purge_protection:
            raise refusals.protected_from_purge()
        self._move(secret, State.PURGED)

    def purge_date(self, secret: Secret) -> int:
        return secret.deleted + self.policy.retention_days * SECONDS_A_DAY

    # Backup

    def backup(self, name: str) -> str:
        """The secret with all its versions, readable by this simulator only."""
        return base64.urlsafe_b64encode(self._live(name).model_dump_json().encode()).decode().rstrip("=")

    def restore(self, backup: str) -> Secret:
        try:
            secret = Secret.model_validate_json(base64.urlsafe_b64decode(backup + "=" * (-len(backup) % 4)))
        except (ValueError, ValidationError) as problem:
            raise refusals.bad_parameter("The backup blob is not valid.") from problem
        self._require_reusable(secret.name)
        if self._find(secret.name):
            raise refusals.already_there(secret.name)
        self._contents.secrets[secret.name.lower()] = secret
        self._save()
        return secret

    def _now(self) -> int:
        return int(self._clock())

    def _is_settling(self, secret: Secret) -> bool:
        return self._clock() < secret.settles

    def _find(self, name: str) -> Secret | None:
        """The secret in whatever state; one whose retention or purge is over is forgotten here."""
        secret = self._contents.secrets.get(name.lower())
        if secret and self._is_gone(secret):
            del self._contents.secrets[name.lower()]
            return None
        return secret

    def _is_gone(self, secret: Secret) -> bool:
        purged = secret.state is State.PURGED and not self._is_settling(secret)
        return purged or (secret.state is State.DELETED and self._clock() >= self.purge_date(secret))

    def _live(self, name: str) -> Secret:
        _require_name(name)
        secret = self._find(name)
        if secret is None or secret.state is not State.LIVE or self._is_settling(secret):
            raise refusals.unknown_secret(name)
        return secret

    def _live_or_new(self, name: str) -> Secret:
        self._require_reusable(name)
        return self._find(name) or Secret(name=name, versions=[])

    def _require_reusable(self, name: str) -> None:
        secret = self._find(name)
        if secret is None:
            return
        if secret.state is State.LIVE:
            if self._is_settling(secret):
                raise refusals.being_recovered(name)
        elif self._is_settling(secret):
            raise refusals.being_deleted(name)
        else:
            raise refusals.recoverable(name)

    def _recoverable(self, name: str) -> Secret:
        secret = self._find(name)
        if secret and secret.state is State.DELETED and self._is_settling(secret):
            raise refusals.being_deleted(name)
        return self.get_deleted(name)

    def _version(self, name: str, version_id: str) -> tuple[Secret, Version]:
        secret = self._live(name)
        wanted = version_id.lower() or secret.current.id
        for version in secret.versions:
            if version.id == wanted:
                return secret, version
        raise refusals.unknown_secret(f"{name}/{version_id}")

    def _in_state(self, state: State) -> list[Secret]:
        found = [secret for name in sorted(self._contents.secrets) if (secret := self._find(name))]
        return [secret for secret in found if secret.state is state and not self._is_settling(secret)]

    def _move(self, secret: Secret, state: State) -> Secret:
        secret.state = state
        secret.settles = self._clock() + self.policy.settle_seconds
        self._save()
        return secret

    def _save(self) -> None:
        if self._file:
            self._contents.save(self._file)


def _require_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise refusals.bad_parameter(f"The request URI contains an invalid name: {name}")


def _require_length(value: str) -> None:
    if len(value.encode()) > LONGEST_VALUE:
        raise refusals.bad_parameter(f"The parameter value has invalid length, max {LONGEST_VALUE} bytes.")


def _apply(properties: Properties, version: Version) -> None:
    given = properties.attributes
    version.enabled = version.enabled if given.enabled is None else given.enabled
    version.not_before = version.not_before if given.nbf is None else given.nbf
    version.expires = version.expires if given.exp is None else given.exp
    version.content_type = version.content_type if properties.contentType is None else properties.contentType
    version.tags = version.tags if properties.tags is None else properties.tags
