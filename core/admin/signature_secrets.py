"""The secret that an action's captures are signed with: kept in Key Vault, replaced without a gap.

A new secret counts at once; the one before it counts too, until it is ended or replaced again.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from core.domain.action import SyncAction
from core.domain.signature import SignatureSecrets, signature_secret_name
from core.errors import InvalidInputError


class SignatureSecretInput(BaseModel):
    """Write-only. 16 characters or more, as random as can be."""

    model_config = ConfigDict(extra="forbid")

    secret: Annotated[SecretStr, Field(min_length=16, max_length=500)]


class Vault(Protocol):
    async def save(self, name: str, value: str) -> str: ...

    async def retire(self, name: str, version: str) -> None: ...


class Store(Protocol):
    async def action(self, action_id: str) -> SyncAction | None: ...

    async def signature_secrets(self, action_id: str, *, fresh: bool = False) -> SignatureSecrets | None: ...

    async def save_signature_secrets(self, action_id: str, secrets: SignatureSecrets | None) -> None: ...


class SecretKeeping:
    def __init__(self, *, store: Store, vault: Vault, now: Callable[[], datetime]) -> None:
        self._store = store
        self._vault = vault
        self._now = now

    async def known(self, action_id: str) -> SignatureSecrets | None:
        if await self._store.action(action_id) is None:
            raise InvalidInputError(f"There is no action {action_id}: save it first.", field="action_id", status=404)
        return await self._store.signature_secrets(action_id, fresh=True)

    async def replace(self, action_id: str, given: SignatureSecretInput) -> SignatureSecrets:
        """The new one counts from now on, beside the one before it; an older one ends."""
        before = await self.known(action_id)
        version = await self._vault.save(signature_secret_name(action_id), given.secret.get_secret_value())
        previous = before.current if before else ""
        after = SignatureSecrets(action=action_id, current=version, previous=previous, saved_at=self._now())
        await self._store.save_signature_secrets(action_id, after)
        if before and before.previous:
            await self._vault.retire(before.name, before.previous)
        return after

    async def end_previous(self, action_id: str) -> SignatureSecrets:
        """Only the newest counts from now on."""
        before = await self.known(action_id)
        if before is None:
            raise InvalidInputError(f"No secret is saved for {action_id}.", field="action_id", status=404)
        after = before.model_copy(update={"previous": ""})
        await self._store.save_signature_secrets(action_id, after)
        if before.previous:
            await self._vault.retire(before.name, before.previous)
        return after

    async def end(self, action_id: str) -> None:
        """Signatures count no more; an action that requires them takes nothing until a secret is saved."""
        await self.known(action_id)
        await self.end_of(action_id)

    async def end_of(self, action_id: str) -> None:
        """The same, whatever has become of the action itself."""
        before = await self._store.signature_secrets(action_id, fresh=True)
        await self._store.save_signature_secrets(action_id, None)
        for version in before.versions if before else ():
            await self._vault.retire(signature_secret_name(action_id), version)

    async def warnings(self, action: SyncAction) -> list[str]:
        """What to know when the action is saved."""
        if action.signature == "optional" or await self._store.signature_secrets(action.id, fresh=True):
            return []
        return [f"Every capture is refused until a secret is saved: PUT /actions/{action.id}/signature-secret."]
