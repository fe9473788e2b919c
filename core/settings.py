"""The app's settings, read from the environment once and checked. Only addresses differ from place to place."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from core.domain.retention import Kept, Retention

_RETENTION_LEAST, _RETENTION_MOST = 7, 36_500


class SettingsError(Exception):
    """A setting is missing or cannot be read; the message names it and what it takes."""


@dataclass(frozen=True, slots=True)
class StorageAddress:
    """Either a connection string, or the three services' addresses; then the app's managed identity signs in, the
    one of this client id, or the app's first.
    """

    connection_string: str = ""
    table_url: str = ""
    queue_url: str = ""
    blob_url: str = ""
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Where spans and counts go: a file, or else Azure Monitor, with the app's identity."""

    connection_string: str = ""
    client_id: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    storage: StorageAddress
    key_vault_url: str
    verify_vault_challenge: bool
    identity_client_id: str
    authority: str
    allowed_origins: tuple[str, ...]
    capture_deadline: float
    grace: float
    bulk_at_once: int
    has_sign_in: bool
    telemetry: Telemetry | None
    retention: Retention


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Raises SettingsError."""
    return Settings(
        storage=_storage(environment),
        key_vault_url=_required(environment, "KEY_VAULT_URL", "the vault's address"),
        # False only where the vault's address is not below the domain it is known by, as with a simulated one.
        verify_vault_challenge=environment.get("KEY_VAULT_VERIFY_CHALLENGE", "true").lower() != "false",
        identity_client_id=environment.get("AZURE_CLIENT_ID", ""),
        authority=environment.get("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com"),
        allowed_origins=tuple(filter(None, environment.get("DYNAMICS_ALLOWED_ORIGINS", "").split(","))),
        capture_deadline=_seconds(environment, "CAPTURE_DEADLINE_SECONDS", 8.0),
        grace=_seconds(environment, "DELIVERY_GRACE_SECONDS", 30.0),
        bulk_at_once=_count(environment, "BULK_AT_ONCE_MOST", 3),
        # Set by App Service where its own sign-in stands before the app; then, and only then, it says who a user is.
        has_sign_in=environment.get("WEBSITE_AUTH_ENABLED", "").lower() == "true",
        telemetry=_telemetry(environment),
        retention=_retention(environment),
    )


def _telemetry(environment: Mapping[str, str]) -> Telemetry | None:
    """None unless the setting asks for it that makes the worker hand traces on, and there is a place for them."""
    if environment.get("PYTHON_ENABLE_OPENTELEMETRY", "").lower() not in ("true", "1"):
        return None
    file, text = environment.get("TRACE_FILE", ""), environment.get("APPLICATIONINSIGHTS_CONNECTION_STRING", "")
    return Telemetry(text, environment.get("AZURE_CLIENT_ID", ""), file) if text or file else None


def _storage(environment: Mapping[str, str]) -> StorageAddress:
    """The Functions host's own storage settings, in the order in which the host reads them."""
    if text := environment.get("AzureWebJobsStorage"):
        return StorageAddress(connection_string=text)
    _require_managed_identity(environment)
    return StorageAddress(
        table_url=_service(environment, "table"),
        queue_url=_service(environment, "queue"),
        blob_url=_service(environment, "blob"),
        client_id=environment.get("AzureWebJobsStorage__clientId") or environment.get("AZURE_CLIENT_ID", ""),
    )


def _require_managed_identity(environment: Mapping[str, str]) -> None:
    """The host would sign in with others; this app carries no secret of its own, so it could not."""
    credential = environment.get("AzureWebJobsStorage__credential", "")
    if credential not in ("", "managedidentity"):
        raise SettingsError(f"The setting AzureWebJobsStorage__credential takes `managedidentity`, not {credential!r}.")


def _service(environment: Mapping[str, str], service: str) -> str:
    """An address that is given wins over the account's name, which only stands for addresses in the public cloud.

    Only over https: a token goes there.
    """
    account = environment.get("AzureWebJobsStorage__accountName", "").strip()
    name = f"AzureWebJobsStorage__{service}ServiceUri"
    given = environment.get(name, "").strip()
    if not given and account:
        return f"https://{account}.{service}.core.windows.net"
    address = _required(environment, name, f"the {service} service's address")
    if not address.startswith("https://"):
        raise SettingsError(f"The setting {name} takes an address that begins with https://.")
    return address


def _required(environment: Mapping[str, str], name: str, meaning: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise SettingsError(f"The setting {name} is missing: it takes {meaning}.")
    return value


def _count(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, "").strip()
    if text and not (text.isdecimal() and int(text)):
        raise SettingsError(f"The setting {name} takes a whole number from 1 on, not {text!r}.")
    return int(text) if text else default


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name, "")
    try:
        return float(text) if text else default
    except ValueError:
        raise SettingsError(f"The setting {name} takes a number of seconds, not {text!r}.") from None


def _retention(environment: Mapping[str, str]) -> Retention:
    kept = Retention(
        log=_days(environment, "RETENTION_LOG_DAYS", 365),
        deliveries=_days(environment, "RETENTION_DELIVERIES_DAYS", 90),
        waiting=_days(environment, "RETENTION_WAITING_DAYS", 90),
        quarantine=_days(environment, "RETENTION_QUARANTINE_DAYS", 90),
        bulk=_days(environment, "RETENTION_BULK_DAYS", 30),
        replays=_days(environment, "RETENTION_REPLAYS_DAYS", 90),
        audit=_days(environment, "RETENTION_AUDIT_DAYS", 365),
    )
    if kept.log is not None and (kept.deliveries is None or kept.deliveries > kept.log):
        raise SettingsError(
            "RETENTION_DELIVERIES_DAYS may not be more than RETENTION_LOG_DAYS: rows lead to deliveries."
        )
    return kept


def _days(environment: Mapping[str, str], name: str, default: int) -> Kept:
    """Shorter than a week would forget deliveries that are still repeated."""
    text = environment.get(name, "").strip() or str(default)
    if not text.isdecimal() or 0 < int(text) < _RETENTION_LEAST or int(text) > _RETENTION_MOST:
        raise SettingsError(
            f"The setting {name} takes a number of days from {_RETENTION_LEAST} to {_RETENTION_MOST}, or 0 for good, "
            f"not {text!r}."
        )
    return timedelta(days=int(text)) if int(text) else None
