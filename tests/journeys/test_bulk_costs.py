"""What a bulk action costs Dynamics: how few requests, counted there, however many people come."""

import contextlib

import httpx
import pytest

from infra.local import story
from tests.benchmarks.bulk_crm import Crm
from tests.benchmarks.bulk_people import BY_EMAIL, BY_NAME_TOO, Mix, people
from tests.journeys.conftest import App, Person
from tests.journeys.test_bulk import is_over

COUNT = 500  # as many as a chunk holds
FOLDED, FOLDED_REQUESTS = 40, 6


@pytest.mark.parametrize(("mix", "most"), [(BY_EMAIL, 12), (BY_NAME_TOO, 16)], ids=lambda value: str(value)[:12])
def test_a_thousand_people_take_few_requests(app: App, mix: Mix, most: int) -> None:
    """Half new, a third changed, the rest as they stood: at most 12 requests a thousand, 16 with names and accounts.

    And each of them stands there once, with the right company.
    """
    everybody = people(mix, COUNT, f"cost{most}")
    with contextlib.closing(Crm(app.stack.dynamics.url, app.stack.dynamics_token)) as dynamics:
        dynamics.fill(everybody)
    action = app.action(f"costs-{mix.table}", **mix.action(story.CONNECTION))
    before = _requests(app)
    captures = [person.capture() for person in everybody]
    begun = app.client.post("/api/v1/bulk", json={"action": action, "prospects": captures})
    seen = is_over(app, begun.raise_for_status().json()["batch"])
    took = _requests(app) - before
    with contextlib.closing(Crm(app.stack.dynamics.url, app.stack.dynamics_token)) as dynamics:
        dynamics.require(everybody)
    assert sum(seen["outcomes"].values()) == COUNT
    assert seen["outcomes"]["created"] == COUNT // 2
    assert took * 1000 / COUNT <= most


def test_a_person_who_comes_often_is_written_once(app: App) -> None:
    """Everybody three times in one file costs what everybody once costs; each line has its own outcome."""
    action = app.action("costs-folded", match={"tables": "leads", "by": "email"}, note=True)
    everybody = [Person(1_900_000 + number) for number in range(FOLDED)]
    app.capture(Person(1_899_999).capture(), action=action)  # what a connection learns first is not counted
    lines = [
        person.capture(activity=10 * person.number + time, Title=title)
        for time, title in enumerate(("Analyst", "Countess", "Countess"))
        for person in everybody
    ]
    before = _requests(app)
    begun = app.client.post("/api/v1/bulk", json={"action": action, "prospects": lines})
    seen = is_over(app, begun.raise_for_status().json()["batch"])
    assert _requests(app) - before <= FOLDED_REQUESTS
    assert seen["outcomes"] == {"created": FOLDED, "updated": FOLDED, "unchanged": FOLDED}
    for person in everybody:
        (lead,) = app.rows("lead", emailaddress1=person.email)
        assert lead["jobtitle"] == "Countess"
        assert lead["createdon"] == lead["modifiedon"]


def _requests(app: App) -> int:
    answer = httpx.get(f"{app.stack.dynamics.url}/_control/requests", params={"since": "999999999"}).json()
    return int(answer["counters"]["requests"])
