"""The examples of README's chapter on sending captures do what it says."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.conftest import App

CHAPTER = re.search(
    r"\n## Sending captures\n(.*?)\n## ",
    (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8"),
    re.DOTALL,
)
assert CHAPTER
BODIES: list[dict[str, Any]] = [json.loads(found) for found in re.findall(r"```json\n(.*?)```", CHAPTER[1], re.DOTALL)]
WRITTEN = {"created", "updated", "unchanged"}  # other tests may know these people
SCRIPTS: list[str] = re.findall(r"```sh\n(.*?)```", CHAPTER[1], re.DOTALL)


def test_the_bodies(app: App) -> None:
    """A capture is written, a held one is completed in place, and then withdrawn without anything being deleted."""
    answers = [app.capture(body).json() for body in BODIES]
    assert [answer["outcome"] in WRITTEN or answer["outcome"] for answer in answers] == [
        True,
        "held",
        True,
        "withdrawn",
    ]
    assert answers[1]["receipt"] == answers[2]["receipt"]
    assert app.rows("lead", emailaddress1="ada@x.example")


@pytest.mark.skipif(not shutil.which("openssl") or not shutil.which("curl"), reason="the examples use both")
def test_the_scripts(app: App) -> None:
    """The secret is saved and the signed capture comes in; the quarantined bodies are listed, replayed, discarded."""
    action = app.action("readme-signed", signature="required")
    signed = _ran(app, SCRIPTS[0].replace("booth", action))
    assert '"previous_counts":false' in signed
    assert any(f'"outcome": "{outcome}"' in signed for outcome in WRITTEN)
    kept = [app.client.post("/api/capture/booth", content=b'{"readme": "%d' % number).json() for number in range(2)]
    listed, replayed, discarded = (part for part in re.split(r"(?m)^(?=curl)", SCRIPTS[1]) if part)
    assert kept[0]["receipt"] in _ran(app, listed)
    assert json.loads(_ran(app, replayed, RECEIPT=kept[0]["receipt"]))["outcome"] in WRITTEN
    assert '"discarded"' in _ran(app, discarded, ANOTHER=kept[1]["receipt"])


def _ran(app: App, script: str, **variables: str) -> str:
    known = {**os.environ, "APP": app.stack.app, "KEY": app.stack.key, **variables}
    return subprocess.run(["sh", "-ec", script], env=known, capture_output=True, text=True, check=True).stdout
