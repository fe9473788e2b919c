"""Routes for the secret that an action's captures are signed with."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from core.admin.signature_secrets import SignatureSecretInput
from core.api.edge import CheckedRoute
from core.api.services import ServicesDependency
from core.domain.connection import ConfigurationId
from core.domain.signature import SignatureSecrets

router = APIRouter(prefix="/actions/{action_id}/signature-secret", tags=["actions"], route_class=CheckedRoute)

ActionPath = Annotated[ConfigurationId, Path(description="The action's id, such as `booth`; captures name it.")]


class SignatureSecretView(BaseModel):
    """What is known of the secret; never the secret."""

    is_set: bool
    saved_at: datetime | None = None
    previous_counts: Annotated[bool, Field(description="Whether the one before it lets captures in too.")] = False


@router.get("", summary="Whether captures can be signed")
async def read_secret(action_id: ActionPath, services: ServicesDependency) -> SignatureSecretView:
    return _view(await services.signature_secrets.known(action_id))


@router.put("", summary="Save a secret to sign captures with")
async def save_secret(
    action_id: ActionPath, body: SignatureSecretInput, services: ServicesDependency
) -> SignatureSecretView:
    """Saves a new secret. The one before it counts too, until it is ended or replaced again."""
    return _view(await services.signature_secrets.replace(action_id, body))


@router.delete("/previous", summary="End the secret before the newest")
async def end_previous_secret(action_id: ActionPath, services: ServicesDependency) -> SignatureSecretView:
    """Ends a change: from now on only the newest secret counts."""
    return _view(await services.signature_secrets.end_previous(action_id))


@router.delete("", status_code=204, summary="End every secret")
async def end_secret(action_id: ActionPath, services: ServicesDependency) -> None:
    """No secret counts any more: the vault's versions are disabled.

    An action that requires signatures takes nothing until a new one is saved.
    """
    await services.signature_secrets.end(action_id)


def _view(secrets: SignatureSecrets | None) -> SignatureSecretView:
    if secrets is None:
        return SignatureSecretView(is_set=False)
    return SignatureSecretView(is_set=True, saved_at=secrets.saved_at, previous_counts=bool(secrets.previous))
