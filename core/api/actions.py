"""Routes for sync actions."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from core.api.services import ServicesDependency
from core.domain.action import SyncAction, SyncActionSettings
from core.domain.connection import ConfigurationId
from core.errors import InvalidInputError

router = APIRouter(prefix="/actions", tags=["actions"])

ActionPath = Annotated[ConfigurationId, Path(description="The action's id, such as `booth`; captures name it.")]


class ActionInput(SyncActionSettings):
    id: ConfigurationId | None = None


class ActionView(SyncAction):
    """A sync action, and what to know about it."""

    warnings: list[str] = Field(default_factory=list)


class ActionList(BaseModel):
    items: list[SyncAction]


@router.get("", response_model_by_alias=True)
async def list_actions(services: ServicesDependency) -> ActionList:
    return ActionList(items=await services.configuration.actions())


@router.put("/{action_id}", responses={201: {"model": ActionView}})
async def save_action(
    action_id: ActionPath,
    body: ActionInput,
    services: ServicesDependency,
    response: Response,
) -> ActionView:
    """Creates the action (201) or replaces it (200). The id in the address counts; one in the body must equal it."""
    action = _action(action_id, body)
    is_new, warnings = await services.actions.save(action)
    warnings += await services.signature_secrets.warnings(action)
    response.status_code = 201 if is_new else 200
    return ActionView(**action.model_dump(by_alias=True), warnings=warnings)


@router.get("/{action_id}")
async def read_action(action_id: ActionPath, services: ServicesDependency) -> SyncAction:
    action = await services.configuration.action(action_id)
    if action is None:
        raise InvalidInputError(f"There is no action {action_id}.", field="action_id", status=404)
    return action


def _action(action_id: str, body: ActionInput) -> SyncAction:
    if body.id not in (None, action_id):
        raise InvalidInputError(f"The address says {action_id}: leave `id` out, or say the same.", field="id")
    return SyncAction(**body.model_dump(by_alias=True, exclude={"id"}), id=action_id)
