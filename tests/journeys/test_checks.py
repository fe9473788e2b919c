"""The check over real Entra, Key Vault and Dynamics (simulated), and what of a credential is ever seen again."""

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from azure.data.tables import TableServiceClient

from core.domain.action import SyncAction
from core.domain.privileges import features_of
from infra.local.dynamics import Dynamics, dynamics
from infra.local.entra import DEMO
from infra.local.stack import Stack
from tests.infra.test_entra_certificate import make_identity
from tests.journeys import broken_set_ups
from tests.journeys.broken_set_ups import SET_UPS, SetUp, Workshop

_COMPANY = {"rows": [{"source": "Company", "column": "name"}]}
FABRIKAM = "44444444-4444-4444-8444-444444444444"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the workshop's host says."""
    return tmp_path_factory.mktemp("log") / "host.log"


@pytest.fixture(scope="module")
def fabrikam(running: Stack) -> Iterator[Dynamics]:
    """Another company's environment, in a tenant of its own."""
    trust = ssl.create_default_context(cafile=running.certificates.authority)
    keys = jwt.PyJWKClient(f"{running.authority}/{DEMO.tenant_id}/discovery/v2.0/keys", ssl_context=trust)

    def verify(token: str, audience: str) -> Mapping[str, object]:
        try:
            claims: dict[str, object] = jwt.decode(
                token, keys.get_signing_key_from_jwt(token).key, algorithms=["RS256"], audience=audience
            )
        except jwt.PyJWTError as problem:
            raise ValueError(str(problem)) from problem
        return claims

    with dynamics(verify, client_ids=(), name="fabrikam", tenant_id=FABRIKAM) as served:
        yield served


@pytest.fixture(scope="module")
def workshop(running: Stack, log: Path, fabrikam: Dynamics) -> Iterator[Workshop]:
    with log.open("w") as lines, broken_set_ups.workshop(running, lines, also=fabrikam.url) as made:
        yield made


@pytest.mark.parametrize("set_up", SET_UPS, ids=lambda set_up: set_up.title)
def test_each_broken_set_up_is_found(workshop: Workshop, set_up: SetUp) -> None:
    """One step fails, with its own code, and says how to mend it; the connection's view shows the same."""
    set_up.breaks(workshop, set_up.connection)
    result = workshop.check(set_up.connection)
    failed = [step for step in result["steps"] if step["status"] == "failed"]
    assert [(step["name"], step["code"]) for step in failed] == [(set_up.step, set_up.code)]
    assert failed[0]["fix"]
    assert not result["passed"]
    assert workshop.app.get(f"/connections/{set_up.connection}").json()["check"] == result


def test_no_two_broken_set_ups_have_the_same_finding() -> None:
    """Twelve mistakes and more, each told apart."""
    assert len({(set_up.step, set_up.code) for set_up in SET_UPS}) == len(SET_UPS) >= 12


def test_a_check_takes_few_requests(workshop: Workshop) -> None:
    """Besides one without a token: who we are, what we may, change tracking, and what a table's description takes."""
    client_id = workshop.working("few-requests")
    taken: list[int] = []
    for _ in range(3):  # the timer may look at the connection meanwhile, hardly each time
        before = _requests_of(workshop, client_id, entra=False)
        assert workshop.check("few-requests")["passed"]
        taken.append(_requests_of(workshop, client_id, entra=False) - before)
    assert 3 <= min(taken) <= 6


def test_the_privileges_that_a_check_asks_for_are_enough(workshop: Workshop) -> None:
    """With these and no others, everything that an action can do is done: nothing is refused, nothing left out."""
    name, owner = "exactly", "owner@checks.example"
    workshop.seed("campaign", name="Checks 26")
    workshop.seed("list", listname="Checks", type=False, createdfromcode=4)
    user = workshop.seed("systemuser", fullname="Ann", internalemailaddress=owner, domainname=owner)["systemuserid"]
    client_id = workshop.working(name)
    workshop.save(f"/connections/{name}/mappings/account", _COMPANY).raise_for_status()
    campaigns = [("Checks 26", "source"), ("Checks 26", "response"), ("Checks", "list")]
    body = {
        "connection": name,
        "match": {"tables": "leads"},
        "create": "lead",
        "note": True,
        "account": {"on_missing": "create"},
        "owner": {"by": "fixed", "fallback": owner},
        "campaigns": [{"name": campaign, "as": kind} for campaign, kind in campaigns],
    }
    workshop.save(f"/actions/{name}", body).raise_for_status()
    needed = {
        privilege.name.lower()
        for feature in features_of(SyncAction.model_validate({"id": name, **body}))
        for privilege in feature.needs
    }
    known = [row["name"] for row in workshop.dynamics.get("/_control/rows/privilege").json()["rows"]]
    granted = [privilege for privilege in known if privilege.lower() in needed]
    assert len(granted) == len(needed) == 23
    order = {"name": name, "privileges": granted}
    workshop.dynamics.post("/_control/roles", json=order).raise_for_status()
    workshop.user(client_id, roles=[name])
    workshop.dynamics.post("/_control/users", json={"systemuserid": user, "roles": [name]}).raise_for_status()
    assert workshop.check(name)["passed"]
    for company, outcome in (("Old", "created"), ("New", "updated")):
        answer = _capture(workshop, name, company=company).json()
        assert (answer["outcome"], answer["warnings"]) == (outcome, [])


