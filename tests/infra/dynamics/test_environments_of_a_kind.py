"""Several environments at once: their kinds, names and rows, and what a copy is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.local.dynamics import Dynamics, dynamics
from tests.infra.dynamics.simulator import API, CLIENT_ID, Crm, verify


@pytest.fixture
def production() -> Iterator[Dynamics]:
    with dynamics(verify, client_ids=(CLIENT_ID,)) as running:
        yield running


def _open(production: Dynamics, **order: Any) -> httpx.Response:
    return httpx.post(f"{production.url}/_control/environments", json=order)


def _get(url: str, path: str) -> httpx.Response:
    return httpx.get(f"{url}{API}{path}", headers={"Authorization": f"Bearer {CLIENT_ID}|{url}"})


def test_production_and_sandboxes(production: Dynamics) -> None:
    """The first one is production; others are what they are ordered as."""
    assert _open(production, name="test").json()["kind"] == "sandbox"
    assert _open(production, name="second", kind="production").status_code == 201
    listed = httpx.get(f"{production.url}/_control/environments").json()["environments"]
    assert [one["kind"] for one in listed] == ["production", "sandbox", "production"]
    assert len({one["url"] for one in listed}) == len({one["organization_id"] for one in listed}) == 3


@pytest.mark.parametrize(
    "order",
    [{"name": "contoso"}, {"name": "CONTOSO"}, {"name": "../x"}, {"name": ""}, {"kind": "trial"}, {"nmae": "x"}],
)
def test_environments_that_are_not_opened(production: Dynamics, order: dict[str, str]) -> None:
    """A name is taken once, and is no path; a kind is one of two."""
    assert _open(production, **order).status_code == 400
    assert len(httpx.get(f"{production.url}/_control/environments").json()["environments"]) == 1


def test_faults_and_time_are_those_of_one_environment(production: Dynamics) -> None:
    """What is ordered of the sandbox does not happen to production."""
    sandbox = _open(production, name="test").json()["url"]
    httpx.post(f"{sandbox}/_control/faults", json={"kind": "unavailable", "times": None}).raise_for_status()
    httpx.post(f"{sandbox}/_control/clock", json={"now": "1999-01-01T00:00:00Z"}).raise_for_status()
    assert (_get(sandbox, "WhoAmI").status_code, _get(production.url, "WhoAmI").status_code) == (503, 200)
    assert httpx.get(f"{production.url}/_control/clock").json()["now"] > "2020"


def test_all_end_with_the_first() -> None:
    """Nothing is left open behind the block."""
    with dynamics(verify, client_ids=(CLIENT_ID,)) as running:
        sandbox = _open(running, name="test").json()["url"]
        assert _get(sandbox, "WhoAmI").status_code == 200
    for url in (running.url, sandbox):
        with pytest.raises(httpx.ConnectError):
            _get(url, "WhoAmI")


def test_a_sandbox_beside_a_file_is_the_same_when_it_is_opened_again(tmp_path: Path) -> None:
    """Its rows and organisation are kept beside those of the first."""
    found = []
    for _ in range(2):
        with dynamics(verify, client_ids=(CLIENT_ID,), database=tmp_path / "crm.sqlite") as running:
            sandbox = _open(running, name="test").json()
            httpx.post(f"{sandbox['url']}/_control/rows/lead", json={"lastname": "A"}).raise_for_status()
            rows = httpx.get(f"{sandbox['url']}/_control/rows/lead").json()["rows"]
            found.append((sandbox["organization_id"], len(rows)))
    assert found == [(found[0][0], 1), (found[0][0], 2)]


def test_a_copy_says_the_same_everywhere(crm: Crm) -> None:
    """The organisation's row and WhoAmI agree on who it is, before and after, and after a reset."""
    before = crm.api.get("WhoAmI").json()["OrganizationId"]
    copy = crm.order("environments/copied", {})["organization_id"]
    for _ in range(2):
        ids = [row["organizationid"] for row in crm.api.get("organizations?$select=name").json()["value"]]
        assert (ids, crm.api.get("WhoAmI").json()["OrganizationId"]) == ([copy], copy)
        crm.control.post("reset").raise_for_status()
    crm.order("environments/copied", {"organization_id": before})
