"""`python3 -m infra.local`, as somebody at a terminal or a script meets it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from infra.local import story
from infra.local.stack import ROOT, Stack, functions_host
from infra.package.ours import put_ours
from tests.journeys.conftest import Person

# The environment's own start is proved in tests/infra; here the command runs in the environment of the tests.
RUN = "import sys; from pathlib import PosixPath; from infra.local.run import run; sys.exit(run(**{arguments}))"


def _command(**changes: object) -> list[str]:
    arguments = {"port": 0, "default_port": 7071, "data": None, "sample": True, "once": False, "as_json": False}
    return [sys.executable, "-c", RUN.format(arguments=arguments | changes)]


@contextmanager
def _serving(**changes: object) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    with subprocess.Popen(_command(as_json=True, **changes), cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)


def _children(pid: int) -> set[int]:
    """Every process below this one."""
    listed = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True).stdout
    parents = {int(line.split()[0]): int(line.split()[1]) for line in listed.splitlines()[1:]}
    found: set[int] = set()
    while more := {child for child, parent in parents.items() if parent in found | {pid}} - found:
        found |= more
    return found


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_once_tells_the_story_and_ends_well() -> None:
    """Connection, mapping, capture, row and log are shown; the exit code is 0."""
    done = subprocess.run(_command(once=True), cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    for words in ("Mara O'Hara", "outcome    created", "In Dynamics there is now this lead", "In the sync log", "curl"):
        assert words in done.stdout


def test_json_gives_one_line_that_opens_everything_and_nothing_is_left_behind() -> None:
    """Keys and addresses work; after Ctrl-C no process of the stack is alive."""
    with _serving(sample=False) as (process, said):
        assert {"app", "key", "dynamics", "dynamics_token", "tenant_id", "client_id", "client_secret"} <= said.keys()
        assert {"storage", "vault", "pid"} <= said.keys()
        token = {"Authorization": f"Bearer {said['dynamics_token']}"}
        assert httpx.get(f"{said['dynamics']}/api/data/v9.2/WhoAmI", headers=token).status_code == 200
        answer = httpx.post(
            f"{said['app']}/api/capture/{story.ACTION}", params={"code": said["key"]}, json=Person(1).capture()
        )
        assert answer.json()["outcome"] == "created"
        started = _children(process.pid)
        assert len(started) >= 2
    assert process.returncode == 0
    assert not [pid for pid in started if _lives(pid)]


def test_what_was_captured_is_there_after_a_restart(tmp_path: Path) -> None:
    """With `--data` configuration, log and rows outlive the process; the person is found again."""
    path = f"/api/capture/{story.ACTION}"
    answers: list[dict[str, Any]] = []
    for number in (1, 2):
        with _serving(data=tmp_path / "kept", sample=False) as (_, said):
            capture = Person(1).capture(activity=number)
            answers.append(httpx.post(said["app"] + path, params={"code": said["key"]}, json=capture).json())
    assert (answers[0]["outcome"], answers[1]["outcome"]) == ("created", "unchanged")
    assert answers[0]["record_id"] == answers[1]["record_id"]


def test_a_busy_port_is_a_clear_message() -> None:
    """No traceback: a sentence that names the port, and exit code 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(_command(port=port, once=True), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"Port {port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_app_runs_from_its_package(running: Stack, tmp_path: Path) -> None:
    """Of our files everything is there that a capture needs; tests/journeys/test_package.py runs the whole package."""
    put_ours(tmp_path / "app")
    quiet = {"AzureWebJobs.wake.Disabled": "true", "AzureWebJobs.deliver.Disabled": "true"}
    settings = {**running.settings, **quiet}
    with functions_host(tmp_path / "app", port=0, key=running.key, settings=settings) as url:
        body = Person(90_001).capture()
        answer = httpx.post(f"{url}/api/capture/{story.ACTION}", params={"code": running.key}, json=body)
        assert answer.json()["outcome"] == "created"
