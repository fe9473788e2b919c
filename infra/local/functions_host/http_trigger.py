"""HTTP triggers: how a request reaches a function, and how its answer leaves.

Which function a path belongs to is decided in `routes`, who may call it in `keys`.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Iterable
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qsl

from azure.functions.meta import Datum
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from infra.local.functions_host.app_settings import number
from infra.local.functions_host.context import TraceContext, new_trace
from infra.local.functions_host.functions import Function
from infra.local.functions_host.invocation import Output, invoke
from infra.local.functions_host.keys import Keys
from infra.local.functions_host.routes import Router, decoded

BODY_MOST = 100 * 1024 * 1024
Write = Callable[[Iterable[Output]], Awaitable[None]]
_FRAMING = {"content-length", "transfer-encoding"}

_log = logging.getLogger("host.http")


class HttpTriggers:
    """The ASGI application that all HTTP functions make together."""

    def __init__(self, functions: Iterable[Function], *, prefix: str, keys: Keys, write: Write) -> None:
        routes = ((f"{prefix}/{function.route}", function.methods, function) for function in functions)
        self._router = Router(routes)
        self._keys = keys
        self._write = write

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._answer(Request(scope, receive))
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        found = self._router.find(request.method, decoded(request.scope["raw_path"].decode("latin-1")))
        if not found:
            return Response(status_code=404)
        function, route_values = found
        if not self._keys.open(function, request):
            return Response(status_code=401)
        try:
            body = await _body(request)
        except ClientDisconnect:
            return Response(status_code=400)
        return Response(status_code=413) if body is None else await self._invoked(function, request, route_values, body)

    async def _invoked(
        self, function: Function, request: Request, route_values: dict[str, str], body: bytes
    ) -> Response:
        """Outputs are written before the answer leaves; when they cannot be, the invocation has failed."""
        try:
            outputs = await invoke(function, _handed(request, route_values, body), trace=_trace(request))
            await self._write(output for output in outputs if output.binding.kind != "http")
            return _response(output.value for output in outputs if output.binding.kind == "http")
        except Exception:  # noqa: BLE001 - whatever an app raises is a 500
            _log.exception("%s failed", function.name)
            return Response(status_code=500)


async def _body(request: Request) -> bytes | None:
    """A body without Content-Length reaches the function empty, as on Azure; None when it is too large."""
    length = request.headers.get("content-length", "")
    if not length.isdecimal():
        return b""
    return await request.body() if int(length) <= number("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", BODY_MOST) else None


def _handed(request: Request, route_values: dict[str, str], body: bytes) -> Datum:
    headers = _joined((name.lower(), value) for name, value in request.headers.items())
    query = _joined(parse_qsl(request.url.query))  # which drops what is empty, as the host does
    described = {
        "method": Datum(request.method, "string"),
        "url": Datum(_url(request), "string"),
        "headers": _texts(headers),
        "query": _texts(query),
        "params": _texts(route_values),
        "body": Datum(body, "bytes"),
    }
    return Datum(described, "http")


def _url(request: Request) -> str:
    """As it was asked for: what is escaped stays so."""
    return str(request.url.replace(path=request.scope["raw_path"].decode("latin-1")))


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """By name, whose letter case does not matter: the first spelling stays."""
    joined: dict[str, str] = {}
    spelled: dict[str, str] = {}
    for given, value in pairs:
        name = spelled.setdefault(given.lower(), given)
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _texts(values: dict[str, str]) -> dict[str, Datum]:
    return {name: Datum(value, "string") for name, value in values.items()}


def _trace(request: Request) -> TraceContext:
    parent = request.headers.get("traceparent")
    return TraceContext(parent, request.headers.get("tracestate", "")) if parent else new_trace()


def _response(answers: Iterable[Datum]) -> Response:
    """204 for a function whose answer is an output that it did not set."""
    answer = next(iter(answers), None)
    if answer is None:
        return Response(status_code=204)
    if answer.type == "string":
        return _from_text(answer.value)
    return _from_parts(answer.value)


def _from_parts(parts: dict[str, Any]) -> Response:
    headers = {name: value.value for name, value in parts["headers"].items() if name.lower() not in _FRAMING}
    response = Response(parts["body"].value, int(parts["status_code"].value), headers)
    cookies: list[SimpleCookie] = parts["cookies"] or []
    for cookie in cookies:
        for morsel in cookie.values():
            response.headers.append("set-cookie", morsel.OutputString())
    return response


def _from_text(text: str) -> Response:
    """A JSON object with a `body` is taken for the description of a response; any other text is one."""
    try:
        described = json.loads(text)
    except ValueError:
        described = None
    if not isinstance(described, dict) or "body" not in described:
        return Response(text, media_type="text/plain")
    body = described["body"]
    status = int(described.get("statusCode") or described.get("status") or 200)
    content = body if isinstance(body, str) else json.dumps(body)
    kind = "text/plain" if isinstance(body, str) else "application/json"
    return Response(content, status, described.get("headers"), kind)
