"""What queue outputs make of an app's values."""

import json
from pathlib import Path

import httpx
from azure.storage.queue import QueueClient

from tests.infra.functions_host.conftest import MakeQueue
from tests.infra.functions_host.running import running_host


def received(queue: QueueClient) -> list[str]:
    return [message.content for message in queue.receive_messages(max_messages=32)]


def test_messages_are_there_when_the_answer_is(app: Path, settings: dict[str, str], queue: MakeQueue) -> None:
    """The queue is made, an array becomes a message for each element, and only then is the caller answered.

    A function that fails sends nothing.
    """
    out = queue(settings["OUT_QUEUE"], create=False)
    with running_host(app, settings) as host:
        url = f"{host.url}/api/send"
        assert httpx.post(url, content=json.dumps(["one", {"n": 2}])).text == "sent"
        assert received(out) == ["one", '{\n  "n": 2\n}']
        assert httpx.post(url, content="plain").text == "sent"
        assert httpx.post(url, params={"raw": "1"}, content="[1]").text == "sent"
        assert received(out) == ["plain", "[1]"]
        assert httpx.post(url, params={"fail": "1"}, content="set, but not sent").status_code == 500
        assert received(out) == []


def test_what_cannot_be_written_fails_the_invocation(http: httpx.Client) -> None:
    """Text that looks like JSON and is none."""
    assert http.post("/api/send", content="{broken}").status_code == 500
