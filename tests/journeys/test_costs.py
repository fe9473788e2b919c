"""What a capture costs on a warm host: requests to Dynamics, and operations on storage."""

from typing import Any

import httpx

from infra.local import story
from infra.local.azurite import ACCOUNT
from tests.faults.hosts import Victim
from tests.journeys.conftest import App, Person

BATCH = "POST /api/data/v9.2/$batch"


class Counted:
    """Posts captures at a host and tells what each took."""

    def __init__(self, app: App, place: Victim, url: str) -> None:
        self._app, self._place, self._url = app, place, url

    def post(self, body: dict[str, Any], *, action: str = story.ACTION) -> tuple[str, list[str], int]:
        """The outcome, the requests to Dynamics, how many operations on storage."""
        self._place.proxy.begin()
        key = {"x-functions-key": self._app.stack.key}
        answer = httpx.post(f"{self._url}/api/capture/{action}", json=body, headers=key, timeout=20)
        requests = self._place.proxy.requests
        dynamics = [each.partition("(")[0] for each in requests if self._app.stack.dynamics.url in each]
        storage = [each for each in requests if f"/{ACCOUNT}/" in each]
        told = [each.replace(self._app.stack.dynamics.url, "") for each in dynamics]
        return answer.json()["outcome"], told, len(storage)


def test_a_capture_costs_what_we_say_it_does(app: App, proxied_host: Victim) -> None:
    """One look-up batch, one write; eight storage operations. Nothing to write: one request, seven operations."""
    with proxied_host.host() as host:
        counted = Counted(app, proxied_host, host.url)
        counted.post(Person(80_001).capture())  # warms configuration, token and connections
        person, matched = Person(80_002), Person(80_003)
        assert counted.post(person.capture()) == ("created", [BATCH, "PATCH /api/data/v9.2/leads"], 8)
        assert counted.post(person.capture(activity=800_001)) == ("unchanged", [BATCH], 7)
        changed = person.capture(activity=800_002, Title="Countess")
        assert counted.post(changed) == ("updated", [BATCH, "PATCH /api/data/v9.2/leads"], 8)
        app.seed("contact", emailaddress1=matched.email, lastname="Old")
        assert counted.post(matched.capture()) == ("updated", [BATCH, "PATCH /api/data/v9.2/contacts"], 8)


def test_what_goes_beside_the_person_costs_no_request_more(app: App, proxied_host: Victim) -> None:
    """Company, owner, campaigns and note: still one batch of look-ups and one change set; one read more in storage."""
    user = app.seed("systemuser", fullname="Cost Owner", internalemailaddress="costs@beside.example")
    app.give_role(user["systemuserid"])
    app.seed("campaign", name="Costs 26")
    app.seed("list", listname="Costs list", type=False, createdfromcode=2)
    action = app.action(
        "costs-beside",
        create="contact",
        note=True,
        account={"on_missing": "create"},
        owner={"by": "fixed", "fallback": "costs@beside.example"},
        campaigns=[{"name": "Costs 26", "as": "response"}, {"name": "Costs list", "as": "list"}],
    )
    with proxied_host.host() as host:
        counted = Counted(app, proxied_host, host.url)
        counted.post(_answered(Person(80_010)), action=action)  # names are remembered now
        person = Person(80_011)
        assert counted.post(_answered(person), action=action) == ("created", [BATCH, BATCH], 9)
        again = counted.post(_answered(person, "Another demo"), action=action)
        # An edit finds its submission known: its insert is refused, it reads what was heard, and is inserted after it.
        assert again == ("updated", [BATCH, "PATCH /api/data/v9.2/annotations"], 12)
        assert counted.post(_answered(Person(80_012)), action=action) == ("created", [BATCH, BATCH], 9)


def _answered(person: Person, wish: str = "A demo") -> dict[str, Any]:
    return person.capture(Company="Costs Ltd") | {"answers": [{"id": 1, "title": "Wishes", "value": wish}]}
