"""Signed captures: HMAC-SHA256 over the time and the body, as webhooks of Stripe's kind are signed.

    X-Captello-Signature: t=<unix seconds>,v1=<hex of HMAC-SHA256(secret, "<t>." + body)>

A capture without a body is signed over its query instead: its parameters sorted by name, percent-encoded, joined by
`&`; then time and signature may also stand in the query, as `timestamp` and `signature`. A signature holds for some
minutes; sent again within them, a capture is a repeat and does no harm.
"""

import hashlib
import hmac
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

HEADER = "x-captello-signature"
TOLERANCE = timedelta(minutes=5)
_NOT_SIGNED = {"code", "clientid", "wait", "test", "signature", "timestamp"}
_TIME = re.compile(r"[0-9]{1,11}")
_FORM = "it is `t=<unix seconds>,v1=<hex of HMAC-SHA256(secret, t + '.' + body)>`"


class SignatureSecrets(BaseModel):
    """Which versions of an action's secret count, by their names in Key Vault: during a change, two."""

    model_config = ConfigDict(frozen=True)

    action: str
    current: str
    previous: str = ""
    saved_at: datetime

    @property
    def name(self) -> str:
        """The name in Key Vault."""
        return signature_secret_name(self.action)

    @property
    def versions(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.current, self.previous)))


@dataclass(frozen=True, slots=True)
class Signed:
    """What a capture says of its signature, and the bytes it is over."""

    at: str
    signatures: tuple[str, ...]
    payload: bytes
    is_in_query: bool = False


def signature_secret_name(action: str) -> str:
    return f"signature-{action}"


def signed(*, header: str, query: Mapping[str, str], body: bytes) -> Signed | None:
    """None where nothing says that the capture is signed."""
    payload = body if body.strip() else _canonical(query)
    if header.strip():
        parts = [part.strip().partition("=") for part in header.split(",")]
        times = [value for name, _, value in parts if name == "t"]
        return Signed(times[0] if times else "", tuple(value for name, _, value in parts if name == "v1"), payload)
    if body.strip() or not query.get("signature"):
        return None
    return Signed(query.get("timestamp", ""), (query["signature"],), payload, is_in_query=True)


def why_refused(claim: Signed, secrets: Collection[str], now: datetime) -> str:
    """A sentence for the sender; "" where one of the secrets made the signature, lately."""
    if not _TIME.fullmatch(claim.at) or not claim.signatures:
        return f"The signature cannot be read: {_FORM}."
    if abs(now - datetime.fromtimestamp(int(claim.at), UTC)) > TOLERANCE:
        minutes = int(TOLERANCE.total_seconds() // 60)
        return f"The signature's time is more than {minutes} minutes off: sign when sending, by a clock that is right."
    expected = [signature(secret, claim.at, claim.payload) for secret in secrets]
    is_right = [_equal(one, other) for one in expected for other in claim.signatures]
    return "" if any(is_right) else f"The signature is wrong: {_FORM}, with the action's secret and the body as sent."


def signature(secret: str, at: str, payload: bytes) -> str:
    return hmac.new(secret.encode(), at.encode() + b"." + payload, hashlib.sha256).hexdigest()


def content_of(query: Mapping[str, str]) -> dict[str, str]:
    """The parameters that a signature is over: none of the service's own."""
    return {name: value for name, value in query.items() if name.lower() not in _NOT_SIGNED}


def _canonical(query: Mapping[str, str]) -> bytes:
    pairs = sorted(content_of(query).items())
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs).encode()


def _equal(expected: str, given: str) -> bool:
    """In a time that tells nothing."""
    return hmac.compare_digest(expected.encode(), given.strip().lower().encode("utf-8", "replace"))
