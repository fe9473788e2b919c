"""Dynamics' affinity cookie ties a client to one of its servers; we never bring it back."""

import httpx

from tests.journeys.conftest import App, Person


def test_the_affinity_cookie_is_never_brought_back(app: App) -> None:
    """It is offered with every answer; captures go to whichever server is free, so limits count on all of them."""
    requests = f"{app.stack.dynamics.url}/_control/requests"
    before = httpx.get(requests).json()["counters"]["requests"]
    offered = httpx.get(f"{app.stack.dynamics.url}/api/data/v9.2/WhoAmI").headers["set-cookie"]
    assert offered.startswith("ARRAffinity=")
    for number in (73_001, 73_002):
        assert app.capture(Person(number).capture()).json()["outcome"] == "created"
    entries = httpx.get(requests, params={"since": before}).json()["requests"]
    assert len([entry for entry in entries if entry["user"]]) >= 4
    assert not [entry for entry in entries if entry["affinity"]]
