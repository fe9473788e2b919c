"""The host is killed with SIGKILL between any two effects of a capture; the capture stands once all the same.

For a process that dies, between two effects is one place, wherever in it: so it is killed at each request that writes,
before that goes on, and after the last. Storage and Dynamics are behind one proxy and counted together.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from infra.local import story
from tests.faults.fault import At, Fault, Faults, Kind
from tests.faults.hosts import Victim
from tests.journeys.conftest import App, Person

LATER_PERSONS = 7000
# Look-ups in Dynamics go as a batch too, and cannot be told from a change set: one place more.
EFFECT = "^(POST|PUT|PATCH|MERGE|DELETE) "
EFFECTS_LEAST, EFFECTS_MOST = 6, 9


@dataclass(frozen=True)
class Write:
    """A kind of capture: what stands there before, the body, and under which action it is posted."""

    outcome: str
    body: Callable[[Person], dict[str, Any]]
    prepare: Callable[[App, Person], object] | None = None
    action: str = story.ACTION


def _all_beside(app: App) -> str:
    app.seed("campaign", name="Killed 26")
    app.seed("list", listname="Killed list", type=False, createdfromcode=2)
    campaigns = [{"name": "Killed 26", "as": "response"}, {"name": "Killed list", "as": "list"}]
    return app.action("killed-beside", note=True, account={"on_missing": "create"}, campaigns=campaigns)


def _held(person: Person) -> dict[str, Any]:
    body = person.capture()
    body["submission"] |= {"hold_request_id": 70_000 + person.number}
    return body


def _answered(person: Person) -> dict[str, Any]:
    answers = [{"id": 12, "title": "Wishes", "value": "A demo"}]
    return person.capture(Company=f"Killed {person.number}") | {"answers": answers}


def _kinds(app: App) -> list[Write]:
    def contact(app: App, person: Person) -> None:
        app.seed("contact", emailaddress1=person.email, lastname="Old")

    return [
        Write("created", Person.capture),
        Write("updated", Person.capture, contact),
        Write("updated", _answered, contact, action=_all_beside(app)),
        Write("created", _released, lambda app, person: app.capture(_held(person))),
    ]


def _released(person: Person) -> dict[str, Any]:
    return {**_held(person), "event": "released"}


def _post(victim: Victim, person: Person, write: Write, faults: Faults | None = None) -> httpx.Response | None:
    key = {"x-functions-key": victim.nursery.running.key}
    with victim.host(faults) as host:
        url = f"{host.url}/api/capture/{write.action}"
        try:
            return httpx.post(url, json=write.body(person), headers=key, timeout=20)
        except httpx.TransportError:
            return None


def _killed_everywhere(app: App, victim: Victim, write: Write, number: int) -> list[Person]:
    """One person for each place: before the first effect, the second, and so on until nobody dies; after the last."""
    people: list[Person] = []
    answer = None
    while answer is None:
        people.append(_prepared(app, write, number + 1 + len(people)))
        answer = _post(victim, people[-1], write, At(Fault(Kind.KILL_BEFORE), len(people), on=EFFECT))
    assert answer.json()["outcome"] == write.outcome, answer.text
    assert EFFECTS_LEAST <= len(people) - 1 <= EFFECTS_MOST, victim.proxy.requests
    people.append(_prepared(app, write, number))
    assert _post(victim, people[-1], write, At(Fault(Kind.KILL_AFTER), len(people) - 2, on=EFFECT)) is None
    return people


def _prepared(app: App, write: Write, number: int) -> Person:
    person = Person(number)
    if write.prepare:
        write.prepare(app, person)
    return person


def test_killed_between_any_two_effects_a_capture_stands_once(proxied_host: Victim, app: App) -> None:
    """Whatever had been durable is completed by another host; what had not, when it is sent again. One row, one log,
    each note, response, membership and company once: for a new row, a changed one, one with everything beside it, and
    a held submission that is released.
    """
    people = [
        (person, write)
        for number, write in enumerate(_kinds(app))
        for person in _killed_everywhere(app, proxied_host, write, LATER_PERSONS + 100 * number)
    ]
    _are_completed(app, {person.number for person, _ in people})
    for person, write in people:
        _stands_once(app, person, write)


def _are_completed(app: App, numbers: set[int]) -> None:
    """What was durable is in the log without having been asked for, sooner or later."""
    known = {number for number in numbers if app.logs(prospect=str(100_000 + number))}
    assert len(known) > len(numbers) / 2
    app.settles({log["delivery"] for number in known for log in app.logs(prospect=str(100_000 + number))})


def _stands_once(app: App, person: Person, write: Write) -> None:
    said = app.capture(write.body(person), action=write.action).json()  # the sender never heard of it
    assert said["outcome"] == write.outcome, (person, write, said)
    rows = [row for table in ("lead", "contact") for row in app.rows(table, emailaddress1=person.email)]
    assert len(rows) == 1, (person, write)
    (log,) = app.logs(prospect=str(100_000 + person.number))
    assert (log["outcome"], log["record_id"]) == (write.outcome, said["record_id"])
    if write.action != story.ACTION:
        assert len(app.rows("account", name=f"Killed {person.number}")) == 1, person
        # A response names its person in a row of its own.
        for table in ("annotation", "activityparty", "listmember"):
            assert len([row for row in app.rows(table) if said["record_id"] in repr(row)]) == 1, (person, table)
