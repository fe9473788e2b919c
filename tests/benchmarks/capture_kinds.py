"""The kinds of captures whose latency is measured: what stands there before, what is posted, what must be answered."""

from dataclasses import dataclass
from typing import Any

import httpx

from infra.local import story
from infra.local.stack import Stack

OWNER = "ann@latency.example"
CAMPAIGN, MEMBERS = "Latency 26", "Latency contacts"
EVERYTHING = "latency-everything"
_CAMPAIGNS = [{"name": CAMPAIGN, "as": "response"}, {"name": MEMBERS, "as": "list"}]


@dataclass(frozen=True, slots=True)
class Kind:
    """`before` is what prepares the person: nothing, an earlier capture, or a row that somebody else made."""

    name: str
    outcome: str
    before: str = ""
    fields: tuple[tuple[str, str], ...] = ()  # beside the usual ones
    action: str = story.ACTION


KINDS = (
    Kind("new", "created"),
    Kind("changed", "updated", before="captured", fields=(("Title", "Head of engines"),)),
    Kind("unchanged", "unchanged", before="captured"),
    Kind("matched", "updated", before="contact"),
    Kind("contact with everything", "created", fields=(("Company", "{person} Ltd"),), action=EVERYTHING),
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody no other capture knows."""

    name: str

    @property
    def email(self) -> str:
        return f"{self.name}@latency.example"

    def first(self) -> dict[str, Any]:
        return self._body(f"{self.name}-1", {})

    def capture(self, kind: Kind) -> dict[str, Any]:
        return self._body(f"{self.name}-2", {name: text.format(person=self.name) for name, text in kind.fields})

    def contact(self) -> dict[str, Any]:
        return {"firstname": "Ada", "lastname": "Old", "emailaddress1": self.email}

    def _body(self, activity: str, fields: dict[str, str]) -> dict[str, Any]:
        usual = {"FirstName": "Ada", "LastName": f"Lovelace {self.name}", "Email": self.email}
        return {
            "event": "captured",
            "form": {"id": 42, "name": "Booth", "event": "Latency 26"},
            "submission": {"activity_id": activity, "type": "barcode", "captured_by": "Ann Lee"},
            "prospect": {"id": self.name, "owner": OWNER, "fields": usual | fields},
            "answers": [{"id": 12, "title": "Wishes", "value": "A demo"}],
        }


def set_up(running: Stack) -> None:
    """The demonstration's connection and mappings; an action without and one with everything beside the person."""
    story.set_up(running, lambda _: None, story.BOOTH)
    user = _seed(running, "systemuser", fullname="Ann Latency", internalemailaddress=OWNER, domainname=OWNER)
    _give_role(running, user["systemuserid"])
    _seed(running, "campaign", name=CAMPAIGN)
    _seed(running, "list", listname=MEMBERS, type=False, createdfromcode=2)
    settings = {
        "create": "contact",
        "account": {"on_missing": "create"},
        "owner": {"by": "captello_owner"},
        "campaigns": _CAMPAIGNS,
        "note": True,
    }
    url = f"{running.app}/api/v1/actions/{EVERYTHING}"
    httpx.put(url, json=story.BOOTH | settings, headers={"x-functions-key": running.key}).raise_for_status()


def seed_contact(running: Stack, person: Person) -> None:
    _seed(running, "contact", **person.contact())


def requests_to_dynamics(running: Stack) -> int:
    """How many requests the simulator has served."""
    answer = httpx.get(f"{running.dynamics.url}/_control/requests", params={"since": "999999999"}).json()
    return int(answer["counters"].get("requests", 0))


def delay_dynamics(running: Stack, milliseconds: float) -> None:
    """Every request takes so much longer, as it does over a distance."""
    order = {"request_ms": milliseconds}
    httpx.post(f"{running.dynamics.url}/_control/latency", json=order).raise_for_status()


def _seed(running: Stack, table: str, **columns: Any) -> dict[str, Any]:
    answer = httpx.post(f"{running.dynamics.url}/_control/rows/{table}", json=columns)
    answer.raise_for_status()
    row: dict[str, Any] = answer.json()
    return row


def _give_role(running: Stack, user_id: str) -> None:
    """Who may not read rows cannot own them."""
    role = {"name": "Owners", "privileges": "all"}
    httpx.post(f"{running.dynamics.url}/_control/roles", json=role).raise_for_status()
    rows = httpx.get(f"{running.dynamics.url}/_control/rows/role").json()["rows"]
    (made,) = [row for row in rows if row["name"] == "Owners"]
    _seed(running, "systemuserroles", systemuserid=user_id, roleid=made["roleid"])