def test_checking_resumes_what_was_mended_elsewhere(workshop: Workshop) -> None:
    """Somebody enables the user again: the check finds out, and the connection is active."""
    client_id = workshop.working("mended")
    workshop.user(client_id, disabled=True)
    answer = _capture(workshop, "mended")
    assert answer.json()["outcome"] == "paused"
    assert _view(workshop, "mended")["state"] == "paused"
    workshop.user(client_id, disabled=False)
    assert workshop.check("mended")["passed"]
    assert _view(workshop, "mended")["state"] == "active"


def test_a_connection_is_made_once(workshop: Workshop) -> None:
    """POST on the collection names the new one; a second is told to use PUT."""
    client_id = workshop.application()
    body = {"id": "posted", "url": str(workshop.dynamics.base_url), "tenant_id": workshop.tenant_id}
    body |= {"client_id": client_id, "client_secret": workshop.secret(client_id)["value"]}
    first, second = (workshop.app.post("/connections", json=body) for _ in range(2))
    assert (first.status_code, first.json()["state"], second.status_code) == (201, "active", 409)


def test_a_certificate_is_as_good_as_a_secret(workshop: Workshop) -> None:
    """Its end is known without being told, and the check says so."""
    identity, client_id = make_identity(), workshop.application()
    workshop.certificate(client_id, identity.certificate)
    workshop.connect("certified", client_id, client_secret=None, client_certificate=identity.pem.decode())
    view = _view(workshop, "certified")
    assert (view["state"], view["credential"], view["secret_expires_on"]) == ("active", "certificate", "2035-12-30")
    workshop.configure("certified")
    assert _capture(workshop, "certified").json()["outcome"] == "created"


def test_two_companies_know_nothing_of_each_other(workshop: Workshop, fabrikam: Dynamics) -> None:
    """Tenants, tokens, metadata, links and pauses: the same person in both is a row in each, and trouble stays where
    it is.
    """
    with httpx.Client(base_url=fabrikam.url) as http:
        elsewhere = replace(workshop, dynamics=http, tenant_id=FABRIKAM)
        ours, theirs = workshop.working("company-a"), elsewhere.working("company-b")
        elsewhere.customize(do="add_column", table="lead", name="fab_only")
        captured = [_capture(workshop, name, person="shared").json() for name in ("company-a", "company-b")]
        assert [each["outcome"] for each in captured] == ["created", "created"]
        assert captured[0]["record_id"] != captured[1]["record_id"]
        assert captured[1]["record_id"] in http.get("/_control/rows/lead").text
        assert captured[0]["record_id"] not in http.get("/_control/rows/lead").text
        assert ["fab_only" in _columns(workshop, name) for name in ("company-a", "company-b")] == [False, True]
        elsewhere.user(theirs, disabled=True)
        again = [_capture(workshop, name, person="shared", company="New").json() for name in ("company-a", "company-b")]
        assert [each["outcome"] for each in again] == ["updated", "paused"]
        assert again[0]["record_id"] == captured[0]["record_id"]
        users = {each["user"] for each in http.get("/_control/requests").json()["requests"]} - {None, ""}
        assert (users, ours in users) == ({theirs}, False)


def test_another_instance_goes_on_when_the_secret_is_replaced(workshop: Workshop, running: Stack) -> None:
    """It has the old secret, and a token that was made with it, in memory; then it hears of the new one."""
    client_id = workshop.application()
    old = workshop.secret(client_id)
    workshop.connect("replaced", client_id, client_secret=old["value"])
    workshop.configure("replaced")
    with httpx.Client(base_url=f"{running.app}/api/v1/", headers=workshop.app.headers, timeout=30) as http:
        instance = replace(workshop, app=http)
        assert instance.check("replaced")["passed"]  # it has heard of the mapping
        assert _capture(instance, "replaced", person="one").json()["outcome"] == "created"
        new = {"client_secret": workshop.secret(client_id)["value"]}
        assert workshop.app.put("/connections/replaced/secret", json=new).json()["state"] == "active"
        workshop.expire(old)
        assert _capture(instance, "replaced", person="two").json()["outcome"] == "created"
        assert instance.check("replaced")["passed"]


