"""Runs the host as a process of its own, as people do."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 20.0


@dataclass(frozen=True)
class Host:
    announced: dict[str, Any]
    folder: Path
    process: subprocess.Popen[str]
    log_file: Path

    @property
    def url(self) -> str:
        return str(self.announced["url"])

    def log(self) -> str:
        return self.log_file.read_text()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextlib.contextmanager
def running_host(
    folder: Path, settings: dict[str, str], *options: str, python: Path | str = sys.executable
) -> Iterator[Host]:
    log_file = folder.parent / f"{folder.name}.log"
    with (
        log_file.open("a") as log,
        subprocess.Popen(
            _command(folder, options, python),
            cwd=ROOT,
            env=_clean(settings),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        watch = threading.Timer(PATIENCE, process.kill)
        watch.start()
        try:
            assert process.stdout
            line = process.stdout.readline()
            watch.cancel()
            assert line, log_file.read_text()
            yield Host(json.loads(line), folder, process, log_file)
        finally:
            watch.cancel()
            process.kill()


def refusal(folder: Path, settings: dict[str, str] | None = None, *options: str) -> str:
    """What the host says instead of starting: one paragraph without a traceback, on stderr alone."""
    done = subprocess.run(
        _command(folder, options, sys.executable),
        cwd=ROOT,
        env=_clean(settings or {}),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1, done
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


def eventually(condition: Callable[[], Any]) -> Any:
    """The first true answer. Another process is at work, and nothing else tells when it is done."""
    deadline = time.monotonic() + PATIENCE
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"never came: {condition}"
        time.sleep(0.01)
    return answer


def _command(folder: Path, options: tuple[str, ...], python: Path | str) -> list[str]:
    port = () if "--port" in options else ("--port", "0")
    return [str(python), "-m", "infra.local.functions_host", "--app", str(folder), *port, *options]


def _clean(settings: dict[str, str]) -> dict[str, str]:
    """The settings, and of this process's environment what programs need."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "SYSTEMROOT"}}
    return kept | settings
