"""The app through Microsoft's own worker runtime, as Azure runs it from Python 3.13 on."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.local import environment, story
from infra.local.stack import ROOT
from tests.journeys.conftest import App, Person

RUNTIME_FROM = (3, 13)


@pytest.fixture(scope="module")
def worker_python() -> Path:
    """An interpreter that has what ships, and the runtime with it."""
    if sys.version_info >= RUNTIME_FROM:
        return Path(sys.executable)
    found = environment.find_python("3.13")
    if found is None:
        pytest.skip("the worker runtime needs Python 3.13, which is not on this machine")
    return environment.ensure("worker", ROOT / "requirements.txt", python=found)


def _run(python: Path, app: App, calls: list[dict[str, Any]]) -> dict[str, Any]:
    done = subprocess.run(
        [python, ROOT / "tests" / "worker_runtime.py", str(ROOT)],
        input=json.dumps(calls),
        env={**os.environ, **app.stack.settings},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answers


def test_the_runtime_indexes_and_runs_every_function(worker_python: Path, app: App, person: Person) -> None:
    """HTTP, queue and timer functions are indexed and work as production would call them."""
    capture = {
        "method": "POST",
        "url": f"https://app.example/api/capture/{story.ACTION}",
        "headers": {"Content-Type": "application/json"},
        "route": {"action": story.ACTION},
        "body": json.dumps(person.capture()),
    }
    health = {"method": "GET", "url": "https://app.example/api/v1/health", "route": {"rest": "health"}}
    known = app.capture(Person(person.number + 50_000).capture()).json()["receipt"]
    message = {"organization": app.stack.dynamics.organization_id, "delivery": known}
    calls: list[dict[str, Any]] = [
        {"function": "capture", "http": capture},
        {"function": "api", "http": health},
        {"function": "deliver", "queue": json.dumps(message)},
        {"function": "deliver", "queue": "neither JSON nor base64!"},
        {"function": "wake", "timer": {"IsPastDue": False}},
        {"function": "tidy", "timer": {"IsPastDue": False}},
        {"function": "automations", "timer": {"IsPastDue": False}},
    ]
    said = _run(worker_python, app, calls)
    assert [each["name"] for each in said["functions"]] == [
        "capture",
        "deliver",
        "wake",
        "tidy",
        "api",
        "bulk",
        "automations",
    ]
    captured, healthy, delivered, poison, *timers = said["answers"]
    assert (captured["status"], json.loads(captured["body"])["outcome"]) == (200, "created")
    assert (healthy["status"], json.loads(healthy["body"])["status"]) == (200, "ok")
    assert [delivered, *timers] == [{"ok": True}] * 4
    assert not poison["ok"]
    assert len(app.rows("lead", emailaddress1=person.email)) == 1
