"""A proxy between the app and what it talks to, at which requests meet faults.

Duty: pass every request on to the letter (storage signs them), do to it what `faults` say, and keep what passed.
As `HTTP_PROXY` of a process it meets whatever that process sends over plain HTTP (storage, Dynamics), in the order in
which it is sent; in place of one server (`target`) it serves that one, over HTTPS too (Key Vault, Entra).
"""

import asyncio
import contextlib
import os
import signal
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from starlette.concurrency import run_in_threadpool
from starlette.types import Message, Receive, Scope, Send

from infra.local.broken_connection import close_connection, reset_connection
from infra.local.serve import served
from tests.faults.fault import Fault, Faults, Kind, NoFaults

Headers = list[tuple[bytes, bytes]]
# What belongs to one connection, and what either end writes itself.
_NOT_PASSED_ON = {
    b"host",
    b"connection",
    b"proxy-connection",
    b"keep-alive",
    b"transfer-encoding",
    b"content-length",
    b"date",
}
_WITHOUT_BODY = {204, 304}


@dataclass(slots=True)
class Passed:
    """A request that came by. Status 0: nobody was told one, or not yet."""

    request: str
    fault: Fault | None
    status: int = 0


@dataclass
class FaultProxy:
    """The rules may change at any time; `victim` is the process that is killed where a fault says so."""

    faults: Faults = field(default_factory=NoFaults)
    victim: int = 0
    passed: list[Passed] = field(default_factory=list)

    def begin(self, faults: Faults | None = None, *, victim: int = 0) -> None:
        """From here on: these faults, and nothing has passed yet."""
        self.faults, self.victim = faults or NoFaults(), victim
        self.passed.clear()

    @property
    def requests(self) -> list[str]:
        return [each.request for each in self.passed]

    @property
    def struck(self) -> list[Passed]:
        return [each for each in self.passed if each.fault]

    @contextlib.contextmanager
    def serving(
        self, target: str = "", *, certificate: Path | None = None, trusted: Path | None = None
    ) -> Iterator[str]:
        """Yields the proxy's URL. `trusted` are the authorities for targets over HTTPS."""
        context = ssl.create_default_context(cafile=trusted) if trusted else ssl.create_default_context()
        # No proxy of the test's own environment, and as many connections as anybody wants.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=50)
        with (
            httpx.Client(verify=context, timeout=60, trust_env=False, limits=limits) as client,
            served(lambda _: _Application(self, target, client), certificate=certificate) as url,
        ):
            yield url

    def kill(self) -> None:
        assert self.victim, "a fault kills, but nobody was named"
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.victim, signal.SIGKILL)


class _Application:
    """The proxy as the server calls it."""

    def __init__(self, proxy: FaultProxy, target: str, client: httpx.Client) -> None:
        self._proxy = proxy
        self._target = target
        self._client = client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        url = _address(scope, self._target)
        named = f"{scope['method']} {url.partition('?')[0]}"
        fault = self._proxy.faults.meet(named)
        passed = Passed(named, fault)
        self._proxy.passed.append(passed)
        # Made by hand: the client's own headers are not the sender's.
        request = httpx.Request(scope["method"], url, headers=_kept(scope["headers"]), content=await _body(receive))
        answer = await (self._struck(fault, request, receive, send) if fault else self._passed_on(request))
        if answer is not None:
            passed.status = answer.status
            await answer.send(send)

    async def _struck(self, fault: Fault, request: httpx.Request, receive: Receive, send: Send) -> "_Answer | None":
        """None: the connection is gone."""
        if fault.kind is Kind.ERROR:
            return _refusal(fault)
        if fault.kind is Kind.KILL_BEFORE:
            self._proxy.kill()
        if fault.kind in (Kind.KILL_BEFORE, Kind.RESET_BEFORE):
            await reset_connection(send, receive)
            return None
        answer = await self._passed_on(request)
        await asyncio.sleep(fault.seconds)
        if fault.kind is Kind.SLOW:
            return answer
        if fault.kind is Kind.KILL_AFTER:
            self._proxy.kill()
        if fault.kind is Kind.TRUNCATED and answer.body:
            await answer.send_half(send)
            await close_connection(send, receive)
        else:
            await reset_connection(send, receive)
        return None

    async def _passed_on(self, request: httpx.Request) -> "_Answer":
        return await run_in_threadpool(self._send, request)

    def _send(self, request: httpx.Request) -> "_Answer":
        answer = self._client.send(request, stream=True)
        raw = b"".join(answer.iter_raw())
        return _Answer(answer.status_code, [(name.lower(), value) for name, value in answer.headers.raw], raw)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Headers
    body: bytes

    def _start(self) -> Message:
        length = [] if self.status in _WITHOUT_BODY else [(b"content-length", str(len(self.body)).encode())]
        return {"type": "http.response.start", "status": self.status, "headers": _kept(self.headers) + length}

    async def send(self, send: Send) -> None:
        await send(self._start())
        await send({"type": "http.response.body", "body": self.body})

    async def send_half(self, send: Send) -> None:
        await send(self._start())
        await send({"type": "http.response.body", "body": self.body[: len(self.body) // 2], "more_body": True})


def _kept(headers: Headers) -> Headers:
    return [(name, value) for name, value in headers if name not in _NOT_PASSED_ON]


def _refusal(fault: Fault) -> _Answer:
    """What stands before a service says when the service does not answer: a page, not the service's own words."""
    told = [] if fault.retry_after is None else [(b"retry-after", str(fault.retry_after).encode())]
    return _Answer(fault.status, [(b"content-type", b"text/html"), *told], b"<html>%d</html>" % fault.status)


def _address(scope: Scope, target: str) -> str:
    """Where the request is meant for, to the letter. To a proxy, clients write the whole address."""
    path = scope["raw_path"].decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    address = path if urlsplit(path).scheme else target + path
    return f"{address}?{query}" if query else address


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)
