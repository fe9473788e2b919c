"""Order and pages as the documentation has them: names of lookups, aliases, links that are followed as they are."""

from urllib.parse import quote, unquote

import pytest

from tests.infra.dynamics.simulator import Crm, error

_THREE = {"Prefer": "odata.maxpagesize=3"}


@pytest.fixture
def employed(crm: Crm) -> Crm:
    """Six contacts: two at Anvil, one at the contact Zoe, Zoe herself and two more nowhere."""
    crm.seed("contact", lastname="Zoe")
    anvil = crm.create("accounts", name="anvil")
    zoe = crm.rows("contact")[0]["contactid"]
    for name, bind in (
        ("B", {"parentcustomerid_contact@odata.bind": f"/contacts({zoe})"}),
        ("C", {"parentcustomerid_account@odata.bind": f"/accounts({anvil})"}),
        ("D", {}),
        ("E", {"parentcustomerid_account@odata.bind": f"/accounts({anvil})"}),
        ("F", {}),
    ):
        crm.create("contacts", lastname=name, **bind)
    return crm


def _names(crm: Crm, query: str) -> str:
    answer = crm.api.get(f"contacts?$select=lastname&{query}")
    assert answer.status_code == 200, answer.text
    return "".join(row["lastname"][0] for row in answer.json()["value"])


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("$orderby=_parentcustomerid_value,lastname", "DFZCEB"),
        ("$orderby=_parentcustomerid_value desc,lastname desc", "BECZFD"),
        ("$orderby=@column desc&@column=lastname", "ZFEDCB"),
        ("$orderby=@nothing,@column&@column=lastname", "BCDEFZ"),
    ],
)
def test_order(employed: Crm, order: str, expected: str) -> None:
    """A lookup goes by the name of its row, whatever table that is of; an alias may name a column, or nothing."""
    assert _names(employed, order) == expected


def test_pages_in_the_order_of_a_lookup(employed: Crm) -> None:
    """Equal names and null cost no row."""
    link, seen = "contacts?$select=lastname&$orderby=_parentcustomerid_value desc,lastname", ""
    while link:
        page = employed.api.get(link, headers={"Prefer": "odata.maxpagesize=2"}).json()
        seen += "".join(row["lastname"][0] for row in page["value"])
        link = page.get("@odata.nextLink")
    assert seen == "BCEDFZ"


def test_a_link_looks_like_dataverse_s(employed: Crm) -> None:
    """Its cookie is encoded twice, so that a client which decodes the link or encodes it again gets nowhere."""
    link = employed.api.get("contacts?$select=lastname", headers=_THREE).json()["@odata.nextLink"]
    assert "?$select=lastname&$skiptoken=%3Ccookie%20pagenumber=%222%22%20pagingcookie=%22%253Ccookie%2520" in link
    assert link.endswith("%22%20istracking=%22False%22%20/%3E")
    assert employed.api.get(link, headers=_THREE).status_code == 200
    for spoilt in (unquote(unquote(link)), quote(link, safe="/:?&=$")):
        assert employed.api.get(spoilt, headers=_THREE).status_code == 400


@pytest.mark.parametrize("prefer", ["odata.maxpagesize=2", "odata.maxpagesize=4", ""])
def test_a_link_wants_the_same_page_size(employed: Crm, prefer: str) -> None:
    """The documentation asks for it; another one is refused, that no client depends on what happens then."""
    link = employed.api.get("contacts?$select=lastname", headers=_THREE).json()["@odata.nextLink"]
    assert error(employed.api.get(link, headers={"Prefer": prefer})) == (400, "0x80060888")


@pytest.mark.parametrize("added", ["&$orderby=lastname", "&$filter=lastname ne 'B'", "&$top=1"])
def test_nothing_is_added_to_a_link(employed: Crm, added: str) -> None:
    """It is followed unchanged."""
    link = employed.api.get("contacts?$select=lastname", headers=_THREE).json()["@odata.nextLink"]
    assert error(employed.api.get(link + added, headers=_THREE)) == (400, "0x80060888")


def test_a_link_of_another_table(employed: Crm) -> None:
    """It leads nowhere."""
    link = employed.api.get("contacts?$select=createdon", headers=_THREE).json()["@odata.nextLink"]
    assert error(employed.api.get(link.replace("/contacts?", "/leads?"), headers=_THREE)) == (400, "0x80060888")


def test_counts(employed: Crm) -> None:
    """All that fit the filter, whatever the page; without $count the annotation says -1; a bare count can filter."""
    prefer = {"Prefer": 'odata.maxpagesize=2,odata.include-annotations="Microsoft.Dynamics.CRM.*"'}
    page = employed.api.get("contacts?$select=lastname&$count=true&$filter=lastname ne 'B'", headers=prefer).json()
    assert (page["@odata.count"], page["@Microsoft.Dynamics.CRM.totalrecordcount"]) == (5, 5)
    silent = employed.api.get("contacts?$select=lastname", headers=prefer).json()
    assert silent["@Microsoft.Dynamics.CRM.totalrecordcount"] == -1
    assert silent["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"] is False
    assert "@odata.count" not in silent
    assert employed.api.get("contacts/$count?$filter=lastname ne 'B'").text == "5"
    assert error(employed.api.get("contacts/$count?$top=1")) == (400, "0x80060888")


@pytest.mark.parametrize(
    "query",
    [
        "$select=lastname&$select=firstname",
        "$filter=lastname eq 'A'&$filter=lastname eq 'B'",
        "$expand=parentcustomerid_account($filter=name eq @name)&@name='A'",
        "$expand=parentcustomerid_account($count=true)",
        "$expand=parentcustomerid_account($levels=2)",
        "$expand=" + ",".join(["parentcustomerid_account"] * 16),
        "$Filter=lastname eq 'A'",
    ],
)
def test_options_that_are_refused(crm: Crm, query: str) -> None:
    """Once each, in small letters; no aliases and no counts within $expand, and at most 15 of these."""
    assert error(crm.api.get(f"contacts?{query}")) == (400, "0x80060888")
