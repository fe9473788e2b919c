"""Hosts of the app in a blink: a process that has imported everything forks one whenever it is asked.

A host that is started the usual way spends a second and more on imports, and tests that kill hosts start hundreds.
Each is a process of its own, as the local Functions host is, with its own settings.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, NoReturn

from infra.local.stack import ROOT, Stack


@dataclass(frozen=True, slots=True)
class Host:
    pid: int
    url: str

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def is_alive(self) -> bool:
        """A process that has ended is gone at once: nobody asks how."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True


@dataclass
class Nursery:
    """Starts hosts, one at a time; all are gone when the nursery is."""

    process: subprocess.Popen[str]
    running: Stack
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, settings: Mapping[str, str]) -> Host:
        """With the stack's settings, but for these."""
        said = self._asked(key=self.running.key, settings=dict(settings))
        return Host(said["pid"], said["url"])

    def tidy(self, organization: str) -> int:
        """Carries on what is open there, in a process of its own; how much is still open in the end."""
        return int(self._asked(tidy=organization)["left"])

    def _asked(self, **order: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with self._lock:
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()
            said: dict[str, Any] = json.loads(self.process.stdout.readline())
        return said

    @contextlib.contextmanager
    def host(self, settings: Mapping[str, str]) -> Iterator[Host]:
        host = self.start(settings)
        try:
            yield host
        finally:
            host.kill()


@contextlib.contextmanager
def nursery(running: Stack, log: IO[str] | int | None = subprocess.DEVNULL) -> Iterator[Nursery]:
    """`log` takes what the hosts say. Libraries read some of the stack's settings while they are imported."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.nursery"],
        cwd=ROOT,
        env={**os.environ, **running.settings},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield Nursery(process, running)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # the session is the nursery's own: its hosts and itself


def _serve() -> None:
    _import_everything()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how a host ended
    for line in sys.stdin:
        order = json.loads(line)
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            if "tidy" in order:
                _tidy(order["tidy"])
            _become_host(order["key"], order["settings"])


def _tidy(organization: str) -> NoReturn:
    from tests.faults.tidying import tidy

    print(json.dumps({"left": asyncio.run(tidy(organization))}), flush=True)
    os._exit(0)


def _become_host(key: str, settings: Mapping[str, str]) -> NoReturn:
    from infra.local.functions_host.__main__ import main
    from tests.faults.safeguards import WITHOUT, Safeguard, take_out

    if without := settings.get(WITHOUT):
        take_out(Safeguard(without))
    os.environ.update(settings)
    sys.argv = ["functions_host", "--app", str(ROOT), "--port", "0", f"--host-key={key}"]
    os._exit(main())


def _import_everything() -> None:
    """What a host and its first capture import. Nothing of it starts a thread."""
    # ruff: noqa: F401
    import email.generator

    import anyio._backends._asyncio
    import azure.identity.aio
    import azure.keyvault.secrets.aio
    import azure.storage.queue.aio
    import httpcore

    import core.bootstrap
    import core.triggers.capture
    import core.triggers.wake
    import infra.local.functions_host.host
    import infra.local.functions_host.queue_output
    import infra.local.functions_host.queue_trigger
    import infra.local.functions_host.storage
    import tests.faults.safeguards
    import tests.faults.tidying

    assert threading.active_count() == 1


if __name__ == "__main__":
    _serve()
