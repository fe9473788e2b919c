"""The API as one ASGI application, with its OpenAPI description at /api/v1/openapi.json."""

from typing import Any

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from core.api import (
    actions,
    audit,
    balance,
    bulk,
    connections,
    failures,
    logs,
    mappings,
    prospects,
    quarantine,
    replays,
    signature_secrets,
    transfer,
)
from core.api.problems import Problem, add_problem_handlers
from core.api.services import ServicesDependency

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": text}
    for status, text in {
        404: "There is no such thing.",
        409: "The connection cannot be used until somebody has mended it.",
        422: "Something sent cannot be accepted; `errors` names the fields.",
        503: "Storage, Key Vault or Dynamics cannot be reached now.",
    }.items()
}


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
    )
    v1 = APIRouter(prefix="/api/v1", responses=_PROBLEMS)
    for part in (
        connections,
        mappings,
        actions,
        signature_secrets,
        transfer,
        logs,
        failures,
        replays,
        balance,
        bulk,
        prospects,
        quarantine,
        audit,
    ):
        v1.include_router(part.router)
    v1.add_api_route("/health", health, tags=["health"])
    app.include_router(v1)
    add_problem_handlers(app)
    return app


async def health(services: ServicesDependency) -> Health:
    """Whether configuration can be read, and how many connections are paused or revoked."""
    every = await services.configuration.connections()
    setups = [await services.configuration.setup(connection.id) for connection in every]
    paused = sum(bool(setup and (setup.pause or setup.connection.revoked_at)) for setup in setups)
    return Health(status="ok", connections=len(every), paused=paused)
