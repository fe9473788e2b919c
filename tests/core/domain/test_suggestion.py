"""A mapping to begin with."""

from typing import Any

import pytest

from core.domain.findings import findings
from core.domain.standard_fields import plain_name
from core.domain.suggestion import Suggestion, suggested
from core.domain.table import Column, Table
from tests.builders import LEAD, REASONS, column

OWN = Table(
    name="lead",
    columns={
        each.name: each
        for each in (
            column("lastname", label="Last Name", required=True),
            column("new_shirtsize", label="Shirt size"),
            column("cr1a2_budget", label="Available money"),
            column("numberofemployees", "Integer", label="No. of Employees"),
            column("fullname", creatable=False, updatable=False),
            Column(name="statuscode", type="Status", label="Status Reason", choices=REASONS),
        )
    },
)
CONTACT = Table(
    name="contact",
    columns={
        each.name: each
        for each in (
            column("lastname", required=True),
            column("company", label="Company Phone", format="Phone"),
            column("emailaddress1", label="Email"),
        )
    },
)


def _by_column(table: Table, *fields: str) -> dict[str, Suggestion]:
    return {suggestion.row.column: suggestion for suggestion in suggested(table, fields)}


def test_the_standard_fields_go_where_dynamics_keeps_them() -> None:
    """Without being asked for; what a row of leads needs comes too, and the surest stands first."""
    found = _by_column(LEAD)
    assert {name: each.row.source for name, each in found.items()} == {
        "firstname": "FirstName",
        "lastname": "LastName",
        "emailaddress1": "Email",
        "companyname": "Company",
        "telephone1": "WorkPhone",
    }
    assert [each.confidence for each in found.values()] == sorted((e.confidence for e in found.values()), reverse=True)
    assert all(each.reason for each in found.values())


def test_what_is_suggested_can_be_saved() -> None:
    """Findings has nothing against it, whatever fields are asked about."""
    rows = tuple(
        each.row for each in suggested(LEAD, ["Title", "Campaignid", "Customerid", "Statuscode", "Donotemail"])
    )
    assert {"jobtitle", "campaignid", "customerid", "statuscode", "donotemail"} <= {row.column for row in rows}
    assert findings(rows, LEAD) == []


@pytest.mark.parametrize(
    ("field", "name", "least"),
    [
        ("ShirtSize", "new_shirtsize", 0.9),
        ("shirt-size", "new_shirtsize", 0.9),
        ("Shirt Sizes", "new_shirtsize", 0.6),
        ("Budget", "cr1a2_budget", 0.9),
        ("Available Money", "cr1a2_budget", 0.9),
        ("Number of Employes", "numberofemployees", 0.6),
        ("Nachname", "lastname", 0.8),
        ("Status Reason", "statuscode", 0.9),
    ],
)
def test_a_field_of_ones_own(field: str, name: str, least: float) -> None:
    """By the column's name without its publisher's prefix, by its label, by nearly the same, or in another language."""
    found = _by_column(Table(name="lead", columns={n: c for n, c in OWN.columns.items() if n == name}), field)
    assert found[name].confidence >= least
    assert found[name].row.source in (field, "LastName")


@pytest.mark.parametrize("field", ["Shoe", "Siz", "Fullname", "", "  ", "Interests"])
def test_what_has_no_column_is_not_placed(field: str) -> None:
    """Short or different names are near to nothing; what cannot be written is not suggested."""
    assert set(_by_column(OWN, field)) == {"lastname"}


def test_a_known_field_goes_nowhere_else() -> None:
    """`contact.company` is a phone number, whatever it is called."""
    assert set(_by_column(CONTACT)) == {"lastname", "emailaddress1"}


def test_each_column_and_each_field_once() -> None:
    """The surer one wins."""
    found = suggested(LEAD, ["Surname", "LASTNAME", "Phone", "WorkPhone"])
    columns = [each.row.column for each in found]
    sources: list[Any] = [each.row.source for each in found]
    assert len(columns) == len(set(columns))
    assert len(sources) == len(set(sources))
    assert "LastName" in sources


@pytest.mark.parametrize(("one", "other"), [("First Name", "first_name"), ("E-Mail", "eMail"), ("Straße", "STRASSE")])
def test_names_are_compared_without_case_and_signs(one: str, other: str) -> None:
    """Customers write them as they like."""
    assert plain_name(one) == plain_name(other)
