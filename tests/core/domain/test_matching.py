"""Which row is the person."""

from collections.abc import Mapping
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.action import SyncAction
from core.domain.capture import Capture
from core.domain.email_address import normal_email
from core.domain.mapping import Sources
from core.domain.matching import (
    LookUp,
    Match,
    MatchKeys,
    columns_to_read,
    look_ups,
    match_keys,
    match_row,
    redirects_to_read,
)
from core.domain.row import Row
from core.domain.values import normal_name
from tests.builders import NOON, PERSON, action, capture, known, mapping, row, row_id, rows_by_key, subject
from tests.strategies import any_text, rows

ADA = MatchKeys(("ada@x.example",), (("Ada", "Lovelace"),))
BY_EMAIL = MatchKeys(("ada@x.example",))
TABLES = ["leads", "contacts", "contacts_then_leads", "leads_then_contacts"]


def _match(
    *found: Row,
    keys: MatchKeys = ADA,
    links: Mapping[str, str] | None = None,
    tables: str = "contacts_then_leads",
    **settings: Any,
) -> Match | None:
    rule = {"tables": tables, "by": "email_or_name", **settings.pop("match", {})}
    under = action(match=rule, **settings)
    return match_row(under, keys, links or {}, rows_by_key(*found))


def _matched(*found: Row, **how: Any) -> tuple[str, str, str] | None:
    match = _match(*found, **how)
    return (match.row.table, match.row.id, match.by) if match else None


def _ada(number: int = 1, table: str = "lead", **columns: Any) -> Row:
    return row(number, table, **({"emailaddress1": "ada@x.example"} | columns))


def _named(number: int = 1, table: str = "lead", **columns: Any) -> Row:
    return row(number, table, **({"firstname": "Ada", "lastname": "Lovelace"} | columns))


# --- By what ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["emailaddress1", "emailaddress2", "emailaddress3"])
@pytest.mark.parametrize("stored", ["ada@x.example", "ADA@X.Example", " ada@x.example "])
def test_an_address_matches_in_any_of_three_columns(column: str, stored: str) -> None:
    """In any case, and with blanks around it."""
    assert _matched(row(1, **{column: stored}), keys=BY_EMAIL) == ("lead", row_id(1), "email")


@pytest.mark.parametrize(
    "stored", ["adá@x.example", "ada@x.example.com", "ada_@x.example", "ada@x.example; bob@x.example", "", None]
)
def test_an_address_is_compared_here_again(stored: str | None) -> None:
    """The server ignores accents and trailing blanks; a row it returns need not be the person."""
    assert _matched(row(1, emailaddress1=stored), keys=BY_EMAIL) is None


@pytest.mark.parametrize(
    ("first", "last", "fits"),
    [
        ("Ada", "Lovelace", True),
        ("ADA", " lovelace ", True),
        ("Adá", "Lovelace", False),
        ("Ada", "Love lace", False),
        ("Ada", None, False),
        ("Ada", "", False),
        (None, "Lovelace", False),
    ],
)
def test_a_name_matches_as_a_whole(first: str | None, last: str | None, *, fits: bool) -> None:
    """First and last name both, trimmed and in any case; accents make another name."""
    assert (_matched(row(1, firstname=first, lastname=last)) is not None) is fits


def test_composed_and_decomposed_letters_are_the_same() -> None:
    """Phones and databases write ü in two ways."""
    keys = MatchKeys((), (("Zoe\u0308", "Mu\u0308ller"),))
    assert _matched(row(1, firstname="ZO\u00cb", lastname="M\u00fcller"), keys=keys)
    assert normal_name("Stra\u00dfe") == normal_name("STRASSE")


def test_an_address_in_the_second_table_beats_a_name_in_the_first() -> None:
    """E-mails go through all tables before any name does."""
    assert _matched(_named(1, "contact"), _ada(2, "lead")) == ("lead", row_id(2), "email")


@pytest.mark.parametrize(
    ("tables", "table"),
    [
        ("contacts_then_leads", "contact"),
        ("leads_then_contacts", "lead"),
        ("contacts", "contact"),
        ("leads", "lead"),
    ],
)
@pytest.mark.parametrize("make", [_ada, _named], ids=["e-mail", "name"])
def test_tables_go_in_their_order(tables: str, table: str, make: Any) -> None:
    """The first table with a hit has it; a table that is not in the rule is not looked at."""
    assert _matched(make(1, "contact"), make(2, "lead"), tables=tables)[0] == table  # type: ignore[index]