@pytest.mark.parametrize("where", ["page", "impostor", "silent"])
def test_a_working_connection_is_not_led_astray(workshop: Workshop, where: str) -> None:
    """Another address is tried before it is kept: the finding names the field, and the old address stays in use."""
    client_id = workshop.application()
    workshop.connect("astray", client_id).raise_for_status()
    known = _view(workshop, "astray")
    answer = workshop.connect("astray", client_id, url=getattr(workshop, where))
    assert answer.status_code == (503 if where == "silent" else 422)
    assert where == "silent" or answer.json()["errors"][0]["field"] == "url"
    assert _view(workshop, "astray")["url"] == known["url"]


def test_nothing_is_sent_on_a_revoked_connection(workshop: Workshop) -> None:
    """Neither for captures nor for plans, checks or columns."""
    client_id = workshop.working("sends-nothing")
    assert workshop.check("sends-nothing")["passed"]  # so that the daily one is not just being made
    workshop.app.post("/connections/sends-nothing/revoke", json={"confirm": "sends-nothing"}).raise_for_status()
    before = _requests_of(workshop, client_id)
    assert _capture(workshop, "sends-nothing").json()["outcome"] == "paused"
    assert not workshop.check("sends-nothing")["passed"]
    assert workshop.app.get("/connections/sends-nothing/tables/lead/columns").status_code == 409
    assert _requests_of(workshop, client_id) == before


def test_no_credential_is_ever_seen_again(workshop: Workshop, running: Stack, log: Path) -> None:
    """Not in an answer, in no table, in no line of the log: good ones and bad ones, replaced and erased."""
    name = "canaries"
    client_id = workshop.working(name)
    pem = make_identity().pem.decode()
    canaries = [workshop.canary, *[line for line in pem.splitlines() if len(line) == 64][:5]]
    attempts = [
        {"client_secret": f"{workshop.canary}-wrong"},
        {"client_secret": workshop.secret(client_id)["value"]},
        {"client_certificate": pem},
        {"client_certificate": f"{workshop.canary}-no-certificate", "certificate_password": workshop.canary},
        {"client_secret": f"{workshop.canary}-wrong", "colour": "blue"},
        {"client_secret": {"nested": workshop.canary}},
    ]
    answers = [workshop.app.put(f"/connections/{name}/secret", json=each) for each in attempts]
    assert [answer.status_code for answer in answers] == [422, 200, 422, 422, 422, 422]
    answers += [workshop.app.post(f"/connections/{name}/check"), _capture(workshop, name)]
    answers += [workshop.app.post(f"/connections/{name}/revoke", json={"confirm": name})]
    answers += [workshop.app.get(path) for path in ("/connections", f"/connections/{name}", "/logs?limit=200")]
    seen = [answer.text for answer in answers] + [log.read_text(), *_tables(running)]
    for canary in canaries:
        assert not [text[:200] for text in seen if canary in text]


def _tables(running: Stack) -> Iterator[str]:
    """Every entity of every table, as text."""
    with TableServiceClient.from_connection_string(running.storage.connection_string) as service:
        for table in service.list_tables():
            for entity in service.get_table_client(table.name).list_entities():
                yield str(dict(entity))


def _requests_of(workshop: Workshop, client_id: str, *, entra: bool = True) -> int:
    """How often it came to Dynamics, and to Entra for tokens."""
    came = workshop.dynamics.get("/_control/requests").json()["requests"]
    signed_in = workshop.entra.get("/_control/requests").json() if entra else []
    return len([each for each in came if each["user"] == client_id]) + len(
        [each for each in signed_in if each.get("client_id") == client_id]
    )


def _view(workshop: Workshop, name: str) -> dict[str, Any]:
    view: dict[str, Any] = workshop.app.get(f"/connections/{name}").json()
    return view


def _columns(workshop: Workshop, name: str) -> set[str]:
    items = workshop.app.get(f"/connections/{name}/tables/lead/columns").json()["items"]
    return {item["name"] for item in items}


def _capture(workshop: Workshop, name: str, *, person: str = "", company: str = "Old") -> httpx.Response:
    url = str(workshop.app.base_url).replace("/v1/", f"/capture/{name}")
    who = person or name
    fields = {"LastName": who, "Email": f"{who}@checks.example", "Company": company}
    return workshop.app.post(url, json={"prospect": {"id": f"of {who}", "fields": fields}})
