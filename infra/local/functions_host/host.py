"""One run of the host: index the app, open the port, run triggers until somebody ends it."""

import asyncio
import contextlib
import json
import os
import signal
import socket
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient
from starlette.applications import Starlette
from typing_extensions import override

from infra.local.functions_host.http import Keys, routes
from infra.local.functions_host.index import Function, index
from infra.local.functions_host.ncrontab import ScheduleError, schedule
from infra.local.functions_host.queues import QueuePoller
from infra.local.functions_host.settings import HostError, HostSettings, connection_string
from infra.local.functions_host.timers import TimerLoop, TimerStatus

STOP_SECONDS = 1.5


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: the host stops its pollers first."""

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def run(folder: Path, listener: socket.socket, keys: Keys, settings: HostSettings) -> None:
    """Serves until SIGTERM or SIGINT. Raises HostError when the app cannot be started."""
    ended = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, ended.set)
    functions = index(folder)
    async with contextlib.AsyncExitStack() as resources:
        triggers = [asyncio.create_task(each) for each in _loops(functions, settings, resources)]
        http = [function for function in functions if function.kind == "httpTrigger"]
        app = Starlette(routes=routes(http, prefix=settings.route_prefix, keys=keys))
        server = _Server(uvicorn.Config(app, log_level="warning", lifespan="off", server_header=False))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        _announce(listener, functions)
        await ended.wait()
        for task in triggers:
            task.cancel()
        server.should_exit = True
        await asyncio.wait([serving, *triggers], timeout=STOP_SECONDS)


def _announce(listener: socket.socket, functions: list[Function]) -> None:
    host, port = listener.getsockname()
    described = {"url": f"http://{host}:{port}", "functions": [each.name for each in functions], "pid": os.getpid()}
    print(json.dumps(described), flush=True)


def _loops(
    functions: list[Function], settings: HostSettings, resources: contextlib.AsyncExitStack
) -> list[Coroutine[Any, Any, None]]:
    loops: list[Coroutine[Any, Any, None]] = []
    for function in functions:
        if function.kind == "queueTrigger":
            name = function.trigger.get("connection") or "AzureWebJobsStorage"
            queues = QueueServiceClient.from_connection_string(connection_string(name))
            resources.push_async_callback(queues.close)
            loops.append(QueuePoller(function, queues, settings.queues).run())
        if function.kind == "timerTrigger":
            blobs = BlobServiceClient.from_connection_string(connection_string("AzureWebJobsStorage"), retry_total=0)
            resources.push_async_callback(blobs.close)
            loops.append(_timer(function, blobs).run())
    return loops


def _timer(function: Function, blobs: BlobServiceClient) -> TimerLoop:
    try:
        read = schedule(str(function.trigger["schedule"]))
    except ScheduleError as error:
        raise HostError(f"{function.name}: {error}") from None
    return TimerLoop(function, read, TimerStatus(blobs, function.name))
