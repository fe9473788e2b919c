"""The Web API as an ASGI application: token, faults, latency, the list of requests.

Duty: from HTTP to `Request` and from `Answer` to HTTP, and everything that happens around an operation. What an
operation does is `operations`', in a $batch or alone `unkind_work`'s; who asks too much, `service_limits` knows.
"""

import asyncio
import re
import time
import uuid
from collections.abc import Iterable
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send

from infra.local.broken_connection import close_connection, reset_connection
from infra.local.dynamics import errors
from infra.local.dynamics.bearer_token import Verify, sender, unauthorized
from infra.local.dynamics.callers import Caller
from infra.local.dynamics.environment import Environment
from infra.local.dynamics.exchange import Answer, Request, error_answer
from infra.local.dynamics.faults import Kind, Rule, Stage
from infra.local.dynamics.request_log import Entry
from infra.local.dynamics.service_limits import DOCUMENTED, Refusal, Usage
from infra.local.dynamics.throttling import REQUESTS_LEFT, TIME_LEFT, throttled
from infra.local.dynamics.unkind_answers import unkind_answer
from infra.local.dynamics.unkind_work import UnkindWork, find_fault

CONTROL: Final = "/_control"
_WITHOUT_BODY: Final = frozenset({204, 304})
_IMPERSONATION: Final = frozenset({"callerobjectid", "mscrmcallerid"})
_AFFINITY: Final = re.compile(r"(?:^|[;\s])ARRAffinity=server(\d+)")


class DynamicsApp:
    """One environment on one address. `verify` says whether a token is good for it."""

    def __init__(self, environment: Environment, verify: Verify, control: ASGIApp) -> None:
        self._environment = environment
        self._verify = verify
        self._control = control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"].startswith(CONTROL):
            await self._control(scope, receive, send)
        else:
            await _Served(self._environment, self._verify, send, receive).serve(await _read(scope, receive))


