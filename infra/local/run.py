"""One run of the local stack at a terminal: start, set up, tell, serve, stop."""

import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from types import FrameType

import httpx

from infra.local import story
from infra.local.entra import DEMO
from infra.local.installing import InstallationError
from infra.local.serve import HOST
from infra.local.stack import Stack, StartError, stack

_INTERRUPTED = 130


def run(*, port: int | None, default_port: int, data: Path | None, sample: bool, once: bool, as_json: bool) -> int:
    """The exit code: 0 after a story that went well, or when somebody ended a serving stack."""
    signal.signal(signal.SIGTERM, _end)
    began = time.monotonic()
    try:
        with stack(port=_port(port, default_port), data=data) as running:
            _show(running, sample=sample, as_json=as_json, began=began)
            if not once:
                _serve()
    except (StartError, story.StoryError, InstallationError) as problem:
        _say(f"\n{problem}")
        return 1
    except httpx.HTTPError as problem:
        _say(f"\nThe app did not answer: {type(problem).__name__}.")
        return 1
    except KeyboardInterrupt:
        _say("\nStopped.")
        return 0 if not once else _INTERRUPTED
    return 0


def _show(running: Stack, *, sample: bool, as_json: bool, began: float) -> None:
    _say(f"everything runs after {time.monotonic() - began:.1f} s; setting up a demonstration:\n")
    story.set_up(running, lambda line: _say(f"  {line}"))
    out = sys.stderr if as_json else sys.stdout
    if sample:
        print("\n" + story.printed(story.tell(running), running), file=out)
        print(f"\nStart to story: {time.monotonic() - began:.1f} s", file=out)
    print("\n" + story.invitation(running), file=out, flush=True)
    if as_json:
        print(json.dumps(_addresses(running)), flush=True)


def _addresses(running: Stack) -> dict[str, object]:
    return {
        "app": running.app,
        "key": running.key,
        "dynamics": running.dynamics.url,
        "dynamics_token": running.dynamics_token,
        "tenant_id": DEMO.tenant_id,
        "client_id": DEMO.client_id,
        "client_secret": DEMO.client_secret,
        "storage": running.storage.connection_string,
        "vault": running.vault,
        "authority": running.authority,
        "certificate_authority": str(running.certificates.authority),
        "pid": os.getpid(),
    }


def _serve() -> None:
    _say("\nServing until Ctrl-C.")
    while True:
        signal.pause()


def _port(asked: int | None, default: int) -> int:
    """The port asked for, or the default one; another where nobody asked and the default is taken."""
    wanted = default if asked is None else asked
    if _is_free(wanted):
        return wanted
    if asked is not None:
        raise StartError(f"Port {asked} is taken. Choose another with --port, or --port 0 for any free one.")
    _say(f"port {default} is taken; the app gets another one")
    return 0


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
