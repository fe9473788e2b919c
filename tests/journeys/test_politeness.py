"""Two hosts at bulk work against a Dynamics with tight limits: what it sees of them, and that all is done at last."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from azure.storage.queue import QueueClient

from core.storage.names import BULK_QUEUE, DELIVERIES_QUEUE
from infra.local import story
from tests.benchmarks.bulk_crm import Crm
from tests.benchmarks.bulk_people import BY_EMAIL, people
from tests.faults.nursery import Nursery
from tests.infra.functions_host.running import eventually
from tests.journeys.conftest import SETTLES_SECONDS, App, Person
from tests.journeys.test_bulk import is_over

CEILING = 3  # the setting's default
BATCHES, EACH = 4, 10
# Two chunks reach it. No time passes there but what the test orders, so no host is too slow to. What refused ones are
# told to wait is long beside what a slow machine needs to notice it, so that two waits are never taken for one.
TIGHT = {"requests": 6, "window_seconds": 6, "dop_hint": 8}
NOTICED_SECONDS = 1.5


@pytest.fixture
def tight(app: App) -> Iterator[str]:
    """Limits that are reached soon, with answers that take their time; the simulator's control address."""
    control = f"{app.stack.dynamics.url}/_control"
    httpx.post(f"{control}/latency", json={"request_ms": 60, "row_ms": 1}).raise_for_status()
    now = httpx.get(f"{control}/clock").json()["now"]
    httpx.post(f"{control}/clock", json={"now": now, "stopped": True}).raise_for_status()
    httpx.post(f"{control}/limits", json=TIGHT).raise_for_status()
    yield control
    httpx.delete(f"{control}/limits").raise_for_status()
    httpx.post(f"{control}/clock", json={}).raise_for_status()
    httpx.post(f"{control}/latency", json={}).raise_for_status()


def _counted(control: str) -> dict[str, Any]:
    told: dict[str, Any] = httpx.get(f"{control}/limits").json()
    return told


def _requests(control: str, *, since: int = 10**9) -> dict[str, Any]:
    told: dict[str, Any] = httpx.get(f"{control}/requests", params={"since": str(since)}).json()
    return told


def _bulk_at_once(control: str, before: int) -> int:
    """The most requests that had rows in them. The timer asks once who it is where a pause is over: bulk or none."""
    asked = [each for each in _requests(control, since=before)["requests"] if not each["path"].endswith("/WhoAmI")]
    return 1 + max(sum(not path.endswith("/WhoAmI") for path in each["beside"]) for each in asked)


def _poisoned(app: App) -> int:
    count = 0
    for name in (BULK_QUEUE, DELIVERIES_QUEUE):
        with QueueClient.from_connection_string(app.stack.storage.connection_string, f"{name}-poison") as queue:
            count += len(queue.peek_messages(32))
    return count


def _refused_in_rounds(app: App, control: str, batches: list[str]) -> list[int]:
    """Until all is over: how many requests met the limit each time, before its window was let pass."""
    rounds: list[int] = []
    before = 0
    deadline = time.monotonic() + SETTLES_SECONDS
    while any(app.client.get(f"/api/v1/bulk/{batch}").json()["state"] != "done" for batch in batches):
        assert time.monotonic() < deadline, rounds
        time.sleep(0.1)  # other processes are at work
        if (refused := sum(_counted(control)["refusals"].values())) > before:
            time.sleep(NOTICED_SECONDS)  # whoever goes on all the same is seen
            refused = sum(_counted(control)["refusals"].values())
            rounds.append(refused - before)
            httpx.post(f"{control}/clock", json={"advance_seconds": 60}).raise_for_status()
            before = refused
    return rounds


def _states(app: App, batches: list[str]) -> list[str]:
    return [app.client.get(f"/api/v1/bulk/{batch}").json()["state"] for batch in batches]


def test_a_capture_overtakes_bulk(app: App) -> None:
    """While chunks have all their slots in use, somebody at the booth is answered at once."""
    control = f"{app.stack.dynamics.url}/_control"
    action = app.action("overtaken", **BY_EMAIL.action(story.CONNECTION))
    app.capture(Person(71_000).capture())  # warm
    httpx.post(f"{control}/latency", json={"request_ms": 300}).raise_for_status()
    try:
        batches = [
            app.client.post(
                "/api/v1/bulk",
                json={
                    "action": action,
                    "prospects": [one.capture() for one in people(BY_EMAIL, EACH, f"slow{number}")],
                },
            ).json()["batch"]
            for number in range(BATCHES)
        ]
        eventually(lambda: "running" in _states(app, batches))
        answer = app.capture(Person(71_001).capture())
        under_way = _states(app, batches)
    finally:
        httpx.post(f"{control}/latency", json={}).raise_for_status()
    assert answer.json()["outcome"] == "created"
    assert "running" in under_way
    for batch in batches:
        assert is_over(app, batch)["outcomes"] == {"created": EACH}


def test_two_hosts_keep_to_one_ceiling_and_wait_when_told(app: App, hosts: Nursery, tight: str) -> None:
    """Never more in flight at once than the ceiling of both together; a limit is met by those who were under way, and
    nobody else. None is lost, doubled, or thrown onto the poison queue for it.
    """
    action = app.action("politeness", **BY_EMAIL.action(story.CONNECTION))
    groups = [people(BY_EMAIL, EACH, f"polite{number}") for number in range(BATCHES)]
    poisoned, before = _poisoned(app), _requests(tight)["counters"]["requests"]
    with hosts.host({}):
        orders = [{"action": action, "prospects": [one.capture() for one in group]} for group in groups]
        batches = [app.client.post("/api/v1/bulk", json=order).raise_for_status().json()["batch"] for order in orders]
        rounds = _refused_in_rounds(app, tight, batches)
    assert len(rounds) >= 1
    assert max(rounds) <= CEILING
    assert _bulk_at_once(tight, before) <= CEILING
    assert [is_over(app, batch)["outcomes"] for batch in batches] == [{"created": EACH}] * BATCHES
    assert _poisoned(app) == poisoned
    httpx.delete(f"{tight}/limits").raise_for_status()
    with contextlib.closing(Crm(app.stack.dynamics.url, app.stack.dynamics_token)) as dynamics:
        held = [len(dynamics.holds(BY_EMAIL, group[0].salt)) for group in groups]
    assert held == [EACH] * BATCHES
