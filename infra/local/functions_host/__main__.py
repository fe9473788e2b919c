"""`python -m infra.local.functions_host --app DIR --port N`: starts the host; the first line on stdout says where."""

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path

from infra.local.functions_host.host import run
from infra.local.functions_host.http import Keys
from infra.local.functions_host.settings import HostError, read_host_settings, read_local_settings
from infra.local.serve import open_port


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.local.functions_host", description=__doc__)
    parser.add_argument("--app", type=Path, required=True, help="the folder with function_app.py and host.json")
    parser.add_argument("--port", type=int, default=7071, help="0 takes any free one")
    parser.add_argument("--host-key", default="", help="opens every function")
    parser.add_argument("--master-key", default="", help="opens functions of level admin as well")
    arguments = parser.parse_args()
    _log_to_stderr()
    try:
        return _run(arguments)
    except HostError as problem:
        print(problem, file=sys.stderr)
    except OSError as problem:
        print(
            f"Port {arguments.port} cannot be opened: {problem.strerror}. Choose another with --port.", file=sys.stderr
        )
    return 1


def _run(arguments: argparse.Namespace) -> int:
    folder = arguments.app.resolve()
    os.chdir(folder)
    read_local_settings(folder)
    settings = read_host_settings(folder)
    listener = open_port(arguments.port)
    asyncio.run(run(folder, listener, Keys(arguments.host_key, arguments.master_key), settings))
    return 0


def _log_to_stderr() -> None:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    for noisy in ("azure", "httpx"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # as on Azure, where the app's process is killed: nothing in an app may depend on being closed
