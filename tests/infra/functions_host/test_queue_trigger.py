"""What a queue function is given, and what becomes of messages it fails on."""

import base64
import itertools
from pathlib import Path

import httpx
import pytest
from azure.storage.queue import QueueClient

from tests.infra.functions_host.conftest import MakeQueue
from tests.infra.functions_host.running import eventually, running_host
from tests.infra.functions_host.sample_app import noted, write_app

NOTING = """
import json, pathlib
import azure.functions as func
app = func.FunctionApp()

def note(number, kind):
    with pathlib.Path("noted.jsonl").open("a") as file:
        file.write(json.dumps({"number": number, "type": kind}) + "\\n")
"""
FACTS = ("inserted", "expires", "visible")


def peeked(queue: QueueClient) -> list[str]:
    return [message.content for message in queue.peek_messages(32)]


def is_empty(queue: QueueClient) -> bool:
    """Of invisible messages too."""
    return queue.get_queue_properties().approximate_message_count == 0


def test_a_message_arrives_with_what_is_known_of_it(app: Path, settings: dict[str, str], queue: MakeQueue) -> None:
    """Body, id, receipt, attempt and times reach the function, in the app's loop; then the message is gone."""
    sent = queue(settings["IN_QUEUE"])
    sent_id = sent.send_message("hé <llo>").id
    with running_host(app, settings):
        (given,) = eventually(lambda: noted(app))
        eventually(lambda: is_empty(sent))
    assert (given["body"], given["attempt"], given["id"]) == ("hé <llo>", 1, sent_id)
    assert given["receipt"]
    assert given["same_loop"]
    assert all(given[fact].startswith("2") for fact in FACTS)


def test_the_trigger_waits_for_its_queue(app: Path, settings: dict[str, str], queue: MakeQueue) -> None:
    """It never makes the queue; once somebody does, messages are taken."""
    missing = queue(settings["IN_QUEUE"], create=False)
    with running_host(app, settings):
        missing.create_queue()  # would be refused, were it there already
        missing.send_message("late")
        assert eventually(lambda: noted(app))[0]["body"] == "late"


def test_failing_messages_end_as_poison(app: Path, settings: dict[str, str], queue: MakeQueue) -> None:
    """After the last attempt the message stands in the poison queue as it was, and the others went on."""
    settings |= {"AzureFunctionsJobHost__extensions__queues__maxDequeueCount": "3"}
    sent = queue(settings["IN_QUEUE"])
    poison = queue(settings["IN_QUEUE"] + "-poison", create=False)
    sent.send_message("fail this")
    sent.send_message("good")
    with running_host(app, settings) as host:
        eventually(lambda: is_empty(sent))
        eventually(lambda: "gave message" in host.log())
    assert peeked(poison) == ["fail this"]
    assert [each["attempt"] for each in noted(app) if each["body"] == "fail this"] == [1, 2, 3]
    assert [each["attempt"] for each in noted(app) if each["body"] == "good"] == [1]


def test_a_failed_message_waits_out_its_visibility(tmp_path: Path, settings: dict[str, str], queue: MakeQueue) -> None:
    """host.json's visibilityTimeout is the pause between two attempts."""
    app = write_app(tmp_path / "app", queues={"visibilityTimeout": "00:30:00"})
    sent = queue(settings["IN_QUEUE"])
    sent.send_message("fail later")
    sent.send_message("good")
    with running_host(app, settings):
        eventually(lambda: len(noted(app)) == 2)
        eventually(lambda: sent.get_queue_properties().approximate_message_count == 1)
        assert peeked(sent) == []
    assert [each["attempt"] for each in noted(app)] == [1, 1]


def test_a_message_that_killed_the_host_is_poison_unseen(app: Path, settings: dict[str, str], queue: MakeQueue) -> None:
    """Taken too often already, it does not run again."""
    settings |= {"AzureFunctionsJobHost__extensions__queues__maxDequeueCount": "1"}
    sent = queue(settings["IN_QUEUE"])
    poison = queue(settings["IN_QUEUE"] + "-poison", create=False)
    sent.send_message("killer")
    (taken,) = sent.receive_messages(max_messages=1, visibility_timeout=600)
    sent.update_message(taken, visibility_timeout=0)
    with running_host(app, settings):
        eventually(lambda: is_empty(sent))
    assert noted(app) == []
    assert peeked(poison) == ["killer"]


