"""The HTTP trigger for captures: reads the request, answers what became of it. Never a 500 for what a sender sent."""

import json
from typing import Any

import azure.functions as func

from core.bootstrap import Services, services
from core.domain.action import SyncAction
from core.domain.capture import Capture
from core.domain.capture_body import Unreadable, read_capture, said_in_query
from core.domain.delivery import Intent, Outcome, Result
from core.domain.plan_shown import plan_shown
from core.domain.signature import HEADER, content_of, signed
from core.errors import SyncError
from core.logs import logger
from core.sync.capture import Answer
from core.sync.ports import ConnectionSetup
from core.tracing import span

BODY_MOST = 256 * 1024
_OFF = {"0", "false", "no"}
_ON = {"1", "true", "yes"}
_FOR_NOBODY_ELSE = {"cache-control": "no-store", "x-content-type-options": "nosniff"}  # answers tell of people

_log = logger("captello.capture")


async def capture(request: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """200 with the outcome, 202 with a receipt when it goes on by itself."""
    app = await services()
    with span("capture", parent=context.trace_context.trace_parent or "") as telling, app.precedence.taken():
        answer = await _accepted(app, request)
        telling.tell(status=answer.status_code)
        return answer


async def _accepted(app: Services, request: func.HttpRequest) -> func.HttpResponse:
    try:
        return await _answered(app, request)
    except SyncError as error:
        _log.warning("a capture was not accepted: %s [%s] %s", error.message, error.code, error.detail)
        return _problem(503, "Service Unavailable", f"{error.message} Send the capture again: it is taken once.")


async def _answered(app: Services, request: func.HttpRequest) -> func.HttpResponse:
    action = await app.configuration.action(str(request.route_params.get("action", "")))
    setup = await app.configuration.setup(action.connection) if action else None
    if action is None or setup is None:
        return _problem(404, "Not Found", "There is no such action. Its id stands at the end of the capture URL.")
    body = request.get_body()
    if len(body) > BODY_MOST:
        return _problem(413, "Content Too Large", f"A capture takes up to {BODY_MOST} bytes; send links, not files.")
    query = await _checked_query(app, action, request)
    if isinstance(query, func.HttpResponse):
        return query
    content_type = request.headers.get("content-type", "")
    read = read_capture(body=body, content_type=content_type, query=query)
    is_test = request.params.get("test", "").lower() in _ON
    if isinstance(read, Unreadable):
        if is_test:
            return _json(200, {"test": True, "outcome": "quarantined", "reason": read.reason})
        kept = await app.quarantine.keep(
            read, action=action, connection=setup.connection, body=body, content_type=content_type, query=query
        )
        return _json(202, {"receipt": kept.receipt, "outcome": "quarantined", "reason": kept.reason})
    if read.is_empty:
        return _problem(400, "Bad Request", "The capture holds no field. Send JSON, a form, or query parameters.")
    if is_test:
        return await _plan(app, read, action, setup)
    wait = request.params.get("wait", "").lower() not in _OFF
    return _answer(await app.captures.accept(read, action, setup.connection, wait=wait))


async def _checked_query(
    app: Services, action: SyncAction, request: func.HttpRequest
) -> dict[str, str] | func.HttpResponse:
    """What the query says of the capture, once its signature is right; else a refusal."""
    body, query = request.get_body(), dict(request.params)
    checked = await app.signatures.check(action, signed(header=request.headers.get(HEADER, ""), query=query, body=body))
    if checked.refusal:
        return _problem(401, "Unauthorized", checked.refusal)
    if not checked.is_signed:
        return said_in_query(query)
    query = content_of(query)
    if query and body.strip():
        return _problem(401, "Unauthorized", "The signature is over the body alone: send no fields in the query.")
    return query


async def _plan(app: Services, read: Capture, action: SyncAction, setup: ConnectionSetup) -> func.HttpResponse:
    """What would become of the capture; nothing was stored."""
    try:
        decision = await app.captures.preview(read, action, setup.connection)
    except SyncError as error:
        return _json(200, {"test": True, "outcome": "failed", "reason": error.message, "error_code": error.code})
    result = decision.result if isinstance(decision, Intent) else decision
    shown = _result(result)
    if result.outcome is Outcome.CREATED:
        shown["record_id"] = None  # it would be chosen when the capture is for real
    nothing: dict[str, Any] = {"values": {}, "before": {}, "beside": []}
    plan = plan_shown(decision, read, setup.mappings) if isinstance(decision, Intent) else nothing
    return _json(200, {"test": True, **shown, "plan": plan})


def _answer(answer: Answer) -> func.HttpResponse:
    if answer.result is None:
        return _json(202, {"receipt": answer.receipt, "outcome": answer.state, "warnings": []})
    shown = {"receipt": answer.receipt, **_result(answer.result), "record_url": answer.row_url or None}
    return _json(200, shown)


def _result(result: Result) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "outcome": result.outcome.value,
        "table": result.table or None,
        "record_id": result.row_id or None,
        "reason": result.reason,
        "warnings": list(result.warnings),
        "explain": result.explain,
    }
    if result.error_class:
        error = {"class": result.error_class.value, "code": result.error_code, "column": result.error_column}
        shown["error"] = error
    return shown


def _json(status: int, body: dict[str, Any], mimetype: str = "application/json") -> func.HttpResponse:
    text = json.dumps(body, ensure_ascii=False)
    return func.HttpResponse(text, status_code=status, headers=_FOR_NOBODY_ELSE, mimetype=mimetype)


def _problem(status: int, title: str, detail: str) -> func.HttpResponse:
    problem = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return _json(status, problem, "application/problem+json")
