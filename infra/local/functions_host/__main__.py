"""`python -m infra.local.functions_host --app DIR --port N`: one JSON line on stdout says when and where it serves."""

import argparse
import asyncio
import logging
import os
import socket
import sys
from pathlib import Path
from typing import NoReturn, TextIO

from infra.local.functions_host.errors import HostError
from infra.local.functions_host.host import run
from infra.local.functions_host.keys import Keys
from infra.local.serve import open_port

_DESCRIPTION = "A small local host for Azure Functions apps in Python. `func start` is the reference."


def main() -> int:
    arguments = _arguments()
    announcements = _stdout_for_announcements()
    _log_to_stderr()
    try:
        folder = arguments.app.resolve(strict=True)
        os.chdir(folder)
        listener = _opened(arguments.port)
        asyncio.new_event_loop().run_until_complete(run(folder, listener, _keys(arguments), announcements))
    except HostError as problem:
        print(problem, file=sys.stderr)
        return 1
    except (FileNotFoundError, NotADirectoryError):
        print(f"There is no folder {arguments.app}.", file=sys.stderr)
        return 1
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.local.functions_host", description=_DESCRIPTION)
    parser.add_argument("--app", type=Path, required=True, help="the folder with function_app.py and host.json")
    parser.add_argument("--port", type=int, default=7071, choices=range(65536), metavar="N", help="0 is any free one")
    parser.add_argument("--host-key", default="", help="opens every function; without any key none is asked for")
    parser.add_argument("--master-key", default="", help="opens functions of level admin as well")
    parser.add_argument(
        "--function-key", action="append", default=[], metavar="FUNCTION=KEY", help="opens one function"
    )
    return parser.parse_args()


def _keys(arguments: argparse.Namespace) -> Keys:
    pairs = (each.partition("=") for each in arguments.function_key)
    return Keys(arguments.host_key, arguments.master_key, {name: key for name, _, key in pairs})


def _opened(port: int) -> socket.socket:
    try:
        return open_port(port)
    except OSError as problem:
        raise HostError(f"Port {port} cannot be opened: {problem.strerror}. Choose another with --port.") from None


def _stdout_for_announcements() -> TextIO:
    """What an app prints goes to stderr, so that stdout carries nothing but the host's own line."""
    announcements = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return announcements


def _log_to_stderr() -> None:
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", datefmt="%H:%M:%S"
    )
    for noisy in ("azure", "httpx", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _leave(code: int) -> NoReturn:
    """At once, as Azure ends a worker: nothing in an app may depend on being closed, and no thread is waited for."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _leave(main())
