"""Serves an ASGI application on a loopback port, from a thread of its own.

Duty: open the port (so that its number is known before the application is built), run uvicorn, stop it again.
What is served, and which certificates are used, others decide.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn

HOST = "127.0.0.1"
START_TIMEOUT_SECONDS = 20.0


def open_port(port: int = 0) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises OSError when the port is taken."""
    # With protocol 0 asyncio would leave Nagle's algorithm on, which costs 40 ms a call.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    listener.listen(2048)
    return listener


@contextlib.contextmanager
def served(make_app: Callable[[str], Any], *, port: int = 0, certificate: Path | None = None) -> Iterator[str]:
    """Serve `make_app(url)` until the block ends; yields the URL, without a trailing slash.

    `certificate` is a PEM file with private key and chain; with it the URL is https.
    """
    listener = open_port(port)
    scheme = "https" if certificate else "http"
    url = f"{scheme}://{HOST}:{listener.getsockname()[1]}"
    config = uvicorn.Config(
        make_app(url),
        ssl_certfile=certificate,
        log_level="warning",
        lifespan="off",
        server_header=False,
        access_log=False,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name=url, daemon=True)
    thread.start()
    try:
        _wait_until_started(server, thread)
        yield url
    finally:
        server.should_exit = True
        thread.join(timeout=5)
        listener.close()


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError(f"{thread.name} did not start")
        time.sleep(0.002)
