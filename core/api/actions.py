"""Routes for sync actions."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from core.api.edge import CheckedRoute
from core.api.editions import Conditional, Repeats, Settings, check_free, etag_of
from core.api.paging import Cursor, Limit, page_of
from core.api.services import ServicesDependency
from core.api.unreadable import Unreadables, unreadable_settings, unreadable_views
from core.bootstrap import Services
from core.domain.action import SyncAction, SyncActionSettings
from core.domain.connection import ConfigurationId
from core.errors import InvalidInputError, UnreadableDocumentError
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
    """In the order of their ids."""

    items: list[SyncAction]
    cursor: str | None = None
    unreadable: Unreadables = []


@router.get("", response_model_by_alias=True, summary="Sync actions")
async def list_actions(services: ServicesDependency, limit: Limit = 200, cursor: Cursor = None) -> ActionList:
    found = await services.configuration.every_action()
    items, following = page_of(found.items, lambda each: each.id, limit=limit, cursor=cursor, asked="actions")
    return ActionList(items=items, cursor=following, unreadable=unreadable_views(found.unreadable))


@router.post("", status_code=201, summary="Create a sync action")
async def create_action(
    body: NewAction, services: ServicesDependency, response: Response, repeats: Repeats = None
) -> ActionView:
    """Under an id that is still free (409 where it is not)."""
    action = SyncAction(**body.model_dump(by_alias=True))
    current, before = await _standing(services, action.id)
    check_free(f"action {action.id}", current, _settings(action), repeats)
    response.headers["location"] = f"/api/v1/actions/{action.id}"
    shown = await _saved(services, action, before, response)
    response.status_code = 201
    return shown


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
    current, before = await _standing(services, action_id)
    precondition.check(f"action {action_id}", current, _settings(action))
    return await _saved(services, action, "any" if precondition.overwrites else before, response)


@router.get("/{action_id}", summary="A sync action")
async def read_action(action_id: ActionPath, services: ServicesDependency, response: Response) -> SyncAction:
    action = await services.configuration.fresh_action(action_id)
    if action is None:
        raise InvalidInputError(f"There is no action {action_id}.", field="action_id", status=404)
    response.headers["etag"] = etag_of(_settings(action))
    return action


@router.delete("/{action_id}", status_code=204, summary="Delete a sync action")
async def delete_action(action_id: ActionPath, services: ServicesDependency) -> None:
    """Refused (409) while an automation, a bulk action or deliveries on their way need it. The log keeps its rows; what
    failed under it can be replayed once there is an action of this id again.
    """
    await services.action_deletion.delete(action_id)


async def _standing(services: Services, action_id: str) -> tuple[Settings | None, SyncAction | Any_ | None]:
    """Its settings, and as it is; of one that cannot be read, what stands for them, and whatever it is."""
    try:
        action = await services.configuration.fresh_action(action_id)
    except UnreadableDocumentError as error:
        return unreadable_settings(error.message), "any"
    return (_settings(action), action) if action else (None, None)


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
