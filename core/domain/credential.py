"""What an application signs in with: a client secret, or a certificate with its key. It never shows itself."""

import re
from dataclasses import dataclass, field
from datetime import date

from core.domain.connection import CredentialKind

_GUID = re.compile(r"\{?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\}?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Credential:
    """The value as the vault keeps it; of a certificate also what may be told of it."""

    value: str = field(repr=False)
    kind: CredentialKind = "secret"
    thumbprint: str = ""
    expires_on: date | None = None


def looks_like_an_id(secret: str) -> bool:
    """Entra shows a secret's id and its value side by side. Ids are GUIDs, values never are."""
    return _GUID.fullmatch(secret.strip()) is not None
