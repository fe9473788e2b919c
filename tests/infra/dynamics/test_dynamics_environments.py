"""Environments and what a test may order of them: rows, time, latency, copies, further ones, a file that keeps them."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.local.dynamics import Dynamics, dynamics
from tests.infra.dynamics.simulator import API, CLIENT_ID, Crm, verify


def _who(url: str) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {CLIENT_ID}|{url}"}
    answer: dict[str, str] = httpx.get(f"{url}{API}WhoAmI", headers=headers).json()
    return answer


# --- rows and requests ------------------------------------------------------------------------------------------------


def test_rows_are_seeded_as_they_are(crm: Crm) -> None:
    """Also what the Web API would not set; the answer is the row with its id."""
    row = crm.seed(
        "leads",
        lastname="A",
        statecode=2,
        merged=True,
        createdon="2020-01-01T00:00:00Z",
        modifiedon="2021-01-01T00:00:00Z",
    )
    assert (row["statecode"], row["statuscode"], row["merged"]) == (2, 4, True)
    assert (row["createdon"], row["modifiedon"]) == ("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z")
    assert crm.rows("lead") == [row]
    assert crm.api.get(f"leads({row['leadid']})?$select=createdon").json()["createdon"] == "2020-01-01T00:00:00Z"


def test_lookups_are_seeded_in_three_ways(crm: Crm) -> None:
    """By bind name, by column, or as they are read."""
    account_id = crm.seed("account", name="A")["accountid"]
    for given in (
        {"parentcustomerid_account@odata.bind": f"/accounts({account_id})"},
        {"parentcustomerid": account_id},
        {"_parentcustomerid_value": account_id},
    ):
        row = crm.seed("contact", lastname="B", **given)
        assert row["_parentcustomerid_value"] == account_id
        assert row["_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"] == "account"


@pytest.mark.parametrize(
    "row", [{"nothing": 1}, {"lastname": "x" * 51}, {"leadsourcecode": 42}, {"createdon": "today"}]
)
def test_impossible_rows_are_not_seeded(crm: Crm, row: dict[str, Any]) -> None:
    """No test shall build on a row that could not exist."""
    assert crm.control.post("rows/lead", json=row).status_code == 400


def test_an_unknown_table_is_told(crm: Crm) -> None:
    """Not an empty answer."""
    assert crm.control.get("rows/nothing").status_code == 400


def test_requests_are_listed(crm: Crm) -> None:
    """With method, path and query, user, status and time, and counted; control requests are not."""
    crm.api.get("leads?$top=1")
    crm.api.post("leads", json={"nothing": 1})
    httpx.get(f"{crm.url}{API}leads")
    entries = crm.requests()
    assert [(entry["method"], entry["path"], entry["status"]) for entry in entries] == [
        ("GET", f"{API}leads?$top=1", 200),
        ("POST", f"{API}leads", 400),
        ("GET", f"{API}leads", 401),
    ]
    assert [entry["user"] for entry in entries] == [CLIENT_ID, CLIENT_ID, None]
    assert all(entry["milliseconds"] > 0 for entry in entries)
    counters = crm.control.get("requests").json()["counters"]
    assert (counters["requests"], counters["status_400"]) == (3, 1)


def test_a_reset_keeps_organisation_and_users(crm: Crm) -> None:
    """Rows, rules, columns and requests go; who we are does not change."""
    before = _who(crm.url)
    crm.seed("lead", lastname="A")
    crm.order("customizations", {"do": "add_column", "table": "lead", "name": "cap_id"})
    crm.order("faults", {"kind": "unavailable", "path": "leads"})
    crm.control.post("reset")
    assert _who(crm.url) == before
    assert (crm.rows("lead"), crm.api.get("leads?$select=cap_id").status_code) == ([], 400)


# --- time -------------------------------------------------------------------------------------------------------------


def test_the_clock_is_ours(crm: Crm) -> None:
    """It is set, stopped, moved on and put right again."""
    crm.order("clock", {"now": "2026-05-04T13:05:00Z", "stopped": True})
    row_id = crm.create("leads", lastname="A")
    assert crm.order("clock", {"advance_seconds": 60}) == {"now": "2026-05-04T13:06:00Z"}
    crm.api.patch(f"leads({row_id})", json={"jobtitle": "B"})
    row = crm.row("lead", row_id)
    assert (row["createdon"], row["modifiedon"]) == ("2026-05-04T13:05:00Z", "2026-05-04T13:06:00Z")
    assert crm.order("clock", {})["now"] != "2026-05-04T13:06:00Z"


def _held_back(crm: Crm, method: str, path: str, **options: Any) -> float:
    """Milliseconds that were ordered, as the list of requests tells them."""
    assert crm.api.request(method, path, **options).is_success
    found: float = crm.requests()[-1]["held_back_ms"]
    return found


def test_latency_is_ours(crm: Crm) -> None:
    """So much for a request, for a row, and for a row of a bulk message."""
    targets = [{"@odata.type": "Microsoft.Dynamics.CRM.lead", "lastname": "A"} for _ in range(10)]
    create = {"json": {"Targets": targets}}
    assert _held_back(crm, "GET", "WhoAmI") == 0
    crm.order("latency", {"request_ms": 6})
    assert _held_back(crm, "GET", "WhoAmI") == 6
    crm.order("latency", {"row_ms": 7, "bulk_row_ms": 1})
    assert _held_back(crm, "POST", "leads/Microsoft.Dynamics.CRM.CreateMultiple", **create) == 10
    crm.order("latency", {"request_ms": 2, "row_ms": 1})
    assert _held_back(crm, "GET", "leads") == 12


# --- environments -----------------------------------------------------------------------------------------------------


def test_a_copied_environment(crm: Crm) -> None:
    """Another organisation answers at the same address, with the same rows."""
    row = crm.seed("lead", lastname="A")
    before = _who(crm.url)["OrganizationId"]
    copy = crm.order("environments/copied", {})
    assert copy["url"] == crm.url
    assert _who(crm.url)["OrganizationId"] == copy["organization_id"] != before
    assert crm.rows("lead") == [row]
    crm.order("environments/copied", {"organization_id": before})
    assert _who(crm.url)["OrganizationId"] == before


def test_a_sandbox_beside_production() -> None:
    """Its own address, organisation, rows and control interface; a token for one is none for the other."""
    with dynamics(verify, client_ids=(CLIENT_ID,)) as production:
        control = f"{production.url}/_control"
        sandbox = httpx.post(f"{control}/environments", json={"name": "sandbox"}).json()
        assert sandbox["url"] != production.url
        assert _who(sandbox["url"])["OrganizationId"] == sandbox["organization_id"] != production.organization_id
        httpx.post(f"{sandbox['url']}/_control/rows/lead", json={"lastname": "A"})
        assert httpx.get(f"{control}/rows/lead").json() == {"rows": []}
        wrong = {"Authorization": f"Bearer {CLIENT_ID}|{production.url}"}
        assert httpx.get(f"{sandbox['url']}{API}WhoAmI", headers=wrong).status_code == 401
        names = [one["name"] for one in httpx.get(f"{control}/environments").json()["environments"]]
        assert names == ["contoso", "sandbox"]


def _lead_columns(simulator: Dynamics) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = httpx.get(f"{simulator.url}/_control/rows/lead").json()["rows"]
    return rows


def test_a_file_keeps_everything(tmp_path: Path) -> None:
    """After a restart it is the same organisation, user, row, column and version."""
    file = tmp_path / "dynamics.sqlite"
    with dynamics(verify, client_ids=(CLIENT_ID,), database=file) as first:
        column = {"do": "add_column", "table": "lead", "name": "cap_id"}
        httpx.post(f"{first.url}/_control/customizations", json=column).raise_for_status()
        httpx.post(f"{first.url}/_control/rows/lead", json={"lastname": "A", "cap_id": "k7"}).raise_for_status()
        who, rows = _who(first.url), _lead_columns(first)
    with dynamics(verify, client_ids=(CLIENT_ID,), database=file) as second:
        assert {**_who(second.url), "@odata.context": ""} == {**who, "@odata.context": ""}
        assert second.organization_id == who["OrganizationId"]
        assert _lead_columns(second) == rows
        newer = httpx.post(f"{second.url}/_control/rows/lead", json={"lastname": "B"}).json()
        assert int(newer["@odata.etag"][3:-1]) > int(rows[0]["@odata.etag"][3:-1])


def test_without_a_file_nothing_is_kept() -> None:
    """Each start is a new organisation."""
    with dynamics(verify) as first, dynamics(verify) as second:
        assert first.organization_id != second.organization_id
