"""HTTP triggers: routes, keys, and how a request and its answer pass to the function and back."""

import hmac
import logging
import re
import uuid
from types import SimpleNamespace
from urllib.parse import parse_qsl

import azure.functions as func
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope
from typing_extensions import override

from infra.local.functions_host.index import Function

BODY_MOST = 100 * 1024 * 1024
_CONSTRAINTS = {"int": "int", "guid": "uuid", "float": "float", "decimal": "float"}
_SEGMENT = re.compile(r"\{(\*?)(\w+)(?::(\w+))?(\??)\}")

_log = logging.getLogger("host.http")


class Keys:
    """One host key opens every function; the master key, everything."""

    def __init__(self, host_key: str, master_key: str) -> None:
        self._by_level = {"function": (host_key, master_key), "admin": (master_key,)}

    def open(self, function: Function, request: Request) -> bool:
        if function.auth_level == "anonymous":
            return True
        given = request.headers.get("x-functions-key") or request.query_params.get("code") or ""
        accepted = self._by_level[function.auth_level]
        return any(key and hmac.compare_digest(given.encode(), key.encode()) for key in accepted)


def routes(functions: list[Function], *, prefix: str, keys: Keys) -> list[BaseRoute]:
    """Literal routes before those with parameters, catch-alls last, as ASP.NET ranks them."""
    ranked = sorted(functions, key=lambda function: (function.route.count("*"), function.route.count("{")))
    return [_FunctionRoute(path, function, keys) for function in ranked for path in _paths(function.route, prefix)]


def _paths(route: str, prefix: str) -> list[str]:
    """ASP.NET's template as Starlette's; an optional parameter, or an empty catch-all, makes two of it."""
    whole = "/" + "/".join(filter(None, (prefix, route)))
    path = _SEGMENT.sub(_parameter, whole)
    last = _SEGMENT.search(whole.rpartition("/")[2])
    without = whole.rpartition("/")[0] or "/"
    return [path, _SEGMENT.sub(_parameter, without)] if last and (last[1] or last[4]) else [path]


def _parameter(match: re.Match[str]) -> str:
    is_rest, name, constraint, _ = match.groups()
    kind = "path" if is_rest else _CONSTRAINTS.get(constraint or "", "")
    return f"{{{name}:{kind}}}" if kind else f"{{{name}}}"


class _FunctionRoute(Route):
    def __init__(self, path: str, function: Function, keys: Keys) -> None:
        async def endpoint(request: Request) -> Response:
            if not keys.open(function, request):
                return Response(status_code=401)
            return await _invoked(function, request)

        super().__init__(path, endpoint, methods=list(function.methods))
        self._allowed = set(function.methods)

    @override
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """A wrong method is no match at all, so the answer is 404 and another function may have it."""
        match, child = super().matches(scope)
        if scope["type"] == "http" and scope["method"] not in self._allowed:
            return Match.NONE, {}
        return match, child


async def _invoked(function: Function, request: Request) -> Response:
    body = await _body(request)
    if body is None:
        return Response(status_code=413)
    context = SimpleNamespace(invocation_id=str(uuid.uuid4()), function_name=function.name, trace_context=None)
    try:
        answer = await function.invoke(_handed(request, body), context=context)
    except Exception:  # noqa: BLE001  # whatever an app raises is a 500
        _log.exception("%s failed", function.name)
        return Response(status_code=500)
    return _answered(function, answer)


async def _body(request: Request) -> bytes | None:
    """A body without Content-Length reaches the function empty, as on Azure; None when it is too large."""
    length = request.headers.get("content-length", "")
    if not length.isdigit():
        return b""
    return await request.body() if int(length) <= BODY_MOST else None


def _handed(request: Request, body: bytes) -> func.HttpRequest:
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    params = {name: value for name, value in parse_qsl(request.url.query) if value}
    route_params = {name: str(value) for name, value in request.path_params.items()}
    return func.HttpRequest(
        request.method, str(request.url), headers=headers, params=params, route_params=route_params, body=body
    )


def _answered(function: Function, answer: object) -> Response:
    if isinstance(answer, str):
        return Response(answer, media_type="text/plain")
    if not isinstance(answer, func.HttpResponse):
        _log.error("%s returned %s; a function answers HttpResponse or str", function.name, type(answer).__name__)
        return Response(status_code=500)
    headers = {name: value for name, value in answer.headers.items() if name.lower() != "content-length"}
    headers.setdefault("content-type", f"{answer.mimetype}; charset={answer.charset}")
    return Response(answer.get_body(), answer.status_code, headers)
