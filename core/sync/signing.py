"""Whether a capture's signature lets it in. An action that asks for signatures fails closed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.domain.action import SyncAction
from core.domain.signature import SignatureSecrets, Signed, why_refused
from core.errors import MisconfiguredConnectionError


class SecretNames(Protocol):
    async def signature_secrets(self, action_id: str, *, fresh: bool = False) -> SignatureSecrets | None: ...


class Secrets(Protocol):
    async def secret(self, name: str, version: str = "", *, fresh: bool = False) -> str: ...


@dataclass(frozen=True, slots=True)
class Checked:
    """`refusal` is a sentence for the sender, "" where the capture may come in."""

    refusal: str = ""
    is_signed: bool = False


class Signatures:
    def __init__(self, *, names: SecretNames, secrets: Secrets, now: Callable[[], datetime]) -> None:
        self._names = names
        self._secrets = secrets
        self._now = now

    async def check(self, action: SyncAction, claim: Signed | None) -> Checked:
        is_required = action.signature == "required"
        if claim is None:
            return Checked(_UNSIGNED if is_required else "")
        secrets = await self._of(action.id)
        if not secrets:
            # Nobody has said yet that this action's captures are signed: these parameters may be anything.
            is_content = claim.is_in_query and not is_required
            return Checked("" if is_content else _NOTHING_TO_COMPARE)
        refusal = why_refused(claim, secrets, self._now())
        if refusal:  # another instance may have saved a new secret a moment ago
            refusal = why_refused(claim, await self._of(action.id, fresh=True), self._now())
        return Checked(refusal, is_signed=not refusal)

    async def _of(self, action_id: str, *, fresh: bool = False) -> list[str]:
        names = await self._names.signature_secrets(action_id, fresh=fresh)
        if names is None:
            return []
        found = [await self._value(names.name, version) for version in names.versions]
        return [value for value in found if value]

    async def _value(self, name: str, version: str) -> str:
        """A version that is gone or disabled lets nobody in."""
        try:
            return await self._secrets.secret(name, version)
        except MisconfiguredConnectionError as error:
            if error.code == "secret_missing":
                return ""
            raise


_UNSIGNED = "This action takes signed captures only: send the header X-Captello-Signature."
_NOTHING_TO_COMPARE = (
    "The capture is signed, but no secret is saved for this action: save one with PUT "
    "/api/v1/actions/{id}/signature-secret, or send captures unsigned."
)
