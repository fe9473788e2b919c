"""One run of the host: index the app, take requests, run the triggers until somebody ends it."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TextIO

import uvicorn
from typing_extensions import override

from infra.local.functions_host.app_settings import fill_environment, number
from infra.local.functions_host.assembly import Triggers, assembled
from infra.local.functions_host.functions import Function
from infra.local.functions_host.host_json import read_host_json
from infra.local.functions_host.index import index
from infra.local.functions_host.keys import Keys

# Work in hand gets the first; an app that blocks the loop or a thread gets no more than the second.
FINISH_SECONDS = 1.0
STOP_SECONDS = 1.5
KEEP_ALIVE_SECONDS = 130  # Kestrel's


class _Server(uvicorn.Server):
    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the host's: it stops more than this server."""
        yield


async def run(folder: Path, listener: socket.socket, keys: Keys, announcements: TextIO) -> None:
    """Serves until SIGTERM or SIGINT. Raises HostError when the app cannot be started."""
    ended = _end_on_signal()
    url = "http://{}:{}".format(*listener.getsockname())
    fill_environment(folder, url)
    settings = read_host_json(folder, os.environ)
    asyncio.get_running_loop().set_default_executor(
        ThreadPoolExecutor(number("PYTHON_THREADPOOL_THREAD_COUNT", 0) or None)
    )
    functions = index(folder)
    async with contextlib.AsyncExitStack() as resources:
        triggers = await assembled(functions, settings, keys, resources)
        _announce(url, functions, announcements)
        await _serve(triggers, listener, ended)


async def _serve(triggers: Triggers, listener: socket.socket, ended: asyncio.Event) -> None:
    config = uvicorn.Config(
        triggers.http,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    server = _Server(config)
    loops = [asyncio.create_task(loop.run()) for loop in triggers.loops]
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await asyncio.wait([asyncio.create_task(ended.wait()), serving, *loops], return_when=asyncio.FIRST_COMPLETED)
    broken = [task for task in (serving, *loops) if task.done()]
    server.should_exit = True
    for loop in loops:
        loop.cancel()
    await asyncio.wait([serving, *loops], timeout=FINISH_SECONDS)
    for task in broken:
        task.result()  # none of them ends by itself unless something is wrong here


def _end_on_signal() -> asyncio.Event:
    """Set by SIGTERM and SIGINT; the process then ends soon, whatever the app is doing."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end(*_: object) -> None:
        watch = threading.Timer(STOP_SECONDS, os._exit, (0,))
        watch.daemon = True
        watch.start()
        loop.call_soon_threadsafe(ended.set)

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, end)
    return ended


def _announce(url: str, functions: list[Function], announcements: TextIO) -> None:
    """The port is open already: whoever connects from now on is answered."""
    described = {"url": url, "functions": [each.name for each in functions], "pid": os.getpid()}
    print(json.dumps(described), file=announcements, flush=True)
