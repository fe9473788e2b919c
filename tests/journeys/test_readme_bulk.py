"""The examples of README's chapter on bulk do what it says."""

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.journeys.conftest import SETTLES_SECONDS, App
from tests.journeys.test_bulk import drop, is_over

CHAPTER = re.search(
    r"\n## Many at once\n(.*?)\n## ", (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8"), re.DOTALL
)
assert CHAPTER
SCRIPTS: list[str] = re.findall(r"```sh\n(.*?)```", CHAPTER[1], re.DOTALL)
MESSAGES: list[str] = re.findall(r"```json\n(.*?)```", CHAPTER[1], re.DOTALL)
ORDERS: list[str] = re.findall(r"^\| `(\{.*\})` \|", CHAPTER[1], re.MULTILINE)


@pytest.mark.skipif(not shutil.which("split") or not shutil.which("curl"), reason="the examples use both")
def test_the_scripts(app: App, tmp_path: Path) -> None:
    """A file is sent, and again in parts; the batch tells how far it is; failed rows come; cancelling is late."""
    first, parts, looks = SCRIPTS
    begun = json.loads(_ran(app, first, tmp_path))
    seen = is_over(app, begun["batch"])
    assert (seen["received"], seen["outcomes"].get("failed")) == (2, None)
    assert seen["sources"][0]["columns"]["E-Mail"] == "Email"
    assert '"batch":"expo-26-day-1"' in _ran(app, parts, tmp_path)
    assert is_over(app, "expo-26-day-1")["outcomes"] == {"unchanged": 2}
    shown = _ran(app, looks, tmp_path)
    assert '"state":"done"' in shown
    assert (tmp_path / "failed.csv").read_text("utf-8-sig").startswith("failed.line,failed.reason")


def test_the_orders_and_the_message(app: App) -> None:
    """Each is taken on; the message adds to the batch that it names."""
    for order in ORDERS:
        assert app.client.post("/api/v1/bulk", json=json.loads(order)).status_code == 202, order
    assert len(ORDERS) == 3
    (message,) = MESSAGES
    drop(app, message)
    drop(app, message)
    batch = json.loads(message)["batch"]
    deadline = time.monotonic() + SETTLES_SECONDS
    while (seen := app.client.get(f"/api/v1/bulk/{batch}")).status_code != 200 or seen.json()["received"] < 2:
        assert time.monotonic() < deadline, seen.text
        time.sleep(0.1)  # another function is at work
    assert sum(is_over(app, batch)["outcomes"].values()) == 2


def _ran(app: App, script: str, folder: Path) -> str:
    known = {**os.environ, "APP": app.stack.app, "KEY": app.stack.key}
    done = subprocess.run(["sh", "-ec", script], env=known, capture_output=True, text=True, check=True, cwd=folder)
    return done.stdout
