"""How the host starts, refuses to start, and ends."""

import json
import signal
import socket
import time
from pathlib import Path

import httpx
import pytest

from infra.local.functions_host.errors import HostError
from infra.local.functions_host.host_json import read_host_json
from tests.infra.functions_host.conftest import Refused
from tests.infra.functions_host.running import Host, eventually, refusal, running_host
from tests.infra.functions_host.sample_app import noted, write_app

HEAD = "import azure.functions as func\napp = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n"
TWO_OF_A_NAME = """
@app.function_name("a")
@app.route("a")
def one(req: func.HttpRequest) -> str: ...
@app.function_name("a")
@app.route("b")
def two(req: func.HttpRequest) -> str: ...
"""
ONE_ROUTE = """
@app.route("same/{a}", methods=["GET", "POST"])
def one(req: func.HttpRequest) -> str: ...
@app.route("/Same/{a}/", methods=["POST"])
def two(req: func.HttpRequest) -> str: ...
"""


def function(decorator: str, signature: str = "req: func.HttpRequest", name: str = "one") -> str:
    return f"@app.{decorator}\ndef {name}({signature}): ...\n"


def test_it_says_where_it_serves(app: Path, settings: dict[str, str]) -> None:
    """One line on stdout, and what the app prints is not on it."""
    with running_host(app, settings) as host:
        assert host.announced["functions"] == [
            "echo", "rest", "literal", "inner", "answers", "off", "send", "receive", "tick",
        ]  # fmt: skip
        assert host.announced["pid"] == host.process.pid
        assert httpx.get(f"{host.url}/api/rest").status_code == 200
        host.stop()
        assert host.process.stdout
        assert host.process.stdout.read() == ""
        assert "printed while imported" in host.log()


def test_what_the_app_logs_is_shown(http: httpx.Client, host: Host) -> None:
    """On stderr, with level and name."""
    assert http.get("/api/rest").status_code == 200
    eventually(lambda: "INFO sample: rest was asked" in host.log())


