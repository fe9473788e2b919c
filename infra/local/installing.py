"""Runs an installation once: under a lock, with a word about what is going on, and remembered by a stamp.

Duty: decide whether something below `.venv/` is still what its source files ask for, and if not, let it be installed by
one process while others wait. What is installed, and how, `environment` and `nodejs` decide. Standard library only: it
runs before anything is installed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

PROJECT = Path(__file__).resolve().parents[2]
INSTALLED = PROJECT / ".venv"
HEARTBEAT_SECONDS = 10.0


class InstallationError(Exception):
    """Something cannot be installed on this machine; the message says what a person can do about it."""


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def installed_once(product: Path, sources: Iterable[Path], *, stamp: Path, install: Callable[[], None]) -> None:
    """Call `install` unless `product` was made from exactly these sources before.

    The stamp is taken away before the work and written after it, so that an interrupted installation has none and the
    next start does the work again.
    """
    wanted = _digest(sources)
    if _stands(product, stamp, wanted):
        return
    with _locked(stamp.parent):
        if _stands(product, stamp, wanted):  # another process did it while we waited
            return
        stamp.unlink(missing_ok=True)
        install()
        stamp.write_text(wanted, encoding="ascii")


def run(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> None:
    """Run a step quietly; its output is shown only when it fails."""
    started = time.monotonic()
    with subprocess.Popen(
        command,
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        close_fds=False,  # it holds the lock with us (see _locked)
    ) as step:
        try:
            output = _output_of(step, started)
        except BaseException:
            step.terminate()
            raise
    if step.returncode:
        raise InstallationError(f"{output.strip()}\n{Path(command[0]).name} failed with exit code {step.returncode}")


def _output_of(step: subprocess.Popen[str], started: float) -> str:
    while True:
        try:
            return step.communicate(timeout=HEARTBEAT_SECONDS)[0]
        except subprocess.TimeoutExpired:
            say(f"  … still at it after {time.monotonic() - started:.0f} s")


def _digest(sources: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for source in sources:
        content = source.read_bytes()
        digest.update(b"%d\n" % len(content) + content)
    return digest.hexdigest()


def _stands(product: Path, stamp: Path, wanted: str) -> bool:
    # The product may be gone though its stamp is there: the base interpreter of an environment was uninstalled, say.
    return product.exists() and stamp.exists() and stamp.read_text(encoding="ascii") == wanted


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Be the only one to install in `folder`.

    The kernel lets go of the lock when its last holder ends, however it ends. The steps we run inherit it: one that
    goes on after we were killed must not meet the next start half-way.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another process is installing; waiting for it …")
            fcntl.flock(file, fcntl.LOCK_EX)
        os.set_inheritable(file.fileno(), True)
        yield
