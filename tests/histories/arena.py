"""Where histories are played: an organisation of its own, and several hosts over one storage, each behind its proxy.

Duty: setting it up once. The hosts run their timers and queues as in Azure; what they are killed with, others take up.
"""

import contextlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx

from infra.local.entra import DEMO
from infra.local.stack import Stack
from tests.faults.hosts import Victim, victim
from tests.faults.nursery import Nursery
from tests.faults.safeguards import WITHOUT, Safeguard
from tests.histories.history import ACTIONS, CONNECTION, EXPO, FANS, MAPPINGS

# What nobody finished is taken up after a second rather than after many.
IMPATIENT = {"WAKE_SCHEDULE": "* * * * * *", "DELIVERY_GRACE_SECONDS": "1", "CAPTURE_DEADLINE_SECONDS": "4"}


@dataclass(frozen=True)
class Arena:
    running: Stack
    nursery: Nursery
    places: list[Victim]
    dynamics: str  # the environment's address
    organization: str

    @property
    def key(self) -> dict[str, str]:
        return {"x-functions-key": self.running.key}

    def rows(self, table: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = httpx.get(f"{self.dynamics}/_control/rows/{table}").json()["rows"]
        return rows

    def seed(self, table: str, columns: dict[str, Any]) -> None:
        httpx.post(f"{self.dynamics}/_control/rows/{table}", json=columns).raise_for_status()


@contextlib.contextmanager
def arena(running: Stack, nursery: Nursery, *, hosts: int) -> Iterator[Arena]:
    order = {"name": f"histories-{uuid.uuid4().hex[:8]}"}
    made = httpx.post(f"{running.dynamics.url}/_control/environments", json=order).json()
    # Rows keep seconds: which of two was written last must be seen in them.
    httpx.post(f"{made['url']}/_control/clock", json={"step_seconds": 1}).raise_for_status()
    empty = Arena(running, nursery, [], made["url"], made["organization_id"])
    with _with_hosts(empty, hosts, {}) as ready:
        _set_up(ready)
        yield ready


@contextlib.contextmanager
def missing(safeguard: Safeguard, arena: Arena) -> Iterator[Arena]:
    """The same with hosts that do without a safeguard, to see that it is missed."""
    with _with_hosts(arena, len(arena.places), {WITHOUT: safeguard}) as ready:
        yield ready


@contextlib.contextmanager
def _with_hosts(arena: Arena, hosts: int, settings: Mapping[str, str]) -> Iterator[Arena]:
    origins = f"{arena.running.dynamics.url},{arena.dynamics}"
    settings = {**IMPATIENT, "DYNAMICS_ALLOWED_ORIGINS": origins, **settings}
    with contextlib.ExitStack() as stack:
        places = [stack.enter_context(victim(arena.running, arena.nursery, settings)) for _ in range(hosts)]
        yield replace(arena, places=places)


def _set_up(arena: Arena) -> None:
    connection = {
        "name": "Histories",
        "url": arena.dynamics,
        "tenant_id": DEMO.tenant_id,
        "client_id": DEMO.client_id,
        "client_secret": DEMO.client_secret,
        "environment": "sandbox",
    }
    arena.seed("campaign", {"name": EXPO})
    arena.seed("list", {"listname": FANS, "type": False, "createdfromcode": 4})
    with httpx.Client(base_url=f"{arena.places[0].alive().url}/api/v1/", headers=arena.key, timeout=30) as api:
        _put(api, f"connections/{CONNECTION}", connection)
        for table, rows in MAPPINGS.items():
            shown = [row.model_dump(mode="json", exclude_defaults=True) for row in rows]
            _put(api, f"connections/{CONNECTION}/mappings/{table}", {"rows": shown})
        for action in ACTIONS.values():
            _put(api, f"actions/{action.id}", action.model_dump(mode="json", by_alias=True, exclude={"id"}))


def _put(api: httpx.Client, path: str, body: dict[str, Any]) -> None:
    answer = api.put(path, json=body)
    assert answer.is_success, f"PUT {path}: {answer.status_code} {answer.text}"
