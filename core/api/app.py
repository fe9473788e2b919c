"""The API as one ASGI application, with its OpenAPI description at /api/v1/openapi.json."""

from typing import Any

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from core.api import (
    actions,
    audit,
    automations,
    balance,
    bulk,
    connections,
    erasure,
    failures,
    logs,
    mappings,
    prospects,
    quarantine,
    replays,
    signature_secrets,
    transfer,
)
from core.api.description import describe
from core.api.edge import CheckedRoute
from core.api.problems import Problem, add_problem_handlers
from core.api.services import ServicesDependency

# The one model of every refusal; which refusals an operation can give, `description` says.
_PROBLEMS: dict[int | str, dict[str, Any]] = {422: {"model": Problem}}


class Health(BaseModel):
    status: str
    connections: int
    paused: int


def make_app() -> FastAPI:
    app = FastAPI(
        title="Captello to Dynamics 365",
        version="1",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    v1 = APIRouter(prefix="/api/v1", responses=_PROBLEMS, route_class=CheckedRoute)
    for part in (
        connections,
        mappings,
        actions,
        automations,
        signature_secrets,
        transfer,
        logs,
        failures,
        replays,
        balance,
        bulk,
        prospects,
        erasure,
        quarantine,
        audit,
    ):
        v1.include_router(part.router)
    v1.add_api_route("/health", health, tags=["health"], summary="Whether the service can work")
    app.include_router(v1)
    add_problem_handlers(app)
    describe(app)
    return app


async def health(services: ServicesDependency) -> Health:
    """Whether configuration can be read, and how many connections are paused or revoked."""
    every = await services.configuration.connections()
    setups = [await services.configuration.setup(connection.id) for connection in every]
    paused = sum(bool(setup and (setup.pause or setup.connection.revoked_at)) for setup in setups)
    return Health(status="ok", connections=len(every), paused=paused)
