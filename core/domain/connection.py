"""A connection: one Dynamics environment that somebody connected. (Never just "account": that is a table.)

Duty: its settings, and the normal form of its URL. The service sends a bearer token to that URL, so what is not a
Dynamics host is refused. Credentials are Key Vault's; a connection only says which version is in use.
"""

import re
from collections.abc import Collection
from datetime import date, datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from core.errors import InvalidInputError

# Judged by suffix, never by a region pattern: regions are added, and the documented example has none.
# https://learn.microsoft.com/power-platform/admin/new-datacenter-regions
_MICROSOFT_SUFFIXES = (
    ".dynamics.com",
    ".microsoftdynamics.us",
    ".appsplatform.us",
    ".dynamics.cn",
    ".microsoftdynamics.de",
)
# Who signs applications in there; everywhere else it is the setting's authority.
# https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud
_SOVEREIGN_AUTHORITIES = {
    ".microsoftdynamics.us": "https://login.microsoftonline.us",
    ".appsplatform.us": "https://login.microsoftonline.us",
    ".dynamics.cn": "https://login.partner.microsoftonline.cn",
}
_AROUND = " \t\r\n\u00a0\u200b\ufeff\"'<>"  # what mails and chats put around an address
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_HOST = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}")


_NO_ZONES = {"localtime", "posixrules", "Factory"}  # files beside the zones; each machine has its own


def known_zone(name: str) -> str:
    try:
        ZoneInfo("" if name in _NO_ZONES else name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("a time zone is named as in 'Europe/Berlin' or 'UTC'") from error
    return name


CONFIGURATION_ID = r"^[a-z0-9][a-z0-9-]{0,62}$"
NO_CONNECTION = "-"  # in the log, where none is known
ConfigurationId = Annotated[str, Field(pattern=CONFIGURATION_ID, examples=["contoso"])]


def can_be_id(text: str) -> bool:
    """Whether anything configured can be called so; what cannot is not looked for, for keys do not take every sign."""
    return re.fullmatch(CONFIGURATION_ID, text) is not None


Guid = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$"), AfterValidator(str.lower)]


CredentialKind = Literal["secret", "certificate"]


class Connection(BaseModel):
    """What is stored of a connection. `organization_id` is learnt from Dynamics, and pins the connection to it.

    Two versions of the credential are kept: the one in use, and the one before, for hosts that have not heard yet.
    """

    model_config = ConfigDict(frozen=True)

    id: ConfigurationId
    name: str
    url: str
    tenant_id: Guid
    client_id: Guid
    environment: Literal["production", "sandbox"] = "production"
    credential: CredentialKind = "secret"
    certificate_thumbprint: str = ""
    secret_expires_on: date | None = None
    time_zone: Annotated[str, AfterValidator(known_zone)] = "UTC"
    organization_id: str | None = None
    former_organizations: tuple[str, ...] = ()  # where deliveries may still wait for it to point back
    secret_version: str = ""
    previous_secret_version: str = ""
    secret_generation: int = 0  # what was erased may keep its name in the vault for months
    revoked_at: datetime | None = None

    @property
    def partition(self) -> str:
        """Where its deliveries stand: with its organisation; until that is known, by themselves."""
        return self.organization_id or unpinned_partition(self.id)

    @property
    def secret_name(self) -> str:
        """Under what its credential is kept in the vault."""
        name = f"connection-{self.id}-client-secret"
        return f"{name}-{self.secret_generation}" if self.secret_generation else name

    @property
    def sign_in(self) -> tuple[str, str, str]:
        """What a credential is good for: where it is tried, and as whom."""
        return self.url, self.tenant_id, self.client_id


def unpinned_partition(connection_id: str) -> str:
    return f"unpinned-{connection_id}"


class Pause(BaseModel):
    """Why nothing is sent on a connection, and until when; without an end it lasts until somebody mends it."""

    model_config = ConfigDict(frozen=True)

    reason: str
    code: str = ""
    until: datetime | None = None

    def holds_at(self, now: datetime) -> bool:
        return self.until is None or now < self.until

    def outlasts(self, other: "Pause") -> bool:
        return self.until is None or (other.until is not None and self.until >= other.until)


REVOKED = Pause(
    reason="The connection was revoked and its credential erased. Its captures wait; save a new secret to go on.",
    code="revoked",
)


def normal_url(text: str, allowed_origins: Collection[str] = ()) -> str:
    """The environment's origin without a trailing slash, from what people paste.

    `allowed_origins` are origins besides Microsoft's, such as `http://127.0.0.1:7072`. Raises InvalidInputError.
    """
    pasted = text.strip(_AROUND)
    try:
        parts = urlsplit(pasted if _SCHEME.match(pasted) else f"https://{pasted}")
    except ValueError as error:  # brackets that do not close, signs that only look like others
        raise _refused_url() from error
    if "@" in parts.netloc or "\\" in pasted or not parts.netloc.isascii():
        raise _refused_url()
    origin = f"{parts.scheme.lower()}://{parts.netloc.lower()}".rstrip("/")
    if origin in {allowed.strip().lower().rstrip("/") for allowed in allowed_origins}:
        return origin
    host = (parts.hostname or "").lower().rstrip(".")
    if parts.scheme.lower() not in ("https", "http") or not _is_microsoft(host) or _port(parts.netloc):
        raise _refused_url()
    return f"https://{_without_api(host)}"


def authority_of(url: str, usual: str) -> str:
    """Who signs applications in for this environment."""
    suited = (authority for suffix, authority in _SOVEREIGN_AUTHORITIES.items() if url.endswith(suffix))
    return next(suited, usual)


def _is_microsoft(host: str) -> bool:
    return _HOST.fullmatch(host) is not None and host.endswith(_MICROSOFT_SUFFIXES)


def _without_api(host: str) -> str:
    """`org.api.crm4.dynamics.com` reaches the same environment as `org.crm4.dynamics.com`."""
    organisation, _, rest = host.partition(".")
    return f"{organisation}.{rest.removeprefix('api.')}"


def _port(netloc: str) -> str:
    port = netloc.rpartition("@")[2].partition(":")[2]
    return "" if port in ("", "443") else port


def _refused_url() -> InvalidInputError:
    return InvalidInputError(
        "This is not the address of a Dynamics environment. It looks like https://org123abc.crm.dynamics.com/",
        field="url",
    )
