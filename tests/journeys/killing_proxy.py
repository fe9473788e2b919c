"""A proxy in front of storage that kills a process at a chosen request.

Duty: forward every request and count it; at the chosen one kill the victim with SIGKILL, either before the request
goes on (it never happened) or after it was carried out (its reply is lost). Which request is which, tests find out by
a run in which nobody dies.
"""

import contextlib
import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.local.serve import served
from infra.local.stack import ROOT, Stack, host_process

METHODS = ["GET", "POST", "PUT", "PATCH", "MERGE", "DELETE", "HEAD", "OPTIONS"]
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "host"}


@dataclass
class Plan:
    """Whom to kill, at which of the requests from now on, and on which side of it. 0: nobody, only count."""

    victim: int = 0
    at: int = 0
    after: bool = False
    seen: list[str] = field(default_factory=list)

    def begin(self, *, victim: int = 0, at: int = 0, after: bool = False) -> None:
        self.victim, self.at, self.after = victim, at, after
        self.seen.clear()

    def meet(self, request: str) -> bool:
        """Whether this is the request to die at."""
        self.seen.append(request)
        return len(self.seen) == self.at

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.victim, signal.SIGKILL)


@contextlib.contextmanager
def killing_proxy(target: str, plan: Plan) -> Iterator[str]:
    """Serves a proxy to `target` (scheme, host and port); yields its URL."""
    client = httpx.Client(base_url=target, timeout=30)

    async def forward(request: Request) -> Response:
        dies_here = plan.meet(f"{request.method} {request.url.path}")
        if dies_here and not plan.after:
            plan.kill()
            return Response(status_code=502)
        answer = await run_in_threadpool(
            client.request,
            request.method,
            _as_sent(request),
            headers=[(name, value) for name, value in request.headers.items() if name not in _HOP_BY_HOP],
            content=await request.body(),
        )
        if dies_here:
            plan.kill()
        headers = {name: value for name, value in answer.headers.items() if name not in _HOP_BY_HOP}
        return Response(answer.content, answer.status_code, headers)

    routes = [Route("/{path:path}", forward, methods=METHODS)]
    with client, served(lambda _: Starlette(routes=routes)) as url:
        yield url


def _as_sent(request: Request) -> str:
    """Path and query to the letter: storage signs them."""
    path = request.scope["raw_path"].decode()
    return f"{path}?{request.url.query}" if request.url.query else path


@dataclass(frozen=True)
class ProxiedHosts:
    """Hosts of the app whose storage lies behind the proxy. They answer requests only; what they leave behind is for
    the stack's own host to finish. (A message that a killed host had taken would stay hidden for ten minutes.)
    """

    plan: Plan
    settings: Mapping[str, str]
    key: str

    @contextlib.contextmanager
    def host(self) -> Iterator[tuple[int, str]]:
        """Process id and URL."""
        with host_process(ROOT, port=0, key=self.key, settings=self.settings) as (process, url):
            yield process.pid, url


@contextlib.contextmanager
def proxied_hosts(running: Stack) -> Iterator[ProxiedHosts]:
    plan = Plan()
    parts = urlsplit(running.storage.table_url)
    origin = f"{parts.scheme}://{parts.netloc}"
    with killing_proxy(origin, plan) as proxy:
        settings = {
            **running.settings,
            "AzureWebJobsStorage": running.storage.connection_string.replace(origin, proxy),
            "AzureWebJobs.deliver.Disabled": "true",
            "AzureWebJobs.wake.Disabled": "true",
        }
        yield ProxiedHosts(plan, settings, running.key)
