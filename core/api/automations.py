"""Routes for automations: whom they select, when, and what their runs have done."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from core.admin.automations import Preview
from core.api import cursor as cursors
from core.api.edge import CheckedRoute
from core.api.editions import Conditional, Repeats, Settings, check_free, etag_of
from core.api.paging import Cursor, Limit, page_of
from core.api.services import ServicesDependency
from core.api.unreadable import Unreadables, unreadable_settings, unreadable_views
from core.bootstrap import Services
from core.domain.automation import Automation, AutomationSettings, NamedAutomation, Run, State
from core.domain.connection import ConfigurationId
from core.errors import InvalidInputError, UnreadableDocumentError
from core.sync.ports import Any_, Versioned

router = APIRouter(prefix="/automations", tags=["automations"], route_class=CheckedRoute)

AutomationPath = Annotated[ConfigurationId, Path(description="The automation's id, such as `hot-leads`.")]


_READ_ONLY = "As it was read; `activate` and `pause` change it."


class AutomationInput(AutomationSettings):
    id: ConfigurationId | None = None
    state: Annotated[State | None, Field(description=_READ_ONLY)] = None


class NewAutomation(AutomationSettings):
    id: ConfigurationId


class AutomationView(NamedAutomation):
    state: State


class AutomationList(BaseModel):
    """In the order of their ids."""

    items: list[AutomationView]
    cursor: str | None = None
    unreadable: Unreadables = []


class IgnoredView(BaseModel):
    reason: str
    count: int
    samples: list[str]


class PreviewView(BaseModel):
    """Of the people that were looked at; with a `cursor`, there are more."""

    looked_at: int
    affected: int
    samples: list[str]
    ignored: list[IgnoredView]
    cursor: str | None = Field(description="Send it back to look at those behind.")


class RunView(Run):
    outcomes: dict[str, int] = Field(description="What became of them, counted from the log.")
    open: int = Field(description="How many of them are not over yet.")


class RunList(BaseModel):
    """The last ones that found somebody: no more are kept."""

    state: State
    items: list[RunView]


@router.get("", response_model_by_alias=True, summary="All automations")
async def list_automations(services: ServicesDependency, limit: Limit = 200, cursor: Cursor = None) -> AutomationList:
    found = await services.automations.every_automation()
    items, following = page_of(found.items, lambda each: each.id, limit=limit, cursor=cursor, asked="automations")
    return AutomationList(
        items=[_view(each) for each in items], cursor=following, unreadable=unreadable_views(found.unreadable)
    )


@router.post("", status_code=201, summary="Create an automation")
async def create_automation(
    body: NewAutomation, services: ServicesDependency, response: Response, repeats: Repeats = None
) -> AutomationView:
    """As a draft, under an id that is still free (409 where it is not)."""
    automation = Automation.model_validate(body.model_dump(by_alias=True))
    current, before = await _standing(services, automation.id)
    check_free(f"automation {automation.id}", current, _settings(automation), repeats)
    response.headers["location"] = f"/api/v1/automations/{automation.id}"
    shown = await _saved(services, automation, before, response)
    response.status_code = 201
    return shown


@router.put("/{automation_id}", responses={201: {"model": AutomationView}}, summary="Create or replace an automation")
async def save_automation(
    automation_id: AutomationPath,
    body: AutomationInput,
    services: ServicesDependency,
    precondition: Conditional,
    response: Response,
) -> AutomationView:
    """A new one is a draft (201). One that is there keeps its state, and is replaced on condition of its ETag (200);
    with another action or other criteria it goes through everybody again.
    """
    if body.id not in (None, automation_id):
        raise InvalidInputError(f"The address says {automation_id}: leave `id` out, or say the same.", field="id")
    current, before = await _standing(services, automation_id)
    state = before.entity.state if isinstance(before, Versioned) else "draft"
    settings = body.model_dump(by_alias=True, exclude={"id", "state"})
    automation = Automation.model_validate({**settings, "id": automation_id, "state": state})
    precondition.check(f"automation {automation_id}", current, _settings(automation))
    if body.state not in (None, state):
        message = f"Its state is {state}: leave `state` out, and change it with POST …/activate or POST …/pause."
        raise InvalidInputError(message, field="state")
    return await _saved(services, automation, before, response)


@router.get("/{automation_id}", response_model_by_alias=True, summary="An automation")
async def read_automation(
    automation_id: AutomationPath, services: ServicesDependency, response: Response
) -> AutomationView:
    found = await services.automation_keeping.read(automation_id)
    response.headers["etag"] = etag_of(_settings(found.entity))
    return _view(found.entity)


@router.delete("/{automation_id}", status_code=204, summary="Delete an automation")
async def delete_automation(automation_id: AutomationPath, services: ServicesDependency) -> None:
    """What it has begun goes on."""
    await services.automation_keeping.delete(automation_id)


@router.get("/{automation_id}/preview", summary="Whom an automation would be for")
async def preview_automation(
    automation_id: AutomationPath,
    services: ServicesDependency,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> PreviewView:
    """Everybody who is here, judged as the next run judges them; people are shown masked. Nothing is begun."""
    asked: dict[str, object] = {"automation": automation_id}
    found = await services.automation_keeping.read(automation_id)
    after = cursors.read(cursor, asked) or ""
    return _preview(await services.automation_keeping.preview(found.entity, after=after), asked)


@router.post("/{automation_id}/activate", response_model_by_alias=True, summary="Switch an automation on")
async def activate_automation(automation_id: AutomationPath, services: ServicesDependency) -> AutomationView:
    """A draft, or one that had finished, begins from the start; one that was paused goes on."""
    return _view(await services.automation_keeping.activate(automation_id))


@router.post("/{automation_id}/pause", response_model_by_alias=True, summary="Pause an automation")
async def pause_automation(automation_id: AutomationPath, services: ServicesDependency) -> AutomationView:
    """What it has begun goes on; what changes meanwhile is seen when it is activated again."""
    return _view(await services.automation_keeping.pause(automation_id))


@router.post("/{automation_id}/run", status_code=202, summary="Run an automation now")
async def run_automation(automation_id: AutomationPath, services: ServicesDependency) -> RunList:
    """For those who fit and have not run as they are now, whatever its schedule says."""
    await services.automation_keeping.run_now(automation_id)
    return await list_runs(automation_id, services)


@router.get("/{automation_id}/runs", summary="An automation's runs")
async def list_runs(automation_id: AutomationPath, services: ServicesDependency) -> RunList:
    """The newest first; the last one, and those that found somebody."""
    automation = (await services.automation_keeping.read(automation_id)).entity
    progress = (await services.automations.progress(automation_id)).entity
    views = [await _run(services, run) for run in reversed(progress.runs)]
    return RunList(state=automation.state, items=views)


async def _standing(
    services: Services, automation_id: str
) -> tuple[Settings | None, Versioned[Automation] | Any_ | None]:
    """Its settings, and as it is; of one that cannot be read, what stands for them, and whatever it is."""
    try:
        found = await services.automations.automation(automation_id)
    except UnreadableDocumentError as error:
        return unreadable_settings(error.message), "any"
    return (_settings(found.entity), found) if found else (None, None)


async def _run(services: Services, run: Run) -> RunView:
    outcomes: dict[str, int] = {}
    for batch in run.batches:
        whole = await services.batches.whole(batch)
        for chunk in await services.bulk_settling.look(whole) if whole else ():
            for name, count in chunk.outcomes.items():
                outcomes[name] = outcomes.get(name, 0) + count
            if chunk.repeats:
                outcomes["repeats"] = outcomes.get("repeats", 0) + chunk.repeats
    return RunView(**run.model_dump(), outcomes=outcomes, open=max(0, run.selected - sum(outcomes.values())))


async def _saved(
    services: Services, automation: Automation, before: Versioned[Automation] | Any_ | None, response: Response
) -> AutomationView:
    saved = await services.automation_keeping.save(automation, before)
    response.status_code = 201 if before is None else 200
    response.headers["etag"] = etag_of(_settings(saved))
    return _view(saved)


def _view(automation: Automation) -> AutomationView:
    return AutomationView.model_validate(_settings(automation))


def _settings(automation: Automation) -> dict[str, Any]:
    """What is shown of it, and can be edited."""
    return automation.model_dump(mode="json", by_alias=True, include=set(AutomationView.model_fields))


def _preview(preview: Preview, asked: dict[str, object]) -> PreviewView:
    ignored = [
        IgnoredView(reason=why, count=count, samples=preview.ignored_samples[why])
        for why, count in preview.ignored.most_common()
    ]
    return PreviewView(
        looked_at=preview.looked_at,
        affected=preview.affected,
        samples=preview.samples,
        ignored=ignored,
        cursor=cursors.written(preview.position or None, asked),
    )
