"""The control interface of one environment, for tests and people; no part of the Web API, and no token needed.

Duty: rows, requests, reset, faults, clock, latency, limits, users and roles, customising. Further environments are
`environment_routes`'.
"""

import dataclasses
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, field_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from infra.local.control import BadOrderError, parsed, read_json
from infra.local.dynamics.customizing import ORDER
from infra.local.dynamics.duplicate_rules import DuplicateRule
from infra.local.dynamics.environment import Contested, Environment
from infra.local.dynamics.errors import DataverseError
from infra.local.dynamics.faults import Rule
from infra.local.dynamics.latency import Latency
from infra.local.dynamics.roles import RoleOrder, UserOrder, order_role, order_user
from infra.local.dynamics.schema import Table
from infra.local.dynamics.seeded_rows import all_rows, seed_row
from infra.local.dynamics.service_limits import Limits
from infra.local.dynamics.values import moment_text

T = TypeVar("T")
_FARTHEST_SECONDS: Final = 3_200_000_000  # a hundred years
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class ClockOrder(BaseModel):
    """`now` sets the clock, `stopped` keeps it there, `advance_seconds` moves it, `step_seconds` keeps writes apart;
    nothing sets it right again.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    now: AwareDatetime | None = None
    stopped: bool = False
    advance_seconds: float | None = Field(default=None, ge=-_FARTHEST_SECONDS, le=_FARTHEST_SECONDS)
    step_seconds: float | None = Field(default=None, ge=0, le=60)

    @field_validator("now")
    @classmethod
    def _representable(cls, now: datetime | None) -> datetime | None:
        """With room for moving on and for rows that look back."""
        if now is not None and not 1800 <= now.year <= 2500:  # noqa: PLR2004
            raise ValueError("between the years 1800 and 2500")
        return now


_CLOCK: TypeAdapter[ClockOrder] = TypeAdapter(ClockOrder)
_RULES: TypeAdapter[list[Rule]] = TypeAdapter(list[Rule])
_LATENCY: TypeAdapter[Latency] = TypeAdapter(Latency)
_LIMITS: TypeAdapter[Limits] = TypeAdapter(Limits)
_CONTESTED: TypeAdapter[Contested] = TypeAdapter(Contested)
_DUPLICATES: TypeAdapter[list[DuplicateRule]] = TypeAdapter(list[DuplicateRule])
_ROLE: TypeAdapter[RoleOrder] = TypeAdapter(RoleOrder)
_USER: TypeAdapter[UserOrder] = TypeAdapter(UserOrder)


class ControlRoutes:
    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def routes(self) -> list[BaseRoute]:
        handlers: Mapping[str, tuple[Handler, Sequence[str]]] = {
            "rows/{table}": (self._rows, ("GET", "POST")),
            "requests": (self._requests, ("GET",)),
            "reset": (self._reset, ("POST",)),
            "faults": (self._faults, ("GET", "POST", "DELETE")),
            "clock": (self._clock, ("GET", "POST")),
            "latency": (self._latency, ("POST",)),
            "limits": (self._limits, ("GET", "POST", "DELETE")),
            "contested": (self._contested, ("POST",)),
            "duplicate_rules": (self._duplicate_rules, ("PUT",)),
            "customizations": (self._customizations, ("POST",)),
            "roles": (self._roles, ("POST",)),
            "users": (self._users, ("POST",)),
        }
        return [
            Route(f"/_control/{path}", handler, methods=list(methods)) for path, (handler, methods) in handlers.items()
        ]

    async def _rows(self, request: Request) -> Response:
        table = self._table(request.path_params["table"])
        if request.method == "GET":
            return JSONResponse({"rows": all_rows(self._environment, table)})
        return JSONResponse(seed_row(self._environment, table, await _object(request)), 201)

    async def _requests(self, request: Request) -> Response:
        """`?since=N` lists only what came after the request with that number; the counters count all."""
        log, since = self._environment.log, request.query_params.get("since", "0")
        if not since.isdecimal():
            raise BadOrderError("since is the number of a request.")
        answer = {"requests": log.entries(since=int(since)), "counters": log.counters(), "operations": log.operations()}
        return JSONResponse(answer)

    async def _reset(self, _request: Request) -> Response:
        self._environment.reset()
        return _done()

    async def _faults(self, request: Request) -> Response:
        """One rule or a list of them."""
        if request.method == "GET":
            waiting = self._environment.faults.waiting()
            return JSONResponse({"faults": [rule.model_dump(mode="json") for rule in waiting]})
        if request.method == "DELETE":
            self._environment.faults.reset()
            return _done()
        body = await read_json(request)
        rules = parsed(_RULES, body if isinstance(body, list) else [body])
        for rule in rules:
            self._require_addressable(rule.table)
        self._environment.faults.order(rules)
        return _done()

    async def _clock(self, request: Request) -> Response:
        clock = self._environment.clock
        if request.method == "POST":
            order = parsed(_CLOCK, await read_json(request))
            if order.step_seconds is not None:
                clock.step(timedelta(seconds=order.step_seconds))
            elif order.now is not None:
                clock.set(order.now, stopped=order.stopped)
            elif order.advance_seconds is not None:
                clock.advance(timedelta(seconds=order.advance_seconds))
            else:
                clock.reset()
        return JSONResponse({"now": moment_text(clock.now())})

    async def _latency(self, request: Request) -> Response:
        self._environment.latency = parsed(_LATENCY, await read_json(request))
        return _done()

    async def _limits(self, request: Request) -> Response:
        """`POST` puts limits on, as documented but for what is ordered; `DELETE` takes them off. Both count anew."""
        limits = self._environment.service_limits
        if request.method == "POST":
            limits.order(parsed(_LIMITS, await read_json(request)))
        elif request.method == "DELETE":
            limits.order(None)
        answer = {
            "limits": None if limits.limits is None else dataclasses.asdict(limits.limits),
            "refusals": dict(limits.refusals),
            "in_flight_most": limits.in_flight_most,
            "busy_seconds": round(limits.busy_seconds, 3),
        }
        return JSONResponse(answer)

    async def _contested(self, request: Request) -> Response:
        self._environment.contested = parsed(_CONTESTED, await read_json(request))
        return _done()

    async def _duplicate_rules(self, request: Request) -> Response:
        """All rules, in place of those there were."""
        self._environment.duplicate_rules = parsed(_DUPLICATES, await read_json(request))
        return _done()

    async def _customizations(self, request: Request) -> Response:
        body = await read_json(request)
        for order in body if isinstance(body, list) else [body]:
            self._environment.customizations.order(parsed(ORDER, order))
        return _done()

    async def _roles(self, request: Request) -> Response:
        return JSONResponse(order_role(self._environment, parsed(_ROLE, await read_json(request))))

    async def _users(self, request: Request) -> Response:
        return JSONResponse(order_user(self._environment, parsed(_USER, await read_json(request))))

    def _require_addressable(self, name: str) -> None:
        """Functions and sets of definitions begin with a capital; a misspelt table would never be met."""
        if name and not name[0].isupper():
            self._table(name)

    def _table(self, name: str) -> Table:
        table = self._environment.schema.find(name)
        if table is None:
            raise BadOrderError(f"There is no table {name}.")
        return table


async def refuse(_request: Request, problem: Exception) -> Response:
    """What would be refused as a request of the Web API is refused here too."""
    assert isinstance(problem, DataverseError)
    return JSONResponse({"error": problem.message, "code": problem.code}, 400)


async def _object(request: Request) -> dict[str, Any]:
    body = await read_json(request)
    if not isinstance(body, dict):
        raise BadOrderError("A JSON object is needed.")
    return body


def _done() -> Response:
    return Response(status_code=204)
