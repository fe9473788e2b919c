"""The host is killed with SIGKILL between any two steps of a capture; the capture stands once all the same."""

import httpx
from azure.data.tables import TableServiceClient

from core.domain.capture import Capture, identity
from core.storage.names import LEDGER_TABLE
from infra.local import story
from tests.journeys.conftest import App, Person
from tests.journeys.killing_proxy import ProxiedHosts

# More than a capture takes; how many it really takes is counted first.
STEPS_MOST = 12
LATER_PERSONS = 7000


def _post(url: str, key: str, person: Person) -> httpx.Response | None:
    try:
        return httpx.post(
            f"{url}/api/capture/{story.ACTION}", json=person.capture(), headers={"x-functions-key": key}, timeout=20
        )
    except httpx.TransportError:
        return None


def _steps_of_a_capture(victims: ProxiedHosts) -> list[str]:
    with victims.host() as (_, url):
        victims.plan.begin()
        answer = _post(url, victims.key, Person(LATER_PERSONS))
        assert answer is not None
        assert answer.json()["outcome"] == "created"
        return list(victims.plan.seen)


def test_killed_between_any_two_steps_the_capture_stands_once(proxied_hosts: ProxiedHosts, app: App) -> None:
    """Whatever had been durable is completed by another host; what had not, when it is sent again. One row, one log."""
    victims = proxied_hosts
    steps = _steps_of_a_capture(victims)
    assert 5 <= len(steps) <= STEPS_MOST, steps
    persons: list[Person] = []
    for at in range(1, len(steps) + 1):
        for after in (False, True):
            person = Person(LATER_PERSONS + len(persons) + 1)
            persons.append(person)
            with victims.host() as (pid, url):
                victims.plan.begin(victim=pid, at=at, after=after)
                assert _post(url, victims.key, person) is None, f"nobody died at step {at} of {steps}"
    # The stack's own host runs all the while. What was durable, it completes without being asked.
    stored = _stored(app) & {_receipt(person) for person in persons}
    assert len(stored) > len(persons) / 2
    app.settles(stored)
    for person in persons:
        said = app.capture(person.capture()).json()  # the sender never heard of it, so he sends it again
        assert said["outcome"] == "created"
        assert len(app.rows("lead", emailaddress1=person.email)) == 1
        (log,) = app.logs(prospect=str(100_000 + person.number))
        assert (log["outcome"], log["record_id"]) == ("created", said["record_id"])


def _receipt(person: Person) -> str:
    return identity(story.ACTION, Capture.model_validate(person.capture()))


def _stored(app: App) -> set[str]:
    """The deliveries in the ledger, whatever their state."""
    with TableServiceClient.from_connection_string(app.stack.storage.connection_string) as service:
        ledger = service.get_table_client(LEDGER_TABLE)
        found = ledger.query_entities("RowKey ge 'delivery|' and RowKey lt 'delivery}'", select=["RowKey"])
        return {entity["RowKey"].removeprefix("delivery|") for entity in found}
