"""The HTTP trigger for the API: hands the request to the ASGI application, which is made on its first use."""

import functools
import json
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

import azure.functions as func

from core.api.app import make_app
from core.logs import logger
from core.tracing import span

# Answers hold people: no cache keeps one, and no browser takes it for a page.
_FOR_NOBODY_ELSE = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_log = logger("captello.api")


@functools.cache
def _middleware() -> func.AsgiMiddleware:
    return func.AsgiMiddleware(make_app())  # type: ignore[no-untyped-call]  # the library's own


async def api(request: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    with span("api", parent=context.trace_context.trace_parent or "", method=request.method) as telling:
        answer = await _answered(request, context)
        answer.headers.update(_FOR_NOBODY_ELSE)
        telling.tell(status=answer.status_code)
        return answer


async def _answered(request: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """Whatever happens, the answer is one that programs can read."""
    if not _is_utf8(request.url):
        return _problem(404, "There is nothing at this address: what it holds percent-encoded is not UTF-8.")
    try:
        answer: func.HttpResponse = await _middleware().handle_async(request, context)
    except Exception:  # noqa: BLE001  # a bug
        _log.exception("the API met a bug")
        return _problem(500, "This is a mistake of the service, not yours; its log tells more.")
    return answer


def _is_utf8(address: str) -> bool:
    try:
        unquote(urlsplit(address).path, errors="strict")
    except ValueError:
        return False
    return True


def _problem(status: int, detail: str) -> func.HttpResponse:
    problem = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    body = json.dumps({**problem, "errors": []})
    return func.HttpResponse(body, status_code=status, mimetype="application/problem+json")