def test_base64_is_the_default(tmp_path: Path, settings: dict[str, str], queue: MakeQueue) -> None:
    """Encoded messages are decoded; one that is not encoded is poison, as it came."""
    app = write_app(tmp_path / "app", queues={"messageEncoding": "base64"})
    sent = queue(settings["IN_QUEUE"])
    poison = queue(settings["IN_QUEUE"] + "-poison", create=False)
    sent.send_message(base64.b64encode("hé".encode()).decode())
    sent.send_message("not base64!")
    with running_host(app, settings):
        eventually(lambda: is_empty(sent))
    assert [each["body"] for each in noted(app)] == ["hé"]
    assert peeked(poison) == ["not base64!"]


@pytest.mark.parametrize(("threshold", "in_flight"), [(1, 2), (2, 4)])
def test_what_is_in_flight_is_limited(
    tmp_path: Path, settings: dict[str, str], queue: MakeQueue, threshold: int, in_flight: int
) -> None:
    """A further batch of two is taken while no more than the threshold is in work; the rest stays in the queue."""
    app = write_app(tmp_path / "app", queues={"batchSize": 2, "newBatchThreshold": threshold})
    sent = queue(settings["IN_QUEUE"])
    for number in range(6):
        sent.send_message(f"hold {number}")
    with running_host(app, settings) as host:
        eventually(lambda: len(noted(app)) == in_flight)
        # A host that took more would have taken them by now: it polls every 50 ms, in the loop that answers these.
        with httpx.Client(base_url=host.url) as client:
            assert [client.get("/api/rest").status_code for _ in range(200)] == [200] * 200
        assert len(peeked(sent)) == 6 - in_flight
        (app / "let_go").touch()
        eventually(lambda: is_empty(sent))
    assert len(noted(app)) == 6


def test_a_polite_stop_lets_work_finish(app: Path, settings: dict[str, str], queue: MakeQueue) -> None:
    """What ends within a second of SIGTERM is done and deleted, though no request is taken any more."""
    sent = queue(settings["IN_QUEUE"])
    with running_host(app, settings) as host:
        sent.send_message("hold on")
        eventually(lambda: noted(app))
        host.process.terminate()
        eventually(lambda: not is_answering(host.url))
        (app / "let_go").touch()
        assert host.process.wait(20) == 0
    assert is_empty(sent)


def is_answering(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 404
    except httpx.TransportError:
        return False


def test_the_last_failure_poisons_at_once(tmp_path: Path, settings: dict[str, str], queue: MakeQueue) -> None:
    """Without waiting out the visibility timeout."""
    app = write_app(tmp_path / "app", queues={"visibilityTimeout": "00:30:00", "maxDequeueCount": 1})
    sent = queue(settings["IN_QUEUE"])
    sent.send_message("fail once")
    with running_host(app, settings):
        eventually(lambda: is_empty(sent))
    assert peeked(queue(settings["IN_QUEUE"] + "-poison", create=False)) == ["fail once"]


def test_what_the_function_asks_for(tmp_path: Path, settings: dict[str, str], queue: MakeQueue) -> None:
    """Text, or bytes where the binding's data type is binary; the message object only to those that want it."""
    kinds = list(itertools.product(["STRING", "BINARY"], ["str", "bytes", "func.QueueMessage"]))
    functions = [
        f"""
@app.queue_trigger("m", "%IN_QUEUE%-{number}", "", data_type=func.DataType.{kind})
def receive_{number}(m: {annotation}):
    note({number}, type(m).__name__)
"""
        for number, (kind, annotation) in enumerate(kinds)
    ]
    app = write_app(tmp_path / "app", code=NOTING + "".join(functions))
    for number in range(len(kinds)):
        queue(f"{settings['IN_QUEUE']}-{number}").send_message("x")
    with running_host(app, settings):
        given = eventually(lambda: noted(app) if len(noted(app)) == len(kinds) else None)
    types = [each["type"] for each in sorted(given, key=lambda each: int(each["number"]))]
    assert types == ["str", "str", "QueueMessage", "bytes", "bytes", "QueueMessage"]
