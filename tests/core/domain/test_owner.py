"""Owners: who is asked for, and who is meant."""

from typing import Any

import pytest

from core.domain.owner import Owner, owner_named, owner_queries
from core.domain.references import ReferenceQuery
from core.domain.row import Row

ANN = "ann@contoso.example"


def _user(number: int, **columns: Any) -> Row:
    usual = {
        "internalemailaddress": ANN,
        "domainname": ANN,
        "fullname": "Ann Lee",
        "accessmode": 0,
        "isdisabled": False,
    }
    return Row("systemuser", f"user-{number}", "", usual | columns)


def _named(name: str, *rows: Row) -> Owner | str:
    """What is meant when Dynamics answers every question for this name with these rows."""
    asked = owner_queries(name)
    return owner_named(name, {query: tuple(row for row in rows if row.table == query.table) for query in asked})


def test_an_address_asks_for_users_and_a_name_for_users_and_teams() -> None:
    """Sign-in names look like addresses; teams have names only."""
    assert {(query.table, query.by) for query in owner_queries(ANN)} == {
        ("systemuser", "internalemailaddress"),
        ("systemuser", "domainname"),
    }
    assert {(query.table, query.by) for query in owner_queries("Ann Lee")} == {
        ("systemuser", "fullname"),
        ("team", "name"),
    }


def test_one_user_found_twice_is_one_owner() -> None:
    """Address and sign-in name are usually the same."""
    found = _named(ANN, _user(1))
    assert isinstance(found, Owner)
    assert (found.target.table, found.target.set_name, found.row_id) == ("systemuser", "systemusers", "user-1")


def test_a_team_owns_rows_too() -> None:
    """Owner teams do; access teams never."""
    owner, access = (Row("team", f"team-{kind}", "", {"name": "Booth", "teamtype": kind}) for kind in (0, 1))
    found = _named("booth", owner, access)
    assert isinstance(found, Owner)
    assert found.row_id == "team-0"


@pytest.mark.parametrize(
    "columns", [{"isdisabled": True}, {"accessmode": 4}, {"applicationid": "an application"}], ids=str
)
def test_who_cannot_own_is_refused(columns: dict[str, Any]) -> None:
    """Disabled users, support and application users own nothing anybody looks at."""
    assert _named(ANN, _user(1, **columns)) == "is disabled or cannot own rows"


def test_nobody_and_several_are_no_owner() -> None:
    """Two users of one name are not guessed about; the server's wider comparison names nobody."""
    assert _named(ANN) == "is not known in Dynamics"
    assert _named("Ann Lee", _user(1), _user(2)) == "names 2 owners in Dynamics"
    assert _named("Ann Léé", _user(1)) == "is not known in Dynamics"


def test_questions_read_what_tells_who_can_be_meant() -> None:
    """Each table has facts of its own; one that we know nothing of has none."""
    assert ReferenceQuery("campaign", "campaigns", "name", "Expo").columns == ("name", "statecode")
    assert ReferenceQuery("new_city", "new_cities", "new_name", "Bonn").columns == ("new_name",)
