"""Runs Azurite, Microsoft's storage emulator, for as long as a block lasts.

Duty: start it on free ports, say where it listens, and leave no process behind: not after an exception, and not when
this process is killed either. Getting Node and Azurite onto the machine is `nodejs`'s.
"""

import contextlib
import os
import queue
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from infra.local.nodejs import EMULATORS, ensure_azurite

ACCOUNT = "devstoreaccount1"
# The emulator's public, documented key; it opens nothing else.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
START_SECONDS = 30.0
STOP_SECONDS = 5.0
# The queue and blob clients send a newer service version than any Azurite knows, which it would refuse.
FLAGS = ("--silent", "--disableTelemetry", "--skipApiVersionCheck", "--blobPort=0", "--queuePort=0", "--tablePort=0")
_LISTENING = re.compile(r"Azurite (?P<service>Blob|Queue|Table) service is successfully listening at (?P<url>\S+)")


@dataclass(frozen=True, slots=True)
class Storage:
    blob_url: str
    queue_url: str
    table_url: str

    @property
    def connection_string(self) -> str:
        return (
            f"DefaultEndpointsProtocol={self.table_url.partition(':')[0]};AccountName={ACCOUNT};AccountKey={KEY};"
            f"BlobEndpoint={self.blob_url};QueueEndpoint={self.queue_url};TableEndpoint={self.table_url};"
        )


@contextlib.contextmanager
def azurite(node: Path, *, data: Path | None = None, certificate: Path | None = None) -> Iterator[Storage]:
    """A storage account of its own; kept in `data` when that is given, else in memory and gone afterwards.

    With a certificate (private key and chain in one file) it speaks https, and takes bearer tokens beside its key.
    """
    main = ensure_azurite(node)
    where = _kept_in(data) if data else ["--inMemoryPersistence"]
    command = [
        str(node),
        "--require",
        str(EMULATORS / "end_with_parent.js"),
        str(main),
        *FLAGS,
        *where,
        *_secured(certificate),
    ]
    # A session of its own: Ctrl-C in the terminal reaches us alone, and we stop it after those who still write to it.
    with subprocess.Popen(
        command,
        cwd=main.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield _listening(process)
        finally:
            _stop(process)


def _secured(certificate: Path | None) -> list[str]:
    return ["--oauth", "basic", "--cert", str(certificate), "--key", str(certificate)] if certificate else []


def _kept_in(data: Path) -> list[str]:
    data.mkdir(parents=True, exist_ok=True)
    return ["--location", str(data.resolve())]


def _listening(process: subprocess.Popen[str]) -> Storage:
    """Read what it prints until all three services have said where they listen."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    assert process.stdout
    threading.Thread(target=_read, args=(process.stdout, lines), name="azurite output", daemon=True).start()
    urls: dict[str, str] = {}
    printed: list[str] = []
    deadline = time.monotonic() + START_SECONDS
    while len(urls) < 3:  # noqa: PLR2004 - blob, queue and table
        printed.append(_next_line(lines, deadline, printed))
        if found := _LISTENING.search(printed[-1]):
            urls[found["service"]] = f"{found['url']}/{ACCOUNT}"
    return Storage(blob_url=urls["Blob"], queue_url=urls["Queue"], table_url=urls["Table"])


def _read(output: IO[str], lines: queue.SimpleQueue[str]) -> None:
    """To the end, though only the start is of interest: a full pipe would halt it. An empty line means it has ended."""
    for line in output:
        lines.put(line)
    lines.put("")


def _next_line(lines: queue.SimpleQueue[str], deadline: float, printed: list[str]) -> str:
    with contextlib.suppress(queue.Empty):
        if line := lines.get(timeout=max(0.0, deadline - time.monotonic())):
            return line
    raise RuntimeError("Azurite did not start:\n" + "".join(printed))


def _stop(process: subprocess.Popen[str]) -> None:
    """Politely first: on SIGTERM it saves what it has not yet written to disk."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
            return
