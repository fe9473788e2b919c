"""What every simulated service has beside its own interface: answers that a test orders, and a list of requests.

Duty: the paths `/_control/faults`, `/_control/requests` and `/_control/reset`, and standing around an application so
that ordered answers come before its own. What an error of a service looks like, the service says.
"""

import asyncio
import re
import threading
import time
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PREFIX: Final = "/_control"
_NOTE: Final = "control.note"
T = TypeVar("T")


class Fault(BaseModel):
    """An answer that takes the place of the next one, or (without a status) only makes it slow."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: int | None = Field(default=None, ge=200, le=599)
    headers: dict[str, str] = {}
    code: str = ""
    message: str = "ordered by a test"
    method: str = ""
    path: str = ""
    """A pattern that is searched for in the request's path."""
    times: int = Field(default=1, ge=1)
    seconds: float = Field(default=0.0, ge=0)

    def meets(self, method: str, path: str) -> bool:
        return self.method in {"", method} and re.search(self.path, path) is not None


_FAULTS: Final[TypeAdapter[list[Fault]]] = TypeAdapter(list[Fault])


class Control:
    """Shared between the server's thread and a test's, hence the lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[tuple[Fault, int]] = []
        self._requests: list[Mapping[str, object]] = []

    def order(self, *faults: Fault) -> None:
        with self._lock:
            self._faults += ((fault, fault.times) for fault in faults)

    def reset(self) -> None:
        with self._lock:
            self._faults.clear()
            self._requests.clear()

    def requests(self) -> list[Mapping[str, object]]:
        """What was asked and answered, oldest first: never a secret, a token or a body."""
        with self._lock:
            return list(self._requests)

    def next_fault(self, method: str, path: str) -> Fault | None:
        with self._lock:
            for index, (fault, left) in enumerate(self._faults):
                if fault.meets(method, path):
                    self._faults[index : index + 1] = [(fault, left - 1)] if left > 1 else []
                    return fault
        return None

    def remember(self, request: Mapping[str, object]) -> None:
        with self._lock:
            self._requests.append(request)

    def routes(self) -> list[BaseRoute]:
        return [
            Route(f"{PREFIX}/faults", self._order, methods=["POST"]),
            Route(f"{PREFIX}/requests", self._list),
            Route(f"{PREFIX}/reset", self._reset, methods=["POST"]),
        ]

    async def _order(self, request: Request) -> Response:
        """One fault or a list of them."""
        body = await read_json(request)
        self.order(*parsed(_FAULTS, body if isinstance(body, list) else [body]))
        return Response(status_code=204)

    async def _list(self, _request: Request) -> Response:
        return JSONResponse(self.requests())

    async def _reset(self, _request: Request) -> Response:
        self.reset()
        return Response(status_code=204)


class BadOrderError(Exception):
    """The control interface was asked for something it does not have; only tests and people see this."""


async def refuse_order(_request: Request, problem: Exception) -> Response:
    return JSONResponse({"error": str(problem)}, 400)


async def read_json(request: Request) -> Any:
    try:
        return await request.json()
    except ValueError as problem:
        raise BadOrderError(f"The body is not JSON: {problem}") from problem


def parsed(shape: TypeAdapter[T], body: object) -> T:
    try:
        return shape.validate_python(body)
    except ValidationError as problem:
        raise BadOrderError(str(problem)) from problem


def note(request: Request, **facts: object) -> None:
    """Add to what the list of requests tells about this one."""
    request.scope[_NOTE].update(facts)


class Controlled:
    """An application with ordered answers in front, except for requests that it spares, and its requests listed."""

    def __init__(
        self,
        app: ASGIApp,
        control: Control,
        render: Callable[[Fault], Response],
        *,
        spares: Callable[[Scope], bool] = lambda _scope: False,
    ) -> None:
        self._app = app
        self._control = control
        self._render = render
        self._spares = spares

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(f"{PREFIX}/"):
            scope[_NOTE] = {}
            await self._app(scope, receive, send)
            return
        entry = {"time": time.time(), "method": scope["method"], "path": scope["path"]}
        scope[_NOTE] = entry
        await self._answer(scope, receive, self._remembering(entry, send))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = None if self._spares(scope) else self._control.next_fault(scope["method"], scope["path"])
        if fault and fault.seconds:
            await asyncio.sleep(fault.seconds)
        answer = self._render(fault) if fault and fault.status else self._app
        await answer(scope, receive, send)

    def _remembering(self, entry: MutableMapping[str, object], send: Send) -> Send:
        """Before the answer leaves, so that whoever has it finds it in the list."""

        async def remembering(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry["status"] = message["status"]
                self._control.remember(entry)
            await send(message)

        return remembering
