"""The whole service for journeys: one local stack a session, set up as a user would, through the public API.

Tests share its Dynamics and its storage; whatever they assert, they find by a person made for them alone.
"""

import itertools
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from infra.local import story
from infra.local.stack import Stack, stack
from tests.faults.hosts import REQUESTS_ONLY, Victim, victim
from tests.faults.nursery import Nursery, nursery

SETTLES_SECONDS = 150.0  # a killed host keeps its slots for bulk work for a minute
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def running() -> Iterator[Stack]:
    # What nobody finished is taken up after a second rather than after many.
    impatient = {"WAKE_SCHEDULE": "* * * * * *", "DELIVERY_GRACE_SECONDS": "1", "CAPTURE_DEADLINE_SECONDS": "4"}
    with stack(port=0, settings=impatient) as started:
        story.set_up(started, lambda _: None, story.BOOTH)
        yield started


@pytest.fixture(scope="session")
def app(running: Stack) -> Iterator["App"]:
    with httpx.Client(base_url=running.app, headers={"x-functions-key": running.key}, timeout=30) as client:
        yield App(client, running)


@pytest.fixture(scope="session")
def hosts(running: Stack) -> Iterator[Nursery]:
    with nursery(running) as started:
        yield started


@pytest.fixture(scope="session")
def proxied_host(running: Stack, hosts: Nursery) -> Iterator[Victim]:
    """A place for hosts whose requests are seen, and met by faults. Nobody takes their work up while they live."""
    with victim(running, hosts, REQUESTS_ONLY | {"DELIVERY_GRACE_SECONDS": "4"}) as place:
        yield place


@pytest.fixture
def person() -> "Person":
    return Person(next(_numbers))


@dataclass(frozen=True)
class Person:
    """Somebody no other test knows."""

    number: int
    activity: int = field(default_factory=lambda: next(_numbers))

    @property
    def email(self) -> str:
        return f"person{self.number}@journeys.example"

    @property
    def fields(self) -> dict[str, Any]:
        return {"FirstName": "Ada", "LastName": f"Lovelace {self.number}", "Email": self.email, "Company": "Engines"}

    def capture(self, *, activity: int | None = None, **fields: Any) -> dict[str, Any]:
        """The documented JSON body about this person; `fields` are added to the usual ones."""
        return {
            "event": "captured",
            "form": {"id": 42, "name": "Booth", "event": "Expo 26"},
            "submission": {"activity_id": activity or self.activity, "type": "barcode"},
            "prospect": {"id": 100_000 + self.number, "fields": self.fields | fields},
        }


@dataclass(frozen=True)
class App:
    """The running app, and what stands in Dynamics and in its log."""

    client: httpx.Client
    stack: Stack

    def capture(self, body: dict[str, Any], *, action: str = story.ACTION, **params: str) -> httpx.Response:
        return self.client.post(f"/api/capture/{action}", json=body, params=params)

    def save(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """Creates it, or overwrites whatever stands there."""
        answer = self.client.put(f"/api/v1/{path}", json=body)
        if answer.status_code != httpx.codes.PRECONDITION_REQUIRED:
            return answer
        return self.client.put(f"/api/v1/{path}", json=body, headers={"if-match": "*"})

    def action(self, action_id: str, **settings: Any) -> str:
        """An action like the demonstration's, but for these settings."""
        self.save(f"actions/{action_id}", {**story.BOOTH, **settings}).raise_for_status()
        return action_id

    def rows(self, table: str, **columns: Any) -> list[dict[str, Any]]:
        """The rows in Dynamics whose columns hold these values."""
        rows = httpx.get(f"{self.stack.dynamics.url}/_control/rows/{table}").json()["rows"]
        return [row for row in rows if all(row.get(name) == value for name, value in columns.items())]

    def seed(self, table: str, **columns: Any) -> dict[str, Any]:
        seeded = httpx.post(f"{self.stack.dynamics.url}/_control/rows/{table}", json=columns)
        seeded.raise_for_status()
        row: dict[str, Any] = seeded.json()
        return row

    def give_role(self, user_id: str) -> None:
        """Who may not read rows cannot own them."""
        role = {"name": "Owners", "privileges": "all"}
        httpx.post(f"{self.stack.dynamics.url}/_control/roles", json=role).raise_for_status()
        (made,) = self.rows("role", name="Owners")
        self.seed("systemuserroles", systemuserid=user_id, roleid=made["roleid"])

    def logs(self, **filters: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.client.get("/api/v1/logs", params={"limit": "200", **filters}).json()[
            "items"
        ]
        return items

    def log_of(self, receipt: str) -> list[dict[str, Any]]:
        return [item for item in self.logs() if item["delivery"] == receipt]

    def settles(self, receipts: Collection[str]) -> None:
        """Waits until every one of these deliveries has its final log row."""
        deadline = time.monotonic() + SETTLES_SECONDS
        while not (done := {log["delivery"] for log in self.logs() if log["outcome"]}).issuperset(receipts):
            assert time.monotonic() < deadline, f"{len(set(receipts) - done)} deliveries are not over"
            time.sleep(0.1)  # another process is at work; nothing else tells when it is done
