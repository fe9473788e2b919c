"""What a request prefers, what the answer says was applied, and what options fit which answers."""

import httpx
import pytest

from tests.infra.dynamics.simulator import Crm, error

_ALL = 'odata.include-annotations="*"'
_LABELS = 'odata.include-annotations="OData.Community.Display.V1.FormattedValue"'


@pytest.fixture
def contact(crm: Crm) -> str:
    """Its address."""
    for name in ("A", "B", "C"):
        crm.seed("contact", lastname=name)
    return f"contacts({crm.create('contacts', lastname='Wen', gendercode=2)})"


@pytest.mark.parametrize(
    ("prefer", "applied", "rows"),
    [
        ("odata.maxpagesize=2", "odata.maxpagesize=2", 2),
        ("ODATA.MaxPageSize=2", "ODATA.MaxPageSize=2", 2),
        (f"odata.maxpagesize=2, {_LABELS}", f"odata.maxpagesize=2,{_LABELS}", 2),
        (f"{_LABELS},odata.maxpagesize=2", f"{_LABELS},odata.maxpagesize=2", 2),
        ("odata.maxpagesize=0", None, 4),
        ("odata.maxpagesize=-1", None, 4),
        ("odata.maxpagesize=" + "9" * 5000, None, 4),
        ("return=representation", None, 4),
        ("odata.continue-on-error", None, 4),
        ("respond-async", None, 4),
    ],
)
@pytest.mark.usefixtures("contact")
def test_preferences_of_a_query(crm: Crm, prefer: str, applied: str | None, rows: int) -> None:
    """Only what was honoured is said to be applied, in the client's words."""
    answer = crm.api.get("contacts?$select=gendercode", headers={"Prefer": prefer})
    assert answer.headers.get("Preference-Applied") == applied
    assert len(answer.json()["value"]) == rows


@pytest.mark.usefixtures("contact")
def test_prefer_twice(crm: Crm) -> None:
    """A repeated header is one list, as the documentation writes it."""
    headers = httpx.Headers([("Prefer", "odata.maxpagesize=2"), ("Prefer", _LABELS)])
    answer = crm.api.get("contacts?$select=gendercode", headers=headers)
    assert answer.headers["Preference-Applied"] == f"odata.maxpagesize=2,{_LABELS}"
    assert len(answer.json()["value"]) == 2


def test_preferences_of_writes(crm: Crm, contact: str) -> None:
    """return=representation is applied to writes, a page size is not; without a body nothing is."""
    prefer = {"Prefer": f"return=representation,odata.maxpagesize=2,{_LABELS}"}
    written = crm.api.patch(f"{contact}?$select=gendercode", json={"gendercode": 1}, headers=prefer)
    assert written.headers["Preference-Applied"] == f"return=representation,{_LABELS}"
    assert written.json()["gendercode@OData.Community.Display.V1.FormattedValue"] == "Male"
    assert "Preference-Applied" not in crm.api.patch(contact, json={}, headers={"Prefer": "return=minimal"}).headers


@pytest.mark.parametrize(
    ("prefer", "details"),
    [
        ("", set()),
        (_LABELS, set()),
        ('odata.include-annotations="Microsoft.PowerApps.CDS.HelpLink"', {"HelpLink"}),
        (
            'odata.include-annotations="Microsoft.PowerApps.CDS.*"',
            {"ErrorDetails.HttpStatusCode", "HelpLink", "TraceText", "InnerError.Message"},
        ),
        (_ALL, {"ErrorDetails.HttpStatusCode", "HelpLink", "TraceText", "InnerError.Message"}),
    ],
)
def test_details_of_errors(crm: Crm, prefer: str, details: set[str]) -> None:
    """They come with the annotations that ask for them."""
    body = crm.api.get("contacts?$select=nothing", headers={"Prefer": prefer}).json()["error"]
    assert body.keys() - {"code", "message"} == {f"@Microsoft.PowerApps.CDS.{name}" for name in details}


@pytest.mark.parametrize("option", ["$filter=lastname eq 'Wen'", "$orderby=lastname", "$top=1", "$count=true"])
def test_options_of_collections_on_one_row(crm: Crm, contact: str, option: str) -> None:
    """They are refused."""
    assert error(crm.api.get(f"{contact}?{option}")) == (400, "0x80060888")


@pytest.mark.parametrize("top", ["\u00b2", "-1", "1.5", "9" * 5000])
def test_numbers_that_are_none(crm: Crm, top: str) -> None:
    """$top is a whole number, small enough to be one."""
    assert error(crm.api.get("contacts", params={"$top": top})) == (400, "0x80060888")


def test_amounts_bring_their_currency(crm: Crm) -> None:
    """Who selects an amount gets the lookup of its currency too."""
    crm.seed("lead", lastname="A", revenue=10.5)
    (row,) = crm.api.get("leads?$select=revenue").json()["value"]
    assert row.keys() == {"@odata.etag", "leadid", "revenue", "_transactioncurrencyid_value"}


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 204),
        ("Application/JSON; charset=utf-8", 204),
        ("application/json; type=entry", 204),
        ("text/plain", 415),
        ("", 415),
    ],
)
def test_a_body_tells_its_type(crm: Crm, content_type: str, status: int) -> None:
    """The documentation demands it; what is not JSON is not read."""
    headers = {"Content-Type": content_type} if content_type else {}
    answer = crm.api.post("leads", content=b'{"lastname":"A"}', headers=headers)
    assert answer.status_code == status
    assert len(crm.rows("lead")) == (status == 204)
