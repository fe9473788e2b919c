"""Lookups: what is asked for, and which row is meant."""

from typing import Any

import pytest

from core.domain.conversion import Converted, LookupRule, Misfit, Rules, convert, reference_queries
from core.domain.owner import TEAM, USER
from core.domain.references import NotAnswered, ReferenceQuery
from core.domain.row import Row
from core.domain.table import Column, Target
from tests.builders import row_id

ACCOUNT = Target(table="account", set_name="accounts", navigation="customerid_account", name_column="name")
CONTACT = Target(table="contact", set_name="contacts", navigation="customerid_contact", name_column="fullname")
CAMPAIGN = Target(table="campaign", set_name="campaigns", navigation="campaignid", name_column="name")
COLUMNS = {
    "campaignid": Column(name="campaignid", type="Lookup", targets=(CAMPAIGN,)),
    "customerid": Column(name="customerid", type="Customer", targets=(ACCOUNT, CONTACT)),
    "ownerid": Column(name="ownerid", type="Owner", targets=(USER, TEAM)),
}
GUID = "1f0e3dad-9990-4c4f-8a1b-0123456789ab"


def _campaign(number: int, name: str = "Expo 26", **columns: Any) -> Row:
    return Row("campaign", row_id(number), "", {"name": name, "statecode": 0} | columns)


def _converted(value: Any, *rows: Row, column: str = "campaignid", **settings: Any) -> Converted | Misfit:
    """What becomes of the value when Dynamics answers every question with these rows."""
    choices = settings.pop("choices", {})
    rules = Rules(choices, lookup=LookupRule(**settings))
    found = {
        query: tuple(row for row in rows if row.table == query.table)
        for query in reference_queries(COLUMNS[column], value, rules)
    }
    return convert(COLUMNS[column], value, Rules(choices, lookup=rules.lookup, references=found))


def _asked(value: Any, column: str = "campaignid", **settings: Any) -> tuple[ReferenceQuery, ...]:
    choices = settings.pop("choices", {})
    return reference_queries(COLUMNS[column], value, Rules(choices, lookup=LookupRule(**settings)))


@pytest.mark.parametrize(
    ("value", "column", "settings", "asked"),
    [
        (" Expo 26 ", "campaignid", {}, ("campaign", "campaigns", "name", "Expo 26")),
        (["Expo 26"], "campaignid", {}, ("campaign", "campaigns", "name", "Expo 26")),
        (26, "campaignid", {"by": "codename"}, ("campaign", "campaigns", "codename", "26")),
        ("the fair", "campaignid", {"choices": {"The Fair": "Expo 26"}}, ("campaign", "campaigns", "name", "Expo 26")),
        ("Fabrikam", "customerid", {"table": "account"}, ("account", "accounts", "name", "Fabrikam")),
        ("Ada L", "customerid", {"table": "contact"}, ("contact", "contacts", "fullname", "Ada L")),
    ],
)
def test_what_is_asked(value: Any, column: str, settings: dict[str, Any], asked: tuple[Any, ...]) -> None:
    """By the target's name, or the column that the row says; through the row's translations."""
    assert _asked(value, column, **settings) == (ReferenceQuery(*asked),)


@pytest.mark.parametrize("value", [GUID, f"{{{GUID.upper()}}}", "", None, "Anonymous", "x" * 401])
def test_what_is_not_asked(value: Any) -> None:
    """An id names the row itself; what is missing, or longer than any name, names nothing."""
    assert _asked(value) == ()


def test_an_owner_is_asked_for_as_users_and_teams() -> None:
    """By the same questions as the action's owner."""
    assert {query.table for query in _asked("Ann Lee", "ownerid")} == {"systemuser", "team"}


def test_without_a_table_a_customer_cannot_be_found() -> None:
    """Saving such a mapping is refused; a column that got a second target since is left out."""
    assert _asked("Fabrikam", "customerid") == ()
    assert isinstance(_converted("Fabrikam", column="customerid"), Misfit)


def test_the_one_row_that_bears_the_name() -> None:
    """In any case; with the table that the bind has to name."""
    found = _converted("expo 26", _campaign(1), _campaign(2, "Expo 27"), _campaign(3, "Éxpo 26"))
    assert found == Converted(row_id(1), target=CAMPAIGN)


@pytest.mark.parametrize("value", [GUID, f" {{{GUID.upper()}}} ", GUID.replace("-", "")])
def test_an_id_is_the_row(value: str) -> None:
    """In the form that Dynamics writes."""
    assert _converted(value) == Converted(GUID, target=CAMPAIGN)
    assert _converted(value, column="ownerid") == Converted(GUID, target=USER)
    assert _converted(value, column="ownerid", table="team") == Converted(GUID, target=TEAM)
    assert _converted(value, column="customerid", table="contact") == Converted(GUID, target=CONTACT)


@pytest.mark.parametrize("row", [None, _campaign(1, statecode=1), _campaign(1, "Expo 27")], ids=["none", "closed", "x"])
def test_no_row_is_a_misfit(row: Row | None) -> None:
    """Its message names value, table, column and what would be accepted."""
    missing = _converted("Expo 26", *([row] if row else []))
    assert isinstance(missing, Misfit)
    assert missing.setting == "on_missing"
    for told in ('"Expo 26"', "campaign", "by name", "campaignid", "id"):
        assert told in missing.message


def test_what_could_not_be_looked_up_is_a_misfit() -> None:
    """It is left out like a row that is missing, and says why."""
    refused = dict.fromkeys(_asked("Expo 26"), NotAnswered("A privilege is lacking."))
    misfit = convert(COLUMNS["campaignid"], "Expo 26", Rules(references=refused))
    assert isinstance(misfit, Misfit)
    assert misfit.setting == "on_missing"
    assert misfit.message == '"Expo 26" could not be looked up in campaign by name: A privilege is lacking.'


def test_several_rows() -> None:
    """None is linked, unless the row says to take the first by id: whichever order they came in."""
    rows = (_campaign(2), _campaign(1), _campaign(3))
    several = _converted("Expo 26", *rows)
    assert isinstance(several, Misfit)
    assert (several.setting, "3 rows" in several.message) == ("on_many", True)
    first = _converted("Expo 26", *rows, on_many="first")
    assert isinstance(first, Converted)
    assert first.value == row_id(1)
    assert "3 rows" in first.warning


@pytest.mark.parametrize(
    ("facts", "words"),
    [({}, ""), ({"isdisabled": True}, "disabled"), ({"fullname": "Bob"}, "not known")],
    ids=["able", "disabled", "nobody"],
)
def test_owners(facts: dict[str, Any], words: str) -> None:
    """By name or address; whoever cannot own rows is refused with the reason."""
    user = Row("systemuser", row_id(1), "", {"fullname": "Ann Lee", "accessmode": 0, "isdisabled": False} | facts)
    found = _converted("Ann Lee", user, column="ownerid")
    if words:
        assert isinstance(found, Misfit)
        assert (found.setting, words in found.message) == ("on_missing", True)
    else:
        assert found == Converted(row_id(1), target=USER)
    second = Row("systemuser", row_id(2), "", user.columns)
    if not words:
        two = _converted("Ann Lee", user, second, column="ownerid")
        assert isinstance(two, Misfit)
        assert two.setting == "on_many"
