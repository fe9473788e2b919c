"""What a capture costs on a warm host: requests to Dynamics, and operations on storage."""

from typing import Any

import httpx

from infra.local import story
from tests.journeys.conftest import App, Person
from tests.journeys.killing_proxy import Plan, ProxiedHosts

BATCH = "POST /api/data/v9.2/$batch"


class Counted:
    """Posts captures at a host and tells what each took."""

    def __init__(self, app: App, plan: Plan, url: str) -> None:
        self._app, self._plan, self._url = app, plan, url

    def post(self, body: dict[str, Any]) -> tuple[str, list[str], list[str]]:
        """The outcome, the requests to Dynamics, the operations on storage."""
        self._plan.begin()
        known = self._requests()
        key = {"x-functions-key": self._app.stack.key}
        answer = httpx.post(f"{self._url}/api/capture/{story.ACTION}", json=body, headers=key, timeout=20)
        return answer.json()["outcome"], self._requests()[len(known) :], list(self._plan.seen)

    def _requests(self) -> list[str]:
        served = httpx.get(f"{self._app.stack.dynamics.url}/_control/requests").json()["requests"]
        return [f"{each['method']} {each['path'].partition('(')[0]}" for each in served]


def test_a_capture_costs_what_we_say_it_does(app: App, proxied_hosts: ProxiedHosts) -> None:
    """New or changed: one look-up batch and one write, eight storage operations. Unchanged: one and seven."""
    with proxied_hosts.host() as (_, url):
        counted = Counted(app, proxied_hosts.plan, url)
        counted.post(Person(80_001).capture())  # warms configuration, token and connections
        person = Person(80_002)
        outcome, dynamics, storage = counted.post(person.capture())
        assert (outcome, dynamics) == ("created", [BATCH, "PATCH /api/data/v9.2/leads"])
        assert len(storage) == 8, storage
        outcome, dynamics, storage = counted.post(person.capture(activity=800_001))
        assert (outcome, dynamics) == ("unchanged", [BATCH])
        assert len(storage) == 7, storage
        outcome, dynamics, storage = counted.post(person.capture(activity=800_002, Title="Countess"))
        assert (outcome, dynamics) == ("updated", [BATCH, "PATCH /api/data/v9.2/leads"])
        assert len(storage) == 8, storage
