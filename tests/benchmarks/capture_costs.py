"""How many requests to Dynamics a capture takes, by what happens to it, when names are remembered.

`python -m tests.benchmarks.capture_costs`, in the tests' environment, runs the local stack and prints a table.
"""

import itertools
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from infra.local import story
from infra.local.stack import stack
from tests.journeys.conftest import App, Person

_OWNER, _TEAM = "costs@benchmarks.example", "Booth team"
_BY_NAME = {"match": {"tables": "contacts_then_leads", "by": "email_or_name"}}
_OWNED: dict[str, Any] = {"owner": {"by": "fixed", "fallback": _OWNER}}
_COMPANY: dict[str, Any] = {"account": {"by": "name", "on_missing": "create"}}
_EVERYTHING = {**_OWNED, **_COMPANY, "note": True, "campaigns": [{"name": "Costs 26", "as": "response"}]}
_CAMPAIGNS = [
    {"name": "Costs 26", "as": "source"},
    {"name": "Costs 26", "as": "response"},
    {"name": "Costs list", "as": "list"},
]

Prepare = Callable[["Counting", Person, str], None]


@dataclass(frozen=True, slots=True)
class Case:
    """`before` makes what stands there already; `fields` are said beside the usual ones."""

    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    before: Prepare | None = None
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counting:
    app: App
    numbers: "itertools.count[int]"

    def person(self) -> Person:
        return Person(next(self.numbers), next(self.numbers))

    def cost(self, case: Case) -> tuple[str, list[str]]:
        """The outcome, and each request. Somebody else has come the same way before."""
        action = self.app.action(f"costs-{next(self.numbers)}", **case.settings)
        self._captured(case, action)
        return self._captured(case, action)

    def _captured(self, case: Case, action: str) -> tuple[str, list[str]]:
        person = self.person()
        if case.before:
            case.before(self, person, action)
        seen = len(self._requests())
        said = self.app.capture(said_by(person, **case.fields), action=action).json()
        return said["outcome"], self._requests()[seen:]

    def _requests(self) -> list[str]:
        answered = httpx.get(f"{self.app.stack.dynamics.url}/_control/requests").json()["requests"]
        return [f"{each['method']} {each['path'].partition('(')[0].rpartition('v9.2/')[2]}" for each in answered]


def said_by(person: Person, *, submission: int = 2, **fields: Any) -> dict[str, Any]:
    body = person.capture(activity=person.activity * 10 + submission, Company=f"Costs {person.number}", **fields)
    return body | {"answers": [{"id": 1, "title": "Wishes", "value": "A demo"}]}


def _captured(counting: Counting, person: Person, action: str) -> None:
    counting.app.capture(said_by(person, submission=1), action=action).raise_for_status()


def _lead(counting: Counting, person: Person, _: str) -> None:
    counting.app.seed("lead", subject="s", lastname="Old", emailaddress1=person.email)


def _namesake(counting: Counting, person: Person, _: str) -> None:
    counting.app.seed("lead", subject="s", firstname="Ada", lastname=f"Lovelace {person.number}")


def _merged(counting: Counting, person: Person, _: str) -> None:
    survivor = counting.app.seed("contact", lastname="Kept", emailaddress1=f"kept.{person.email}")
    gone = {"merged": True, "statecode": 1, "statuscode": 2, "masterid": survivor["contactid"]}
    counting.app.seed("contact", lastname="Old", emailaddress1=person.email, **gone)


def _qualified(counting: Counting, person: Person, _: str) -> None:
    contact = counting.app.seed("contact", lastname="Became", emailaddress1=f"became.{person.email}")
    over = {"statecode": 1, "statuscode": 3, "parentcontactid": contact["contactid"]}
    counting.app.seed("lead", subject="s", lastname="Old", emailaddress1=person.email, **over)


CASES = (
    Case("new lead"),
    Case("known by link, changed", before=_captured, fields={"Title": "Countess"}),
    Case("known by link, unchanged", {"note": False}, before=_captured),
    Case("matched by e-mail", before=_lead),
    Case("matched by name", _BY_NAME, before=_namesake, fields={"Email": ""}),
    Case("new lead with an owner", _OWNED),
    Case("new lead with a team", {"owner": {"by": "fixed", "fallback": _TEAM}}),
    Case("new lead with everything", {**_EVERYTHING, "campaigns": _CAMPAIGNS}),
    Case("new contact with everything", {"create": "contact", **_EVERYTHING}),
    Case("contact with everything, again", {"create": "contact", **_EVERYTHING}, before=_captured),
    Case("merged into another contact", before=_merged),
    Case("qualified, now a contact", before=_qualified),
)


def _set_up(app: App) -> None:
    user = app.seed("systemuser", fullname="Cost Owner", internalemailaddress=_OWNER, domainname=_OWNER)
    app.give_role(user["systemuserid"])
    team = app.seed("team", name=_TEAM, teamtype=0)
    app.seed("systemuserroles", systemuserid=team["teamid"], roleid=app.rows("role", name="Owners")[0]["roleid"])
    app.seed("campaign", name="Costs 26")
    app.seed("list", listname="Costs list", type=False, createdfromcode=4)


def main() -> None:
    with stack(port=0) as running:
        story.set_up(running, lambda _: None, story.BOOTH)
        with httpx.Client(base_url=running.app, headers={"x-functions-key": running.key}, timeout=30) as client:
            app = App(client, running)
            _set_up(app)
            counting = Counting(app, itertools.count(600_000))
            for case in CASES:
                outcome, requests = counting.cost(case)
                sys.stdout.write(f"{case.name:32} {outcome:10} {len(requests)}  {', '.join(requests)}\n")


if __name__ == "__main__":
    main()
