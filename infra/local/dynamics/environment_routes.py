"""Further environments on the order of a test: a sandbox beside production, a copy behind the same address.

Duty: `/_control/environments`. Starting servers is handed in.
"""

import uuid
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from infra.local.control import parsed, read_json
from infra.local.dynamics.environment import Environment, EnvironmentKind


class EnvironmentOrder(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(default="sandbox", pattern=r"^[A-Za-z][A-Za-z0-9-]{0,62}$")
    """Not that of another one; with a database file it is part of a file's name."""
    kind: EnvironmentKind = "sandbox"
    client_ids: tuple[str, ...] | None = None
    """As in the first environment, unless given."""


class CopyOrder(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    organization_id: uuid.UUID | None = None


_ENVIRONMENT: TypeAdapter[EnvironmentOrder] = TypeAdapter(EnvironmentOrder)
_COPY: TypeAdapter[CopyOrder] = TypeAdapter(CopyOrder)


class EnvironmentRoutes:
    def __init__(
        self,
        environment: Environment,
        everyone: Callable[[], Iterable[Environment]],
        start: Callable[[str, tuple[str, ...], EnvironmentKind], Environment],
    ) -> None:
        self._environment = environment
        self._everyone = everyone
        self._start = start

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/_control/environments", self._list),
            Route("/_control/environments", self._add, methods=["POST"]),
            Route("/_control/environments/copied", self._copied, methods=["POST"]),
        ]

    async def _list(self, _request: Request) -> Response:
        return JSONResponse({"environments": [_described(environment) for environment in self._everyone()]})

    async def _add(self, request: Request) -> Response:
        order = parsed(_ENVIRONMENT, await read_json(request))
        client_ids = self._environment.client_ids if order.client_ids is None else order.client_ids
        started = await run_in_threadpool(self._start, order.name, client_ids, order.kind)
        return JSONResponse(_described(started), 201)

    async def _copied(self, request: Request) -> Response:
        """Another environment was copied over this one: the rows stay, the organisation is another."""
        order = parsed(_COPY, await read_json(request))
        self._environment.become(str(order.organization_id or uuid.uuid4()))
        return JSONResponse(_described(self._environment))


def _described(environment: Environment) -> dict[str, Any]:
    return {
        "name": environment.name,
        "kind": environment.kind,
        "url": environment.url,
        "organization_id": environment.organization_id,
    }
