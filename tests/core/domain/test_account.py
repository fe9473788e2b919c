"""The company as an account: found, linked, created, or left to a person."""

from typing import Any

from core.domain.account import AccountLink, account_key, account_link
from core.domain.references import NotAnswered, References
from core.domain.row import Row
from core.domain.subject import Subject
from tests.builders import COLUMNS, NEW_ID, action, capture, column, mapping, row, subject

RULE = {"by": "name", "on_missing": "create"}
NUMBERED = mapping(
    {"source": "Company", "column": "name"},
    {"source": "Customer No", "column": "accountnumber"},
    table="account",
    columns={**COLUMNS, "name": column("name"), "accountnumber": column("accountnumber")},
)


def _about(rule: dict[str, Any] | None = None, *, mapped: bool = False, **fields: Any) -> Subject:
    mappings = {"lead": mapping(), "contact": mapping(table="contact")} | ({"account": NUMBERED} if mapped else {})
    return subject(capture(**fields), under=action(account=RULE if rule is None else rule), mappings=mappings)


def _account(number: int, **columns: Any) -> Row:
    return row(number, "account", **{"name": "Fabrikam", **columns})


def _link(about: Subject, *found: Row, table: str = "contact", on: Row | None = None) -> AccountLink:
    query = about.account_query
    references: References = {query: found} if query else {}
    return account_link(about, table, on, references, new_id=NEW_ID)


def test_the_one_account_of_that_name_is_linked() -> None:
    """In any case; through the column that the table has for it."""
    for table, name, navigation in (
        ("contact", "parentcustomerid", "parentcustomerid_account"),
        ("lead", "parentaccountid", "parentaccountid"),
    ):
        link = _link(_about(Company="FABRIKAM "), _account(1), table=table)
        assert link.value is not None
        assert link.value.target is not None
        assert (link.value.column, link.value.target.navigation) == (name, navigation)
        assert (link.value.value, link.creation, link.warnings) == (_account(1).id, None, ())


def test_nobody_guesses_between_two() -> None:
    """Not linked, nothing made, and said."""
    link = _link(_about(Company="Fabrikam"), _account(1), _account(2))
    assert (link.value, link.creation) == (None, None)
    assert "2 accounts" in link.warnings[0]


def test_an_account_that_could_not_be_looked_up_is_not_made_a_second_time() -> None:
    """Whether it is there is not known, so nothing is linked or made, and it is said why."""
    about = _about(Company="Fabrikam")
    query = about.account_query
    assert query is not None
    link = account_link(about, "contact", None, {query: NotAnswered("A privilege is lacking.")}, new_id=NEW_ID)
    assert (link.value, link.creation) == (None, None)
    assert all(words in link.warnings[0] for words in ('"Fabrikam"', "could not be looked up", "A privilege is"))


def test_closed_and_merged_accounts_are_nobodys() -> None:
    """And the server's wider comparison finds accounts that are not meant."""
    found = (_account(1, statecode=1), _account(2, merged=True), _account(3, name="Fäbrikam"))
    assert _link(_about(Company="Fabrikam"), *found).creation is not None


def test_a_missing_account_is_made_where_the_action_allows_it() -> None:
    """Under an id that follows from the new one; else the warning says what was looked for."""
    made = _link(_about(Company="Fabrikam")).creation
    assert made is not None
    assert (made.table, made.etag, made.values) == ("account", None, {"name": "Fabrikam"})
    assert made.row_id != NEW_ID
    assert made == _link(_about(Company="Fabrikam")).creation
    left = _link(_about({"on_missing": "leave"}, Company="Fabrikam"))
    assert (left.value, left.creation) == (None, None)
    assert '"Fabrikam"' in left.warnings[0]


def test_a_row_that_has_an_account_keeps_it() -> None:
    """Nothing is linked, made or said."""
    contact = row(5, "contact", _parentcustomerid_value=_account(9).id)
    assert _link(_about(Company="Fabrikam"), _account(1), on=contact) == AccountLink()


def test_another_column_finds_it() -> None:
    """By what the account mapping puts there; and a new one gets all that is mapped."""
    about = _about(
        {"by": "accountnumber", "on_missing": "create"}, mapped=True, **{"Customer No": "K7", "Company": "F"}
    )
    query = about.account_query
    assert query is not None
    assert (query.by, query.value, query.fresh) == ("accountnumber", "K7", True)
    made = _link(about).creation
    assert made is not None
    assert made.values == {"name": "F", "accountnumber": "K7"}


def test_without_a_company_there_is_nothing_to_look_for() -> None:
    """A placeholder is none; nor is there a claim to read."""
    for company in (None, "{{Company}}", "Anonymous"):
        about = _about(Company=company)
        assert (about.account_query, account_key(about), _link(about)) == (None, None, AccountLink())
    assert subject(capture(Company="Fabrikam")).account_query is None


def test_the_claim_is_the_names_in_any_case() -> None:
    """Two visitors of one company, however they write it, cannot both make it."""
    assert account_key(_about(Company="Fabrikam")) == account_key(_about(Company=" FABRIKAM"))
    assert "abrikam" not in str(account_key(_about(Company="Fabrikam")))


def _misfitting(**rows: Any) -> Subject:
    """Somebody whose company's number and city do not fit the account mapping."""
    columns = {**COLUMNS, "name": column("name"), "address1_city": column("address1_city")}
    mapped = mapping(
        {"source": "Company", "column": "name"},
        {"source": "City", "column": "address1_city", "transform": "trim"},
        {"source": "Staff", "column": "numberofemployees", **rows},
        table="account",
        columns=columns,
    )
    said = capture(Company="Fabrikam", City="x" * 200, Staff="many")
    mappings = {"lead": mapping(), "contact": mapping(table="contact"), "account": mapped}
    return subject(said, under=action(account=RULE), mappings=mappings)


def test_what_a_new_account_does_not_take_is_told() -> None:
    """A warning for each, and the whole of it for the note; an account that is there already is not concerned."""
    link = _link(_misfitting())
    assert link.creation is not None
    assert link.creation.values["address1_city"] == "x" * 99 + "…"
    assert [words in warning for words, warning in zip(("was cut", "Staff was left out"), link.warnings, strict=True)]
    assert [each.text for each in link.not_taken] == ["x" * 200, "many"]
    assert link.is_in_doubt
    there = _link(_misfitting(), _account(1))
    assert (there.warnings, there.not_taken) == ((), ())


def test_a_row_that_is_to_fail_makes_no_account() -> None:
    """Which is a warning; the person is written without."""
    link = _link(_misfitting(on_unknown="fail"))
    assert (link.value, link.creation) == (None, None)
    assert link.warnings[0].startswith("No account was made: ")


def test_a_name_longer_than_the_column_is_cut() -> None:
    """160 characters are what an account's name takes."""
    made = _link(_about(Company="x" * 200)).creation
    assert made is not None
    assert len(made.values["name"]) == 160
    link = _link(_about(Company="x" * 200))
    assert "was cut to its 160" in link.warnings[0]
    assert [each.text for each in link.not_taken] == ["x" * 200]
