"""The sample app through Microsoft's own worker runtime: what the local host answers, the runtime answers too."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.infra.functions_host.conftest import Refused
from tests.infra.functions_host.running import ROOT
from tests.infra.functions_host.sample_app import noted, write_app
from tests.infra.functions_host.test_start import HEAD, function

ASK = """
import json, sys
from worker_runtime import index, invoke_http, invoke_queue, invoke_timer
functions = {each.name: each for each in index(sys.argv[1])}
url = "https://app.example/api/echo?q=1&empty="
print(json.dumps({
    "functions": {name: each.trigger["type"] for name, each in functions.items()},
    "http": invoke_http(functions["echo"], "POST", url, {"X-Mixed": "a"}, b"body", {"kind": "card"}),
    "text": invoke_http(functions["rest"], "GET", "https://app.example/api/rest"),
    "refused": invoke_http(functions["answers"], "GET", "https://app.example/api/answers?kind=dict"),
    "output": invoke_http(functions["send"], "POST", "https://app.example/api/send", body=b"one"),
    "queue": invoke_queue(functions["receive"], "good", dequeue_count=2),
    "failed": invoke_queue(functions["receive"], "fail"),
    "timer": invoke_timer(functions["tick"], past_due=True),
}))
"""


SCRIPT = (str(ROOT / "tests" / "worker_runtime.py"),)


def run(python: Path, app: Path, *program: str, ahead: Path | None = None) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(str(folder) for folder in (ahead, ROOT / "tests") if folder)
    return subprocess.run(
        [python, *program, str(app)],
        cwd=app,
        input="[]",
        env={**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def answered(python313: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    app = write_app(tmp_path_factory.mktemp("runtime") / "app")
    done = run(python313, app, "-c", ASK)
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout.splitlines()[-1]), "noted": noted(app)}


def test_every_function_is_indexed(answered: dict[str, Any]) -> None:
    """With its trigger."""
    kinds = {name: kind for name, kind in answered["functions"].items() if kind != "httpTrigger"}
    assert kinds == {"receive": "queueTrigger", "tick": "timerTrigger"}
    assert len(answered["functions"]) == 9


def test_http_functions_answer(answered: dict[str, Any]) -> None:
    """As they do on the local host: same loop, lower-case headers, no empty query values, text as text."""
    told = json.loads(answered["http"]["body"])
    assert (answered["http"]["status"], answered["http"]["headers"]["x-kind"]) == (200, "echo")
    assert (told["headers"], told["params"], told["route"]) == ({"x-mixed": "a"}, {"q": "1"}, {"kind": "card"})
    assert (told["body"], told["same_loop"]) == ("body", True)
    assert answered["text"] == {"ok": True, "status": 200, "headers": {}, "body": "nothing False"}
    assert answered["output"]["outputs"] == {"out": "one"}
    assert not answered["refused"]["ok"]


def test_queue_and_timer_functions_run(answered: dict[str, Any]) -> None:
    """A failure is told, with what failed."""
    assert answered["queue"] == answered["timer"] == {"ok": True}
    assert "this one always fails" in answered["failed"]["problem"]
    good, _, tick = answered["noted"]
    assert (good["body"], good["attempt"], good["same_loop"]) == ("good", 2, True)
    assert tick["past_due"]


@pytest.mark.parametrize(
    "code",
    [
        "1 / 0",
        "other = func.FunctionApp()",
        function('route("x")', "req: func.HttpRequest, more: str"),
        function('route("x")', "req: dict"),
        function('queue_trigger("m", "queue", "")', "m: func.QueueMessage | None"),
        function('route("x")\n@app.queue_output("o", "queue", "")', "req: func.HttpRequest, o: func.Out[list[str]]"),
    ],
)
async def test_host_and_runtime_refuse_alike(python313: Path, tmp_path: Path, refused: Refused, code: str) -> None:
    """What the runtime would not index, the local host does not start."""
    app = write_app(tmp_path / "app", code=HEAD + code)
    done = run(python313, app, *SCRIPT)
    assert done.returncode == 1
    assert "the app was not indexed" in done.stderr
    assert await refused(app, {"AzureWebJobsStorage": "unused=1"})


def test_another_app_is_not_taken_for_this_one(python313: Path, tmp_path: Path) -> None:
    """A function_app.py ahead on sys.path, or none at all, is an error rather than a success."""
    app, other = write_app(tmp_path / "app"), write_app(tmp_path / "other")
    assert "another app is ahead" in run(python313, app, *SCRIPT, ahead=other).stderr
    assert "there is no function_app.py" in run(python313, tmp_path, *SCRIPT).stderr