def test_under_off_nothing_is_searched() -> None:
    """Only the same submission finds its own row."""
    assert _matched(_ada(), tables="off") is None
    assert _matched(_ada(1), tables="off", links={"lead": row_id(1)}) == ("lead", row_id(1), "link")
    assert not look_ups(action(match={"tables": "off"}), ADA, {})


# --- Which candidates -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "columns",
    [
        {"statecode": 1},
        {"statecode": 2},
        {"merged": True},
        {"merged": True, "statecode": 1, "_masterid_value": row_id(9)},
        {"statecode": None},
    ],
    ids=["qualified without contact", "disqualified", "merged", "merged into one unread", "unknown state"],
)
def test_rows_that_are_closed_are_ignored(columns: dict[str, Any]) -> None:
    """Only active, unmerged rows are candidates."""
    assert _matched(_ada(1, **columns)) is None
    assert _matched(_ada(1, **columns), _ada(2)) == ("lead", row_id(2), "email")


def test_an_inactive_contact_is_ignored() -> None:
    """Its state is 1, as a qualified lead's is, and leads nowhere."""
    assert _matched(_ada(1, "contact", statecode=1, _parentcontactid_value=row_id(2)), row(2, "contact")) is None


def test_a_merged_row_leads_to_its_survivor() -> None:
    """Also through a chain, and although the survivor's own address is another."""
    merged_away = _ada(1, "contact", merged=True, statecode=1, _masterid_value=row_id(2))
    again = row(2, "contact", merged=True, statecode=1, _masterid_value=row_id(3))
    assert _matched(merged_away, again, row(3, "contact")) == ("contact", row_id(3), "email")


def test_merges_in_a_circle_lead_nowhere() -> None:
    """The search ends, and the next candidate has its turn."""
    one = _ada(1, "contact", merged=True, _masterid_value=row_id(2))
    other = _ada(2, "contact", merged=True, _masterid_value=row_id(1))
    assert _matched(one, other, _ada(3)) == ("lead", row_id(3), "email")


@pytest.mark.parametrize("tables", TABLES)
def test_a_qualified_lead_leads_to_its_contact_where_contacts_are_searched(tables: str) -> None:
    """Elsewhere it is closed, and ignored."""
    lead = _ada(1, statecode=1, _parentcontactid_value=row_id(2))
    reached = _matched(lead, row(2, "contact"), tables=tables)
    searched = "lead" in tables and "contact" in tables
    assert reached == (("contact", row_id(2), "email") if searched else None)


def test_candidates_that_lead_to_one_row_are_one() -> None:
    """A merged row and its survivor do not compete."""
    match = _match(_ada(1, merged=True, _masterid_value=row_id(2)), _ada(2))
    assert match is not None
    assert (match.row.id, match.lost) == (row_id(2), ())


def test_what_is_still_to_be_read() -> None:
    """Survivors and contacts that were not read yet, each once; one that is gone is not asked for again."""
    found = rows_by_key(
        _ada(1, merged=True, _masterid_value=row_id(5)),
        _ada(2, merged=True, _masterid_value=row_id(5)),
        _ada(3, statecode=1, _parentcontactid_value=row_id(6)),
        _ada(4),
    )
    assert redirects_to_read(found) == (LookUp("contact", ids=(row_id(6),)), LookUp("lead", ids=(row_id(5),)))
    assert not redirects_to_read(found | {("lead", row_id(5)): None, ("contact", row_id(6)): None})


# --- Links ------------------------------------------------------------------------------------------------------------


def test_a_link_comes_first() -> None:
    """A prospect who was synced before goes to the same row, also after the address changed."""
    linked = row(2, "lead", emailaddress1="old@x.example")
    assert _matched(_ada(1, "contact"), linked, links={"lead": row_id(2)}) == ("lead", row_id(2), "link")


