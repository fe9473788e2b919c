"""Key Vault fails, hangs or loses its reply: captures go on by themselves, and no secret that works is ever lost."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from infra.local import story
from infra.local.entra import DEMO
from tests.faults.fault import At, Fault, Kind
from tests.faults.hosts import victim
from tests.faults.nursery import Nursery
from tests.journeys.conftest import App, Person

FAULTS = (
    Fault(Kind.ERROR, 500),
    Fault(Kind.ERROR, 503),
    Fault(Kind.ERROR, 429, retry_after=1),
    Fault(Kind.RESET_BEFORE),
    Fault(Kind.RESET_AFTER),
    Fault(Kind.TRUNCATED),
    Fault(Kind.SLOW, seconds=5),  # longer than a capture's deadline
    Fault(Kind.KILL_BEFORE),
    Fault(Kind.KILL_AFTER),
)


def _post_where(app: App, hosts: Nursery, fault: Fault, number: int, person: Person) -> None:
    """To a host that has just started, whose request to the vault of this number meets the fault."""
    with victim(app.stack, hosts) as place, place.host() as host:
        place.vault.begin(At(fault, number, on="/secrets/"), victim=host.pid)
        try:
            url, headers = f"{host.url}/api/capture/{story.ACTION}", {"x-functions-key": app.stack.key}
            status = httpx.post(url, json=person.capture(), headers=headers, timeout=30).status_code
        except httpx.TransportError:
            status = 0
        assert [each.fault for each in place.vault.struck] == [fault]
    assert status in ((0,) if fault.kind in (Kind.KILL_BEFORE, Kind.KILL_AFTER) else (200, 202)), fault


def test_a_fault_while_the_secret_is_read_costs_nobody(app: App, hosts: Nursery) -> None:
    """At either request: the one that asks who may read, and the one that reads. The person stands there once."""
    places = [*((fault, 2) for fault in FAULTS), *((Fault(kind), 1) for kind in (Kind.RESET_AFTER, Kind.KILL_BEFORE))]
    people = [Person(9_000 + place) for place in range(len(places))]
    with ThreadPoolExecutor(6) as pool:
        posted = [
            pool.submit(_post_where, app, hosts, fault, number, person)
            for (fault, number), person in zip(places, people, strict=True)
        ]
    for each in posted:
        each.result()
    receipts = [app.capture(person.capture()).json()["receipt"] for person in people]
    app.settles(receipts)
    assert [len(app.rows("lead", emailaddress1=person.email)) for person in people] == [1] * len(people)


@pytest.mark.parametrize("kind", [Kind.ERROR, Kind.RESET_AFTER, Kind.KILL_AFTER])
def test_a_secret_whose_saving_was_not_answered_can_be_saved_again(app: App, hosts: Nursery, kind: Kind) -> None:
    """The vault's client asks again, or a person does; the connection works all the time, in any host."""
    name = f"vault-{kind.partition(' ')[0]}"
    body = {"client_id": DEMO.client_id, "tenant_id": DEMO.tenant_id, "client_secret": DEMO.client_secret}
    app.save(f"connections/{name}", body | {"url": app.stack.dynamics.url}).raise_for_status()
    app.save(f"connections/{name}/mappings/lead", {"rows": story.MAPPINGS["lead"]}).raise_for_status()
    app.action(name, connection=name, match={"tables": "leads", "by": "email"})
    with victim(app.stack, hosts) as place, place.host() as host:
        place.vault.begin(At(Fault(kind, 503), 1, on="^PUT .*/secrets/"), victim=host.pid)
        assert _save_secret(app, host.url, name) == (0 if kind is Kind.KILL_AFTER else httpx.codes.OK)
        assert place.vault.struck
    with victim(app.stack, hosts) as place, place.host() as host:
        assert _save_secret(app, host.url, name) == httpx.codes.OK
    person = Person(9_100 + len(kind))
    assert app.capture(person.capture(), action=name).json()["outcome"] == "created"
    assert app.client.get(f"/api/v1/connections/{name}").json()["state"] == "active"


def _save_secret(app: App, host: str, connection: str) -> int:
    url, headers = f"{host}/api/v1/connections/{connection}/secret", {"x-functions-key": app.stack.key}
    try:
        return httpx.put(url, json={"client_secret": DEMO.client_secret}, headers=headers, timeout=60).status_code
    except httpx.TransportError:
        return 0
