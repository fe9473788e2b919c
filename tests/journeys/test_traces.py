"""One trace from a capture to each request that Dynamics got for it, also across the queue; nothing of the person."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.local import story
from infra.local.stack import stack
from tests.infra.functions_host.running import eventually
from tests.journeys.conftest import App, Person

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


@pytest.fixture(scope="module")
def trace_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("traces") / "spans.jsonl"


@pytest.fixture(scope="module")
def traced(trace_file: Path) -> Iterator[App]:
    """The service by itself, with telemetry: nobody else takes its messages, and no timer does their work."""
    settings = {"PYTHON_ENABLE_OPENTELEMETRY": "true", "TRACE_FILE": str(trace_file)}
    settings |= {"WAKE_SCHEDULE": "0 0 0 1 1 *", "DELIVERY_GRACE_SECONDS": "600"}
    with stack(port=0, settings=settings) as running:
        story.set_up(running, lambda _: None, story.BOOTH)
        with httpx.Client(base_url=running.app, headers={"x-functions-key": running.key}, timeout=30) as client:
            yield App(client, running)


def spans_of(file: Path, trace: str) -> list[dict[str, Any]]:
    """Of one trace, by when they began."""
    every = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    found = [span for span in every if span["context"]["trace_id"] == f"0x{trace}"]
    return sorted(found, key=lambda span: str(span["start_time"]))


def send(app: App, body: dict[str, Any], trace: str, **params: str) -> httpx.Response:
    headers = {"traceparent": f"00-{trace}-{PARENT}-01"}
    return app.client.post(f"/api/capture/{story.ACTION}", json=body, params=params, headers=headers)


def test_a_capture_is_one_trace(traced: App, trace_file: Path, person: Person) -> None:
    """Below what the host began: the capture, its turn, storage, and each batch with status and request id."""
    answer = send(traced, person.capture(), TRACE)
    assert answer.json()["outcome"] == "created"
    spans = spans_of(trace_file, TRACE)
    (capture,) = (span for span in spans if span["name"] == "capture")
    assert capture["parent_id"] == f"0x{PARENT}"
    (turn,) = (span for span in spans if span["name"] == "turn")
    assert turn["parent_id"] == capture["context"]["span_id"]
    assert turn["attributes"]["captello.outcome"] == "created"
    assert turn["attributes"]["captello.receipt"] == answer.json()["receipt"]
    asked = [span for span in spans if span["name"] == "dynamics"]
    (item,) = traced.log_of(answer.json()["receipt"])
    tried = traced.client.get(f"/api/v1/logs/{item['id']}").json()["tried"]
    logged = [(call["method"], call["path"], call["status"]) for each in tried for call in each["calls"]]
    told = [each["attributes"] for each in asked]
    assert [(each["captello.method"], each["captello.path"], each["captello.status"]) for each in told] == logged
    assert all(each["captello.request_id"] for each in told)
    assert [span["status"]["status_code"] for span in spans] == ["UNSET"] * len(spans)
    assert len([span for span in spans if span["name"] == "storage"]) >= 6


def test_a_trace_goes_on_behind_the_queue(traced: App, trace_file: Path, person: Person) -> None:
    """The message carries it: who takes the work up goes on below the capture."""
    trace = TRACE[::-1]
    receipt = send(traced, person.capture(), trace, wait="0").json()["receipt"]
    traced.settles([receipt])
    spans = eventually(lambda: _complete(spans_of(trace_file, trace)))
    names = {span["context"]["span_id"]: span["name"] for span in spans}
    above = {span["name"]: names.get(span["parent_id"]) for span in spans if span["name"] != "storage"}
    assert above == {"capture": None, "deliver": "capture", "turn": "deliver", "dynamics": "turn"}


def _complete(spans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A span is written when it ends, and what is around others ends last."""
    return spans if any(span["name"] == "deliver" for span in spans) else []


def test_a_bulk_action_is_one_trace(traced: App, trace_file: Path) -> None:
    """From the upload to each turn, and to the requests that Dynamics got for all of a chunk."""
    trace = "b" * 32
    everybody = [Person(64_000 + number).capture() for number in range(3)]
    answer = traced.client.post(
        "/api/v1/bulk",
        params={"action": story.ACTION},
        json=everybody,
        headers={"traceparent": f"00-{trace}-{PARENT}-01"},
    )
    assert answer.status_code == 202
    spans = eventually(lambda: _with_a_whole_chunk(spans_of(trace_file, trace), len(everybody)))
    names = {span["context"]["span_id"]: span["name"] for span in spans}
    above = {(span["name"], names.get(span["parent_id"])) for span in spans if span["name"] != "storage"}
    assert above == {("api", None), ("bulk", "api"), ("bulk", "bulk"), ("turn", "bulk"), ("dynamics", "bulk")}
    assert {names.get(span["parent_id"]) for span in spans if span["name"] == "storage"} <= {"api", "bulk", "turn"}


def _with_a_whole_chunk(spans: list[dict[str, Any]], people: int) -> list[dict[str, Any]]:
    """Once the message that reads the upload, and the one that carries out its chunk, are over."""
    names = [span["name"] for span in spans]
    return spans if names.count("bulk") == 2 and names.count("turn") == people else []


def test_telemetry_holds_nobody(traced: App, trace_file: Path, person: Person) -> None:
    """No name, no address, no id of the person, no key and no secret in any span."""
    send(traced, person.capture(Title="Countess"), "a" * 32)
    text = eventually(lambda: trace_file.read_text() if spans_of(trace_file, "a" * 32) else None)
    said = [
        person.email,
        "Lovelace",
        "Countess",
        str(100_000 + person.number),
        traced.stack.key,
        traced.stack.dynamics_token,
    ]
    assert [word for word in said if word in text] == []