def test_a_link_counts_only_for_tables_of_the_action() -> None:
    """A lead that another action made is not updated by one that searches and makes contacts."""
    assert _matched(row(2, "lead"), links={"lead": row_id(2)}, tables="contacts", create="contact") is None
    assert _matched(row(2, "lead"), links={"lead": row_id(2)}, tables="contacts", create="none") is None


@pytest.mark.parametrize(("tables", "table"), [("contacts", "lead"), ("leads", "contact")])
def test_a_link_counts_for_the_table_that_rows_are_made_in(tables: str, table: str) -> None:
    """Although it is not searched: what a submission made is what its edit updates."""
    links = {table: row_id(2)}
    assert _matched(row(2, table), links=links, tables=tables, create=table) == (table, row_id(2), "link")
    assert _matched(_ada(2, table), tables=tables, create=table) is None


def test_with_match_off_a_submissions_lead_is_its_own_also_as_a_contact() -> None:
    """Qualified in between; a second lead would be a duplicate."""
    qualified = row(2, statecode=1, _parentcontactid_value=row_id(4))
    found = _matched(qualified, row(4, "contact"), links={"lead": row_id(2)}, tables="off")
    assert found == ("contact", row_id(4), "link")


@pytest.mark.parametrize("links", [{}, {"lead": row_id(1)}], ids=["found", "linked"])
def test_a_row_that_was_merged_into_a_closed_one_opens_that(links: dict[str, str]) -> None:
    """Where the action opens rows again; else the person is in no row that counts."""
    pair = (_ada(1, merged=True, statecode=2, _masterid_value=row_id(2)), row(2, statecode=2))
    reactivated = _matched(*pair, links=links, match={"inactive": "reactivate"})
    assert reactivated == ("lead", row_id(2), "link" if links else "email")
    assert _matched(*pair, links=links) is None


@pytest.mark.parametrize(
    "linked",
    [None, row(2, statecode=2), row(2, merged=True, _masterid_value=row_id(3))],
    ids=["deleted", "disqualified", "merged into one that is gone"],
)
def test_a_link_that_leads_nowhere_falls_back_to_the_search(linked: Row | None) -> None:
    """The person is searched as if for the first time."""
    found: dict[tuple[str, str], Row | None] = rows_by_key(_ada(1))
    found |= {("lead", row_id(2)): linked, ("lead", row_id(3)): None}
    match = match_row(action(), ADA, {"lead": row_id(2)}, found)
    assert match is not None
    assert (match.row.id, match.by) == (row_id(1), "email")


def test_a_link_to_a_merged_or_qualified_row_follows_it() -> None:
    """The survivor, or the contact it became, is the person now."""
    merged_away = row(2, merged=True, statecode=1, _masterid_value=row_id(3))
    qualified = row(2, statecode=1, _parentcontactid_value=row_id(4))
    assert _matched(merged_away, row(3), links={"lead": row_id(2)}) == ("lead", row_id(3), "link")
    assert _matched(qualified, row(4, "contact"), links={"lead": row_id(2)}) == ("contact", row_id(4), "link")


# --- Ties -------------------------------------------------------------------------------------------------------------

DATED = (
    _ada(1, createdon="2026-01-01T00:00:00Z", modifiedon="2026-02-03T00:00:00Z"),
    _ada(2, createdon="2026-01-02T00:00:00Z", modifiedon="2026-02-01T00:00:00Z"),
    _ada(3, createdon="2026-01-03T00:00:00Z", modifiedon="2026-02-02T00:00:00Z"),
)


@pytest.mark.parametrize(
    ("rule", "order"),
    [
        ("most_recently_created", [3, 2, 1]),
        ("least_recently_created", [1, 2, 3]),
        ("most_recently_updated", [1, 3, 2]),
        ("least_recently_updated", [2, 3, 1]),
    ],
)
@pytest.mark.parametrize("came_in", list(permutations(DATED)), ids=lambda rows: "".join(r.id[-1] for r in rows))
def test_each_tie_break(rule: str, order: list[int], came_in: tuple[Row, ...]) -> None:
    """The rule decides, whatever the order rows came in; those who lost are named."""
    match = _match(*came_in, on_duplicate=rule)
    assert match is not None
    assert [match.row.id, *(lost.id for lost in match.lost)] == [row_id(number) for number in order]


