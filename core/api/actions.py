"""Routes for sync actions."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from core.api.edge import CheckedRoute
from core.api.editions import Conditional, etag_of
from core.api.services import ServicesDependency
from core.bootstrap import Services
from core.domain.action import SyncAction, SyncActionSettings
from core.domain.connection import ConfigurationId
from core.errors import InvalidInputError
from core.sync.ports import Any_

router = APIRouter(prefix="/actions", tags=["actions"], route_class=CheckedRoute)

ActionPath = Annotated[ConfigurationId, Path(description="The action's id, such as `booth`; captures name it.")]


class ActionInput(SyncActionSettings):
    id: ConfigurationId | None = None


class NewAction(SyncActionSettings):
    id: ConfigurationId


class ActionView(SyncAction):
    """A sync action, and what to know about it."""

    warnings: list[str] = Field(default_factory=list)


class ActionList(BaseModel):
    items: list[SyncAction]


@router.get("", response_model_by_alias=True, summary="Sync actions")
async def list_actions(services: ServicesDependency) -> ActionList:
    return ActionList(items=await services.configuration.actions())


@router.post("", status_code=201, summary="Create a sync action")
async def create_action(body: NewAction, services: ServicesDependency, response: Response) -> ActionView:
    """Under an id that is still free (409 where it is not)."""
    action = SyncAction(**body.model_dump(by_alias=True))
    if await services.configuration.fresh_action(action.id) is not None:
        message = f"There is an action {action.id} already: change it with PUT, or choose another id."
        raise InvalidInputError(message, field="id", status=409)
    response.headers["location"] = f"/api/v1/actions/{action.id}"
    return await _saved(services, action, None, response)


@router.put("/{action_id}", responses={201: {"model": ActionView}}, summary="Create or replace a sync action")
async def save_action(
    action_id: ActionPath,
    body: ActionInput,
    services: ServicesDependency,
    precondition: Conditional,
    response: Response,
) -> ActionView:
    """Creates the action (201) or, on condition of its ETag, replaces it (200).

    The id in the address counts; one in the body must equal it.
    """
    action = _action(action_id, body)
    before = await services.configuration.fresh_action(action_id)
    precondition.check(f"action {action_id}", _settings(before) if before else None, _settings(action))
    return await _saved(services, action, "any" if precondition.overwrites else before, response)


@router.get("/{action_id}", summary="A sync action")
async def read_action(action_id: ActionPath, services: ServicesDependency, response: Response) -> SyncAction:
    action = await services.configuration.fresh_action(action_id)
    if action is None:
        raise InvalidInputError(f"There is no action {action_id}.", field="action_id", status=404)
    response.headers["etag"] = etag_of(_settings(action))
    return action


async def _saved(
    services: Services, action: SyncAction, before: SyncAction | Any_ | None, response: Response
) -> ActionView:
    is_new, warnings = await services.actions.save(action, before=before)
    warnings += await services.signature_secrets.warnings(action)
    response.status_code = 201 if is_new else 200
    response.headers["etag"] = etag_of(_settings(action))
    return ActionView(**action.model_dump(by_alias=True), warnings=warnings)


def _settings(action: SyncAction) -> dict[str, Any]:
    return action.model_dump(mode="json", by_alias=True)


def _action(action_id: str, body: ActionInput) -> SyncAction:
    if body.id not in (None, action_id):
        raise InvalidInputError(f"The address says {action_id}: leave `id` out, or say the same.", field="id")
    return SyncAction(**body.model_dump(by_alias=True, exclude={"id"}), id=action_id)