class _Served:
    """One request from its arrival to its answer."""

    def __init__(self, environment: Environment, verify: Verify, send: Send, receive: Receive) -> None:
        self._environment = environment
        self._verify = verify
        self._send = send
        self._receive = receive
        self._started = time.perf_counter()
        self._entry = Entry("", "")
        self._usage = Usage()
        self._server = 0

    async def serve(self, request: Request) -> None:
        """As long as it is in flight it takes up one of the user's places."""
        self._entry = Entry(request.method, request.target)
        limits = self._environment.service_limits
        affinity = _AFFINITY.search(request.headers.get("cookie", ""))
        self._entry.affinity = affinity is not None
        self._server = limits.server(int(affinity.group(1)) if affinity else None)
        self._entry.user = self._sender(request)
        if self._entry.user is None:
            await self._meet(request)
            return
        self._usage = limits.usage(self._entry.user, self._server)
        if (refusal := limits.admit(self._usage, self._now())) is not None:
            await self._refuse(refusal)
            return
        try:
            with self._environment.log.in_flight(self._entry):
                await self._meet(request)
        finally:
            limits.leave(self._usage, self._now(), executed=self._entry.held_back_ms / 1000)

    async def _refuse(self, refusal: Refusal) -> None:
        """Before any work, and at once."""
        limits = self._environment.service_limits.limits or DOCUMENTED
        answer = throttled(refusal.limit, refusal.retry_after, limits)
        self._entry.refused = refusal.limit
        self._log(answer, 0, 0)
        await self._reply(answer)

    def _now(self) -> float:
        return self._environment.clock.now().timestamp()

    def _sender(self, request: Request) -> str | None:
        """None for whoever is told 401, which counts for nobody."""
        try:
            return sender(self._environment, self._verify, request)
        except errors.UnauthorizedError:
            return None

    async def _meet(self, request: Request) -> None:
        rule = find_fault(self._environment, Stage.REQUEST, request)
        if rule is not None:
            self._entry.fault = str(rule.kind)
            await self._hold_back(rule.seconds)
        if rule is not None and rule.kind is Kind.RESET_BEFORE:
            self._log(Answer(0), 0, 0)
            await reset_connection(self._send, self._receive)
        else:
            await self._work(request, rule)

    async def _work(self, request: Request, rule: Rule | None) -> None:
        """The work is done at once and alone, as in one transaction; only the answer may take time."""
        database = self._environment.database
        read, written = database.rows_shown, database.changes.total()
        answer = self._answer(request, rule)
        read, written = database.rows_shown - read, database.changes.total() - written
        rows = max(0, read + written - answer.bulk_rows)
        parts = len(self._entry.parts)
        await self._hold_back(self._environment.latency.seconds(rows=rows, bulk_rows=answer.bulk_rows, parts=parts))
        # Before the answer leaves, so that whoever has it finds it in the list.
        self._log(answer, read, written)
        if rule is not None and rule.kind is Kind.RESET_AFTER:
            await reset_connection(self._send, self._receive)
            return
        if rule is not None and rule.kind is Kind.TRUNCATED:
            answer.breaks_after = len(answer.body) // 2
        await self._reply(answer)

    async def _hold_back(self, seconds: float) -> None:
        """Others go on meanwhile."""
        self._entry.held_back_ms = round(self._entry.held_back_ms + seconds * 1000, 3)
        await asyncio.sleep(seconds)

    def _answer(self, request: Request, rule: Rule | None) -> Answer:
        ordered = unkind_answer(rule) if rule else None
        if ordered is not None:
            return ordered
        if rule is not None and rule.kind is Kind.UNAUTHORIZED:
            return unauthorized(self._environment)
        try:
            return UnkindWork(self._environment, self._caller(request), self._entry).perform(request)
        except errors.UnauthorizedError:
            return unauthorized(self._environment)
        except errors.DataverseError as error:
            return error_answer(error)

    def _caller(self, request: Request) -> Caller:
        if self._entry.user is None:
            raise errors.UnauthorizedError
        if impersonated := _IMPERSONATION.intersection(request.headers):
            raise errors.not_simulated(f"requests for another user ({min(impersonated)})")
        return self._environment.callers.application(self._entry.user)

    def _log(self, answer: Answer, read: int, written: int) -> None:
        self._entry.status = answer.status
        self._entry.milliseconds = round((time.perf_counter() - self._started) * 1000, 3)
        self._environment.log.add(self._entry, rows_read=read, rows_written=written)

    async def _reply(self, answer: Answer) -> None:
        named = {**_headers(answer), **self._of_limits(), **_own(answer)}
        headers = [(name.encode(), value.encode("latin-1", "replace")) for name, value in named.items()]
        await self._send({"type": "http.response.start", "status": answer.status, "headers": headers})
        breaks = answer.breaks_after is not None
        body = answer.body[: answer.breaks_after]
        await self._send({"type": "http.response.body", "body": body, "more_body": breaks})
        if breaks:
            await close_connection(self._send, self._receive)

    def _of_limits(self) -> dict[str, str]:
        limits = self._environment.service_limits
        requests, seconds = limits.remaining(self._usage)
        return {
            "x-ms-dop-hint": str((limits.limits or DOCUMENTED).dop_hint),
            REQUESTS_LEFT: str(requests),
            TIME_LEFT: f"{seconds:,.2f}",
            "Set-Cookie": f"ARRAffinity=server{self._server};Path=/;HttpOnly",
        }


async def _read(scope: Scope, receive: Receive) -> Request:
    chunks: list[bytes] = []
    more = True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    target = scope["raw_path"].decode("latin-1")
    if scope["query_string"]:
        target += "?" + scope["query_string"].decode("latin-1")
    return Request(scope["method"], target, _read_headers(scope["headers"]), b"".join(chunks))


def _read_headers(given: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """One that is repeated, as Prefer may be, counts as one list."""
    headers: dict[str, str] = {}
    for name, value in ((name.decode("latin-1"), value.decode("latin-1")) for name, value in given):
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def _headers(answer: Answer) -> dict[str, Any]:
    request_id = str(uuid.uuid4())
    return {
        **answer.headers,
        **({} if answer.status in _WITHOUT_BODY else {"Content-Length": str(len(answer.body))}),
        "Cache-Control": "no-cache",
        "x-ms-service-request-id": request_id,
        "REQ_ID": request_id,
    }


def _own(answer: Answer) -> dict[str, str]:
    """What an answer says of the limits itself."""
    return {name: value for name, value in answer.headers.items() if name.startswith("x-ms-")}