@pytest.mark.parametrize("rule", ["most_recently_created", "least_recently_created", "most_recently_updated"])
@pytest.mark.parametrize("came_in", list(permutations((_ada(1), _ada(2), _ada(3)))), ids=lambda r: r[0].id[-1])
def test_equal_dates_are_settled_by_id(rule: str, came_in: tuple[Row, ...]) -> None:
    """Two instances that read at once choose the same row."""
    assert _matched(*came_in, on_duplicate=rule) == ("lead", row_id(1), "email")


def test_a_row_without_a_date_is_the_oldest() -> None:
    """It never passes for the newest."""
    assert _matched(_ada(1, modifiedon=None), _ada(2)) == ("lead", row_id(2), "email")


@given(
    found=st.lists(rows(), max_size=7, unique_by=lambda each: each.key),
    tables=st.sampled_from(TABLES),
    rule=st.sampled_from(["most_recently_created", "least_recently_updated"]),
    linked=st.none() | st.integers(1, 8),
    rng=st.randoms(),
)
def test_the_order_of_candidates_never_changes_a_match(
    found: list[Row], tables: str, rule: str, linked: int | None, rng: Any
) -> None:
    """Nor does anything ever match that is closed, in another table, or nobody we look for."""
    links = {"lead": row_id(linked)} if linked else {}
    shuffled = list(found)
    rng.shuffle(shuffled)
    match = _match(*found, tables=tables, on_duplicate=rule, links=links)
    assert match == _match(*shuffled, tables=tables, on_duplicate=rule, links=links)
    if match:
        assert match.row.is_active
        assert match.row.table in action(match={"tables": tables}).tables


# --- Keys -------------------------------------------------------------------------------------------------------------


def _keys(*mapped: str, by: str = "email_or_name", **fields: Any) -> MatchKeys:
    rows = tuple({"source": source, "column": f"emailaddress{n}"} for n, source in enumerate(mapped or ("Email",), 1))
    person = known(NOON, **fields)
    return match_keys(person, Sources(person, capture()), [mapping(*rows)], action(match={"by": by}))


def test_keys_are_the_addresses_that_may_be_written_and_the_name() -> None:
    """The main address first, each once, in the form that is compared."""
    keys = _keys("Work", "Email", Email=" ADA@x.example", Work="ada@work.example", FirstName="Ada", LastName="Lovelace")
    assert keys == MatchKeys(("ada@x.example", "ada@work.example"), (("Ada", "Lovelace"),))
    assert _keys("Work", "Email", Email="a@x.example", Work="A@X.example").emails == ("a@x.example",)


@pytest.mark.parametrize("nothing", ["", " ", "Scanned", "Anonymous", "{{FirstName}}", "[Name]", None])
def test_placeholders_never_match(nothing: str | None) -> None:
    """A name with a part missing is no name, and a token no address."""
    assert not _keys(Email=nothing, FirstName=nothing, LastName="Lovelace")
    assert not _keys(Email=nothing, FirstName="Ada", LastName=nothing)


def test_names_may_come_from_other_questions() -> None:
    """Where Captello's own fields are blank, what is mapped to the columns is the name; a default never is."""
    mapped = mapping(
        {"source": "q.Given", "column": "firstname", "transform": "trim"},
        {"source": "q.Family", "column": "lastname", "default": "(unknown)"},
    )
    by_name = action(match={"by": "email_or_name"})
    answers = [{"title": "Given", "value": " Ada "}, {"title": "Family", "value": "Lovelace"}]
    said = Capture.model_validate({"answers": answers})
    assert subject(said, under=by_name, mappings={"lead": mapped}).keys.names == (("Ada", "Lovelace"),)
    both = Capture.model_validate({"answers": answers, "prospect": {"fields": {"FirstName": "A.", "LastName": "L."}}})
    assert subject(both, under=by_name, mappings={"lead": mapped}).keys.names == (("A.", "L."), ("Ada", "Lovelace"))
    half = Capture.model_validate({"answers": answers[:1]})
    assert subject(half, under=by_name, mappings={"lead": mapped}).keys.names == ()


