"""The archive that is deployed, unpacked and run: nothing is missing in it."""

import json
import os
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.local import environment, story
from infra.local.stack import ROOT, host_process
from infra.package.target import PYTHON, SITE_PACKAGES
from tests.journeys.conftest import App, Person


@pytest.fixture(scope="module")
def unpacked(package_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(package_archive) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def bare_python() -> Path:
    found = environment.find_python(PYTHON)
    if found is None:
        pytest.skip(f"there is no Python {PYTHON} on this machine")
    return found


@pytest.fixture(scope="module")
def packaged_host(unpacked: Path, bare_python: Path, app: App) -> Iterator[str]:
    """The local host under the target's Python. Whatever the package has comes from it; the host adds its own."""
    requirements = ROOT / "infra" / "local" / "requirements.txt"
    python = environment.ensure("local", requirements, python=bare_python)
    settings = {**app.stack.settings, "PYTHONPATH": str(unpacked / SITE_PACKAGES)}
    with host_process(unpacked, port=0, key="package", settings=settings, python=python) as (_, url):
        yield url


def test_a_capture_arrives(packaged_host: str, app: App, person: Person) -> None:
    """The local host starts the unpacked app and a person becomes a lead."""
    address = f"{packaged_host}/api/capture/{story.ACTION}"
    answer = httpx.post(address, json=person.capture(), headers={"x-functions-key": "package"}, timeout=30)
    assert (answer.status_code, answer.json()["outcome"]) == (200, "created")
    assert len(app.rows("lead", emailaddress1=person.email)) == 1


def test_the_package_is_enough(unpacked: Path, bare_python: Path, app: App, person: Person) -> None:
    """Microsoft's worker runtime, out of the package, under a Python that has nothing else, runs what it is sent."""
    capture = {
        "method": "POST",
        "url": f"https://app.example/api/capture/{story.ACTION}",
        "headers": {"Content-Type": "application/json"},
        "route": {"action": story.ACTION},
        "body": json.dumps(person.capture()),
    }
    health = {"method": "GET", "url": "https://app.example/api/v1/health", "route": {"rest": "health"}}
    timer = {"IsPastDue": False}
    calls: list[dict[str, Any]] = [
        {"function": "capture", "http": capture},
        {"function": "api", "http": health},
        {"function": "wake", "timer": timer},
    ]
    done = subprocess.run(
        [bare_python, "-S", ROOT / "tests" / "worker_runtime.py", unpacked],
        input=json.dumps(calls),
        env={**os.environ, **app.stack.settings, "PYTHONPATH": str(unpacked / SITE_PACKAGES)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    captured, healthy, woken = json.loads(done.stdout.splitlines()[-1])["answers"]
    assert (captured["status"], json.loads(captured["body"])["outcome"]) == (200, "created")
    assert (healthy["status"], json.loads(healthy["body"])["status"]) == (200, "ok")
    assert woken == {"ok": True}