def test_a_busy_port_is_a_sentence(app: Path) -> None:
    """Which port, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refusal(app, {}, "--port", str(port))
    assert said.startswith(f"Port {port} cannot be opened")
    assert "\n" not in said


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (TWO_OF_A_NAME, "unique function name"),
        (ONE_ROUTE, "have the same route Same/{a} for POST"),
        ("import nowhere_to_be_found", "No module named 'nowhere_to_be_found' (function_app.py, line 3)"),
        ("1 / 0", "ZeroDivisionError"),
        ("def broken(:", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("other = func.FunctionApp()", "one FunctionApp"),
        ("del app", "one FunctionApp"),
        ("application = app", "one FunctionApp"),
        (function('timer_trigger("t", "0 0 0 30 2 *")', "t: func.TimerRequest"), "never comes"),
        (function('timer_trigger("t", "0 0 * * * *")', "t: func.TimerRequest"), "connection Storage cannot be read"),
        (function('queue_trigger("m", "queue", "")', "m: str"), "connection Storage cannot be read"),
        (function('route("administrators")'), "may not begin with admin"),
        (function('route("Runtime/x")'), "may not begin with admin or runtime"),
        (function('route("x/{id:postcode}")'), "constraint postcode"),
        (function('route("x/{id")'), "cannot read the route"),
        (function('route("x")', name="host"), "cannot be a function's name"),
        (function('route("x")', "req: func.HttpRequest, more: str"), "no binding fills more"),
        (function('route("x")', "other: func.HttpRequest"), "no binding fills other"),
        (function('route("x")', "req: dict"), "annotation of req"),
        (function('route("x")', "req: str"), "annotation of req"),
        (function('queue_trigger("m", "queue", "")', "m: func.QueueMessage | None"), "annotation of m"),
        (
            function(
                'route("x")\n@app.queue_output("o", "queue", "")', "req: func.HttpRequest, o: func.Out[list[str]]"
            ),
            "annotation of o",
        ),
        (function('timer_trigger("t", "* * *")', "t: func.TimerRequest"), "has 3 fields"),
        (function('timer_trigger("t", "0 61 * * * *")', "t: func.TimerRequest"), "not between 0 and 59"),
        (function('timer_trigger("t", "%NOWHERE%")', "t: func.TimerRequest"), "there is no setting NOWHERE"),
        (function('queue_trigger("m", "queue", "Nowhere")', "m: str"), "there is no setting AzureWebJobsNowhere"),
        (function('queue_trigger("m", "a--b", "")', "m: str"), "'a--b' cannot be a queue's name"),
        (function('blob_trigger("b", "p", "C")', "b: func.InputStream"), "does not carry out"),
    ],
)
async def test_an_app_that_cannot_be_indexed_is_a_sentence(
    tmp_path: Path, refused: Refused, code: str, said: str
) -> None:
    """All or nothing: one function that cannot be had, and the app does not start."""
    problem = await refused(write_app(tmp_path / "app", code=HEAD + code), {"AzureWebJobsStorage": "unused=1"})
    assert said in problem
    assert "\n" not in problem


@pytest.mark.parametrize(("code", "said"), [(ONE_ROUTE, "same route"), ("raise SystemExit(3)", "SystemExit: 3")])
def test_a_refusal_is_all_that_is_said(tmp_path: Path, code: str, said: str) -> None:
    """The process ends with code 1, one sentence on stderr, nothing on stdout and no traceback."""
    problem = refusal(write_app(tmp_path / "app", code=HEAD + code))
    assert said in problem
    assert "\n" not in problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", '"version": "2.0"'),
        ("[]", '"version": "2.0"'),
        ("{", "cannot be read"),
        ('{"version": "2.0", "extensions": {"queues": {"batchSize": 33}}}', "batchSize is a whole number from 1 to 32"),
    ],
)
def test_a_wrong_host_json_is_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    """What is wrong and what would be right."""
    (tmp_path / "host.json").write_text(text)
    with pytest.raises(HostError) as caught:
        read_host_json(tmp_path, {})
    assert said in str(caught.value)


def test_a_missing_folder_and_a_missing_host_json_are_sentences(tmp_path: Path) -> None:
    """The path is named."""
    assert "There is no folder" in refusal(tmp_path / "nowhere")
    assert "There is no host.json" in refusal(tmp_path)


def test_local_settings_fill_what_is_unset(app: Path, settings: dict[str, str]) -> None:
    """What the environment says stays; the prefix of routes may be overridden and empty."""
    given = {name: settings.pop(name) for name in ("IN_QUEUE", "OUT_QUEUE", "SCHEDULE")}
    values = given | {"AzureWebJobsStorage": "refused=1", "AzureFunctionsJobHost__extensions__http__routePrefix": ""}
    (app / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": values}))
    with running_host(app, settings) as host:
        assert httpx.get(f"{host.url}/rest/here").text == "here False"


async def test_only_the_apps_own_folder_is_importable(tmp_path: Path) -> None:
    """What a package lacks is missing here too, though a checkout with it stands around the host."""
    code = HEAD + "import tests.builders"
    assert "No module named 'tests" in refusal(write_app(tmp_path / "app", code=code))


def test_a_module_named_like_an_installed_one_is_not_found(tmp_path: Path) -> None:
    """The app's folder is the last on the path, as on Azure: the shadowed module shows here, not there."""
    app = write_app(tmp_path / "app", code=HEAD + "import wave\nraise ValueError(wave.__doc__.split()[0])")
    (app / "wave.py").write_text('"""ours"""')
    assert "ValueError: Stuff" in refusal(app)


def test_settings_that_are_no_numbers_are_as_good_as_none(tmp_path: Path) -> None:
    """The host starts and serves with its defaults."""
    app = write_app(tmp_path / "app", code=HEAD + function('route("x")'))
    settings = {"PYTHON_THREADPOOL_THREAD_COUNT": "many", "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "0"}
    with running_host(app, settings) as host:
        assert httpx.post(f"{host.url}/api/x", content="body").status_code == 500  # returns nothing


@pytest.mark.parametrize(
    ("number", "wait"), [(signal.SIGTERM, "time.sleep(60)"), (signal.SIGINT, "await asyncio.sleep(60)")]
)
def test_a_signal_ends_it_within_two_seconds(
    tmp_path: Path, settings: dict[str, str], number: signal.Signals, wait: str
) -> None:
    """Whatever the app is doing, blocking its loop included; the exit code is 0."""
    code = f"""
import asyncio, pathlib, time
import azure.functions as func
app = func.FunctionApp()

@app.timer_trigger("t", "0 0 0 1 1 *", run_on_startup=True)
async def hang(t: func.TimerRequest):
    pathlib.Path("noted.jsonl").write_text("{{}}\\n")
    {wait}
"""
    app = write_app(tmp_path / "app", code=code)
    with running_host(app, settings) as host:
        eventually(lambda: noted(app))
        began = time.monotonic()
        assert host.stop(number) == 0
        assert time.monotonic() - began < 2


def test_python_313_runs_it_too(app: Path, settings: dict[str, str], python313: Path) -> None:
    """With the library's other major version."""
    with running_host(app, settings | {"SCHEDULE": "* * * * * *"}, python=python313) as host:
        answer = httpx.post(f"{host.url}/api/echo/card/7", content="body")
        assert answer.json()["body"] == "body"
        assert eventually(lambda: noted(app))
        assert httpx.post(f"{host.url}/api/send", content='["one"]').text == "sent"