def test_a_name_that_is_written_in_another_form_is_searched_in_both() -> None:
    """As it is said, and as the next one finds it; in another case it is the same."""
    shortened = mapping({"source": "FirstName", "column": "firstname", "transform": "first_word"}, *PERSON[1:])
    cased = mapping({"source": "FirstName", "column": "firstname", "transform": "name_case"}, *PERSON[1:])
    mappings = {"lead": shortened, "contact": cased}
    said = capture(FirstName="MARY ANN", LastName="Lee")
    about = subject(said, under=action(match={"by": "email_or_name"}), mappings=mappings)
    assert about.keys.names == (("MARY ANN", "Lee"), ("MARY", "Lee"))
    assert len(about.claim_keys) == 2


@pytest.mark.parametrize("letter", ["x", "'", "é", "😀"])
def test_a_name_that_no_address_holds_is_not_searched_by(letter: str) -> None:
    """Dynamics would refuse the look-up, and with it the person; nor is it claimed. One of 400 characters is."""
    assert _keys(FirstName="Ada", LastName=letter * 401).names == ()
    assert _keys(FirstName="Ada", LastName=letter * 400).names == (("Ada", letter * 400),)
    about = subject(capture(FirstName="Ada", LastName=letter * 401), under=action(match={"by": "email_or_name"}))
    assert about.claim_keys == ()


def test_under_email_names_are_not_looked_for() -> None:
    """Neither searched nor claimed."""
    assert _keys(by="email", FirstName="Ada", LastName="Lovelace") == MatchKeys()


@pytest.mark.parametrize(
    ("text", "email"),
    [
        (" Ada@X.Example ", "ada@x.example"),
        ("o'hara+expo@fabrikam.example", "o'hara+expo@fabrikam.example"),
        ("jo\u0308rg@x.example", "j\u00f6rg@x.example"),
        ("ada", ""),
        ("ada@", ""),
        ("@x.example", ""),
        ("a b@x.example", ""),
        ("ada@x@y", ""),
        ("ada@x.example;bob@x.example", ""),
        ("Ada <ada@x.example>", ""),
        ("mailto:ada@x.example", ""),
        ("a\x00da@x.example", ""),
        ("x" * 91 + "@x.example", ""),
        ("", ""),
    ],
)
def test_usable_addresses(text: str, email: str) -> None:
    """One address that fits the column, in the form that is compared; else none."""
    assert normal_email(text) == email


@given(text=any_text)
def test_normal_forms_are_settled(text: str) -> None:
    """Normalising twice is normalising once, so that hashes of keys never drift."""
    assert normal_email(normal_email(text)) == normal_email(text)
    assert normal_name(normal_name(text)) == normal_name(text)


# --- Look-ups ---------------------------------------------------------------------------------------------------------


def test_what_is_read_from_each_table() -> None:
    """Linked rows by id, the rest by every key; a table that nothing is known for is left out."""
    under = action(match={"by": "email_or_name"})
    assert look_ups(under, ADA, {"lead": row_id(7)}) == (
        LookUp("contact", emails=ADA.emails, names=ADA.names),
        LookUp("lead", ids=(row_id(7),), emails=ADA.emails, names=ADA.names),
    )
    assert look_ups(under, MatchKeys(), {"lead": row_id(7)}) == (LookUp("lead", ids=(row_id(7),)),)
    assert not look_ups(under, MatchKeys(), {})


def test_under_off_only_the_own_row_is_read() -> None:
    """And only of tables that the action writes."""
    off: SyncAction = action(match={"tables": "off"})
    links = {"lead": row_id(7), "contact": row_id(8)}
    assert look_ups(off, ADA, links) == (LookUp("lead", ids=(row_id(7),)),)


@pytest.mark.parametrize("table", ["lead", "contact"])
def test_columns_that_are_read(table: str) -> None:
    """What matching, redirecting and comparing need, each once; only leads become contacts."""
    columns = columns_to_read(mapping(table=table), table)
    assert len(columns) == len(set(columns))
    assert {f"{table}id", "statecode", "merged", "_masterid_value", "emailaddress3", "lastname", "jobtitle"} <= set(
        columns
    )
    assert ("_parentcontactid_value" in columns) is (table == "lead")
    assert "jobtitle" not in columns_to_read(None, table)
