"""From one delivery and the rows that were found to what is to be done."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.capture import Capture
from core.domain.decision import decide
from core.domain.delivery import ErrorClass, Intent, Outcome, Result, RowWrite, claim_keys, due_key
from core.domain.mapping import FieldMapping
from core.domain.matching import MatchKeys
from core.domain.prospect import Prospect
from core.domain.references import Found
from core.domain.row import Row, RowKey
from core.domain.subject import Subject
from tests.builders import (
    EARLIER,
    LATER,
    NEW_ID,
    NOON,
    ORGANIZATION,
    PERSON,
    action,
    capture,
    delivery,
    document,
    known,
    mapping,
    row,
    row_id,
    rows_by_key,
    subject,
)
from tests.strategies import any_text, said_values

RATING = {"source": "Rating", "column": "leadqualitycode", "on_unknown": "fail"}
ADA: dict[str, Any] = {"FirstName": "Ada", "LastName": "Lovelace", "Email": "ada@x.example"}


def _decide(about: Subject, *found: Row) -> Intent | Result:
    return decide(about, Found(rows_by_key(*found)), new_id=NEW_ID)


def _intent(about: Subject, *found: Row) -> Intent:
    decided = _decide(about, *found)
    assert isinstance(decided, Intent), decided
    return decided


def _person(intent: Intent) -> RowWrite:
    """What is written into the person's own row."""
    assert intent.person is not None
    return intent.person


def _result(about: Subject, *found: Row) -> Result:
    decided = _decide(about, *found)
    assert isinstance(decided, Result), decided
    return decided


# --- Nobody matched ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["lead", "contact"])
def test_nobody_matched_so_a_row_is_created(table: str) -> None:
    """In the table the action names, with the id chosen for it, the keys claimed and the link known."""
    about = subject(capture(**ADA, Title=""), under=action(create=table))
    intent = _intent(about)
    person = _person(intent)
    assert (person.table, person.row_id, person.etag, person.creates) == (table, NEW_ID, None, True)
    assert _person(intent).values == {"firstname": "Ada", "lastname": "Lovelace", "emailaddress1": "ada@x.example"}
    assert (intent.result.outcome, intent.result.row_id) == (Outcome.CREATED, NEW_ID)
    assert intent.result.mapping_version == 3
    assert intent.keys == about.claim_keys
    assert intent.prospect.links == {table: NEW_ID}
    assert intent.prospect.claimed_by == ""
    assert intent.prospect.value("FirstName") == "Ada"


def test_nobody_matched_and_nothing_is_created() -> None:
    """The action says so, and the outcome says why."""
    skipped = _result(subject(capture(**ADA), under=action(create="none")))
    assert (skipped.outcome, skipped.row_id) == (Outcome.SKIPPED, "")
    assert "creates nothing" in skipped.reason


@pytest.mark.parametrize("by", ["email", "email_or_name"])
def test_a_capture_without_a_key(by: str) -> None:
    """It is created with a warning, or skipped, as the action says."""
    rule = {"by": by, "without_key": "create"}
    created = _intent(subject(capture(LastName="Lovelace", Email="{{Email}}"), under=action(match=rule)))
    assert created.result.outcome is Outcome.CREATED
    assert any("without a search" in warning for warning in created.result.warnings)
    skipped = _result(subject(capture(LastName="Lovelace"), under=action(match=rule | {"without_key": "skip"})))
    assert (skipped.outcome, "nothing to match by" in skipped.reason) == (Outcome.SKIPPED, True)


def test_a_name_is_a_key_where_names_are_matched() -> None:
    """Under `email` it is none."""
    named = capture(FirstName="Ada", LastName="Lovelace")
    skips = {"without_key": "skip"}
    assert isinstance(_decide(subject(named, under=action(match=skips | {"by": "email_or_name"}))), Intent)
    assert isinstance(_decide(subject(named, under=action(match=skips))), Result)


@pytest.mark.parametrize(
    ("said", "is_in_doubt"),
    [
        ({"Title": "x" * 100}, False),
        ({"Title": "x" * 101}, True),
        ({"Rating": "Hot"}, False),
        ({"Rating": "Boiling"}, True),
        ({"Wishes": ["Hot", "Boiling"]}, True),
        ({"Staff": "2000000"}, True),
        ({"Born": "soon"}, False),
        ({"Work": "no address"}, False),
    ],
)
def test_what_does_not_fit_its_columns_facts_is_in_doubt(said: dict[str, Any], is_in_doubt: bool) -> None:  # noqa: FBT001
    """Somebody may have lengthened the column or renamed the option; a date or an address is none by any facts."""
    mapped = mapping(
        {"source": "Email", "column": "emailaddress1"},
        {"source": "Work", "column": "emailaddress2"},
        {"source": "Title", "column": "jobtitle"},
        {"source": "Rating", "column": "leadqualitycode"},
        {"source": "Wishes", "column": "interests"},
        {"source": "Staff", "column": "numberofemployees"},
        {"source": "Born", "column": "birthdate"},
    )
    about = subject(
        capture(Email="ada@x.example", **said), under=action(match={"tables": "leads"}), mappings={"lead": mapped}
    )
    assert _intent(about).result.is_in_doubt == is_in_doubt
    assert _intent(about, row(emailaddress1="ada@x.example", jobtitle="old")).result.is_in_doubt == is_in_doubt


@pytest.mark.parametrize(("by", "tables", "told"), [("email_or_name", "leads", 1), ("email", "leads", 0)])
def test_a_name_too_long_to_be_searched_by_is_told(by: str, tables: str, told: int) -> None:
    """Where names are matched at all."""
    said = capture(FirstName="Ada", LastName="x" * 10_000, Email="ada@x.example")
    created = _intent(subject(said, under=action(match={"by": by, "tables": tables})))
    assert sum("nobody was searched by it" in warning for warning in created.result.warnings) == told


def test_with_match_off_a_row_is_created_for_every_capture() -> None:
    """Without a warning, whoever is there already; only the same submission finds its own row."""
    off = action(match={"tables": "off"})
    found = row(1, emailaddress1="ada@x.example")
    assert _intent(subject(capture(**ADA), under=off), found).result.warnings == ()
    own = subject(capture(**ADA, Title="CEO"), under=off, prospect=known(links={"lead": row_id(1)}))
    assert _person(_intent(own, found)).row_id == row_id(1)


def test_a_required_column_without_a_value_is_warned_about() -> None:
    """The row is created all the same: Dynamics' Web API takes it, and the lead is not lost."""
    intent = _intent(subject(capture(Email="ada@x.example")))
    assert any("lastname is required" in warning for warning in intent.result.warnings)


def test_columns_that_cannot_be_created_wait_for_an_update() -> None:
    """Such a value is left out of a new row."""
    fixed = mapping()
    columns = {**fixed.columns, "jobtitle": fixed.columns["jobtitle"].model_copy(update={"creatable": False})}
    about = subject(capture(**ADA, Title="CEO"), mappings={"lead": fixed.model_copy(update={"columns": columns})})
    assert "jobtitle" not in _person(_intent(about)).values


# --- Somebody matched -------------------------------------------------------------------------------------------------


def test_a_match_is_updated_with_what_differs() -> None:
    """Guarded by the row's ETag; the before-image is kept for undo."""
    found = row(1, firstname="Ada", lastname="Byron", emailaddress1="ada@x.example")
    intent = _intent(subject(capture(**ADA)), found)
    person = _person(intent)
    assert (person.table, person.row_id, person.etag, person.creates) == ("lead", row_id(1), found.etag, False)
    assert _person(intent).values == {"lastname": "Lovelace"}
    assert intent.result.before == {"lastname": "Byron"}
    assert intent.result.outcome is Outcome.UPDATED
    assert intent.prospect.links == {"lead": row_id(1)}


def test_a_match_that_holds_everything_is_unchanged() -> None:
    """Nothing is written, and the outcome names the row."""
    found = row(1, firstname="Ada", lastname="Lovelace", emailaddress1="ada@x.example")
    unchanged = _result(subject(capture(**ADA)), found)
    assert (unchanged.outcome, unchanged.table, unchanged.row_id) == (Outcome.UNCHANGED, "lead", row_id(1))


def test_matched_rows_are_left_alone_where_the_action_says_so() -> None:
    """`on_match: none` writes nothing and creates nothing."""
    found = row(1, emailaddress1="ada@x.example")
    unchanged = _result(subject(capture(**ADA), under=action(on_match="none")), found)
    assert (unchanged.outcome, "leaves matched rows alone" in unchanged.reason) == (Outcome.UNCHANGED, True)


def test_with_a_duplicate_nothing_is_created() -> None:
    """Although the action would create a contact, the lead that is there is updated."""
    found = row(1, emailaddress1="ada@x.example")
    assert _person(_intent(subject(capture(**ADA), under=action(create="contact")), found)).table == "lead"


def test_a_late_capture_only_fills_blanks() -> None:
    """Older than what is known already, it overwrites nothing, in Dynamics neither."""
    found = row(1, firstname="Ada", lastname="Byron", emailaddress1="ada@x.example", jobtitle=None)
    about = subject(
        capture(said_at=EARLIER, **ADA, Title="CEO"), prospect=known(LATER, LastName="King"), received_at=LATER
    )
    assert about.is_late
    assert _person(_intent(about, found)).values == {"jobtitle": "CEO"}


def test_a_link_that_rests_on_a_name_protects_the_rows_own_address() -> None:
    """Found by name once, the row is linked; a later capture with yet another address must not take its own."""
    smith = row(1, firstname="Ada", lastname="Lovelace", emailaddress1="other@x.example")
    by_name = action(match={"by": "email_or_name"})
    first = _intent(subject(capture(**ADA), under=by_name), smith)
    assert _person(first).values == {"emailaddress2": "ada@x.example"}
    after = row(1, firstname="Ada", lastname="Lovelace", emailaddress1="other@x.example", emailaddress2="ada@x.example")
    said = capture(**ADA | {"Email": "new@x.example"})
    second = _intent(subject(said, under=by_name, prospect=first.prospect), after)
    assert second.result.explain["matched_by"] == "link"
    assert _person(second).values == {"emailaddress3": "new@x.example"}


def test_a_link_that_rests_on_an_address_lets_it_change() -> None:
    """Found by e-mail, or created by us, the row follows the person's new address."""
    first = _intent(subject(capture(**ADA)), row(1, emailaddress1="ada@x.example"))
    said = capture(**ADA | {"Email": "new@x.example"})
    second = _intent(subject(said, prospect=first.prospect), row(1, emailaddress1="ada@x.example"))
    assert _person(second).values["emailaddress1"] == "new@x.example"
    assert not second.prospect.linked_by_name


def test_the_same_moment_is_not_late() -> None:
    """Two captures of one second: the one that comes second speaks last."""
    assert not subject(capture(said_at=NOON), prospect=known(NOON)).is_late


# --- Failures ---------------------------------------------------------------------------------------------------------


def test_without_a_mapping_it_fails_for_configuration() -> None:
    """The administrator learns which table."""
    failed = _result(subject(capture(**ADA), mappings={}))
    assert (failed.outcome, failed.error_class) == (Outcome.FAILED, ErrorClass.CONFIGURATION)
    assert "lead" in failed.reason
    assert failed.mapped_as == {"contact": 0, "lead": 0, "account": 0}


def test_a_value_that_may_not_be_left_out_fails_the_row() -> None:
    """Only by the mapping row's own setting; the column is named."""
    failed = _result(subject(capture(**ADA, Rating="Tepid"), mappings={"lead": mapping(RATING)}))
    assert (failed.outcome, failed.error_class) == (Outcome.FAILED, ErrorClass.DATA)
    assert (failed.error_column, "Tepid" in failed.reason) == ("leadqualitycode", True)
    assert (failed.error_code, failed.mapped_as) == ("unknown_option", {"contact": 0, "lead": 3, "account": 0})


@pytest.mark.parametrize("mappings", [{}, {"lead": mapping(RATING)}])
def test_what_is_refused_before_it_is_written_is_explained_too(mappings: Mapping[str, FieldMapping]) -> None:
    """Both tables were searched, and whoever looks for the reason sees it: rule, queries, candidates."""
    failed = _result(subject(capture(**ADA, Rating="Tepid"), mappings=mappings), row(1, emailaddress1="ada@x.example"))
    assert failed.outcome is Outcome.FAILED
    assert failed.explain["queries"] == [_asked("contact"), _asked("lead")]
    assert failed.explain["candidates"] == [_candidate(1, "chosen")]


def test_one_bad_field_never_loses_the_lead() -> None:
    """An unknown option, a text that is no address: left out with a warning, the rest is written."""
    loose = mapping(
        {"source": "Rating", "column": "leadqualitycode"},
        {"source": "Email", "column": "emailaddress1"},
        {"source": "LastName", "column": "lastname"},
    )
    intent = _intent(subject(capture(LastName="L", Email="call me", Rating="Tepid"), mappings={"lead": loose}))
    assert _person(intent).values == {"lastname": "L"}
    assert len([warning for warning in intent.result.warnings if "left out" in warning]) == 2


# --- Explained --------------------------------------------------------------------------------------------------------


RULE = {
    "tables": "contacts_then_leads",
    "by": "email",
    "inactive": "ignore",
    "without_key": "create",
    "on_duplicate": "most_recently_updated",
    "on_match": "update",
    "create": "lead",
}


def test_the_match_is_explained_without_personal_data() -> None:
    """Rule, candidates, tie-break and who lost; no address and no name."""
    found = [row(number, emailaddress1="ada@x.example", lastname="Lovelace") for number in (1, 2)]
    explained = _intent(subject(capture(**ADA)), *found).result.explain
    assert explained == {
        "rule": RULE,
        "queries": [_asked("contact"), _asked("lead")],
        "candidates": [
            _candidate(1, "chosen"),
            _candidate(2, "lost the tie: with the same modifiedon, the lower id decides"),
        ],
        "matched_by": "email",
        "in": "lead",
        "chosen": f"lead {row_id(1)}",
        "tie_break": "most_recently_updated",
    }


@pytest.mark.parametrize(
    ("dates", "fate"),
    [
        (["2026-02-03", "2026-02-01"], "lost the tie: most recently updated decides"),
        (["2026-02-03", "2026-02-03"], "lost the tie: with the same modifiedon, the lower id decides"),
    ],
)
def test_what_decided_a_tie_is_told(dates: list[str], fate: str) -> None:
    """The date; of equal dates the id."""
    rows = [row(n, emailaddress1="ada@x.example", modifiedon=date) for n, date in enumerate(dates, 1)]
    told = _intent(subject(capture(**ADA)), *rows).result.explain["candidates"]
    assert [each["fate"] for each in told] == ["chosen", fate]


def test_of_many_candidates_the_chosen_one_is_shown() -> None:
    """Then those who lost the tie; how many are not shown is told."""
    found = [row(n, emailaddress1="ada@x.example", modifiedon=f"2026-02-{n % 28:02}") for n in range(1, 61)]
    explain = _decide(subject(capture(**ADA, Title="new")), *found).result.explain  # type: ignore[union-attr]
    assert (len(explain["candidates"]), explain["candidates_left_out"]) == (50, 10)
    assert explain["candidates"][0]["fate"] == "chosen"


def test_all_that_was_asked_is_told() -> None:
    """Also of the rows that others lead to, of companies and campaigns; not the words it was asked with."""
    beside = action(account={"by": "name"}, campaigns=[{"name": "Expo 26", "as": "response"}])
    merged_away = row(1, emailaddress1="ada@x.example", merged=True, statecode=2, _masterid_value=row_id(2))
    about = subject(capture(**ADA, Company="Acme"), under=beside)
    decided = _intent(about, merged_away, row(2, lastname="Byron"))
    assert decided.result.explain["queries"] == [
        _asked("contact"),
        _asked("lead"),
        {"table": "lead", "redirects": 1},
        {"table": "campaign", "by": "name"},
        {"table": "account", "by": "name"},
    ]


@pytest.mark.parametrize(
    ("policy", "said_at", "why"),
    [
        ("fill_if_empty", LATER, "keeps what it holds in jobtitle"),
        ("create_only", LATER, "keeps what it holds in jobtitle"),
        ("overwrite", EARLIER, "It came late: the person said something newer at 2026-05-04 12:00:00 UTC"),
        ("fill_if_empty", EARLIER, "It came late"),
    ],
)
def test_why_a_row_was_left_as_it_is(policy: str, said_at: datetime, why: str) -> None:
    """That the row holds all of this already would be false."""
    mapped = {"lead": mapping(*PERSON[:3], {"source": "Title", "column": "jobtitle", "policy": policy})}
    about = subject(
        capture(said_at=said_at, **ADA, Title="old"),
        mappings=mapped,
        prospect=known(NOON, **ADA, links={"lead": row_id(1)}),
        received_at=LATER,
        under=action(match={"tables": "leads"}),
    )
    same = {"firstname": "Ada", "lastname": "Lovelace", "emailaddress1": "ada@x.example"}
    unchanged = _result(about, row(1, **same, jobtitle="new"))
    assert (unchanged.outcome, why in unchanged.reason) == (Outcome.UNCHANGED, True)
    assert unchanged.explain["kept"] == {"jobtitle": "late" if said_at == EARLIER else policy}
    assert ("late" in unchanged.explain) is (said_at == EARLIER)


def _asked(table: str) -> dict[str, Any]:
    columns = ["emailaddress1", "emailaddress2", "emailaddress3"]
    return {"table": table, "link": False, "emails": 1, "email_columns": columns, "name": False}


def _candidate(number: int, fate: str) -> dict[str, Any]:
    dates = {"createdon": "2026-01-01T08:00:00Z", "modifiedon": "2026-02-01T08:00:00Z"}
    return {"table": "lead", "row_id": row_id(number), **dates, "fits_by": ["email"], "fate": fate}


# --- Applied, and decided again ---------------------------------------------------------------------------------------

POLICY = st.sampled_from(["overwrite", "fill_if_empty", "append", "create_only", "clear_if_blank"])
CELL = st.none() | st.sampled_from(["", "a", "b\nc"]) | any_text


def _applied(intent: Intent, found: Mapping[RowKey, Row | None]) -> dict[RowKey, Row | None]:
    """The rows as they stand when all of it has been written."""
    beside = [extra.write for extra in intent.extras if isinstance(extra.write, RowWrite)]
    after = dict(found)
    for write in [*([intent.person] if intent.person else []), *beside]:
        key = (write.table, write.row_id)
        before = found.get(key) or row(99, write.table)
        columns = {**before.columns, f"{write.table}id": write.row_id, **write.values}
        after[key] = replace(before, id=write.row_id, columns=columns)
    return after


@given(st.data())
def test_a_plan_that_was_applied_leaves_nothing_to_do(data: st.DataObject) -> None:
    """Decided again, by anybody and in whatever state the row was, the same delivery finds it unchanged."""
    draw = data.draw
    text_row = {
        "column": "companyname",
        "source": "Company",
        "policy": draw(POLICY),
        "default": draw(st.none() | st.just("?")),
    }
    memo_row = {"column": "description", "source": "{Notes}", "policy": draw(POLICY)}
    choice_row = {"column": "leadqualitycode", "source": "Rating", "policy": "overwrite"}
    mailed = [{"column": f"emailaddress{n}", "source": name} for n, name in ((1, "Email"), (2, "Work"))]
    both = {t: mapping(text_row, memo_row, choice_row, *mailed, table=t) for t in ("lead", "contact")}
    emails = st.sampled_from(["", "a@x.example", "b@x.example", "c@x.example"])
    said = {
        "FirstName": "Ada",
        "LastName": draw(st.sampled_from(["", "Lovelace"])),
        "Email": draw(emails),
        "Work": draw(emails),
        "Rating": draw(st.sampled_from(["", "hot", 3, "?"])),
        **draw(st.dictionaries(st.sampled_from(["Company", "Notes"]), said_values)),
    }
    heard = known(draw(st.sampled_from([EARLIER, LATER])), Company=draw(CELL), Notes="", Email=draw(emails))
    found = rows_by_key(
        *(
            row(
                number,
                draw(st.sampled_from(["lead", "contact"])),
                firstname="Ada",
                lastname="Lovelace",
                emailaddress1=draw(st.none() | emails),
                emailaddress2=draw(st.none() | emails),
                companyname=draw(CELL),
                description=draw(CELL),
                leadqualitycode=draw(st.sampled_from([None, 1, 2])),
            )
            for number in range(draw(st.integers(0, 3)))
        )
    )
    under = action(match={"by": "email_or_name"}, on_duplicate="least_recently_updated")
    about = subject(capture(said_at=NOON, **said), under=under, prospect=heard, mappings=both, received_at=LATER)
    decided = decide(about, Found(found), new_id=NEW_ID)
    if isinstance(decided, Result):
        assert decided.outcome is Outcome.UNCHANGED
        return
    person = decided.prospect.with_effects([extra.mark for extra in decided.extras], NOON)
    again = subject(about.capture, under=under, prospect=person, mappings=both, received_at=LATER)
    second = decide(again, Found(_applied(decided, found)), new_id="another")
    assert isinstance(second, Result), second
    assert (second.outcome, second.row_id) == (Outcome.UNCHANGED, decided.result.row_id)


def test_an_intent_is_stored_as_it_is() -> None:
    """Whoever finds it carries out exactly this."""
    intent = _intent(subject(capture(**ADA)), row(1, emailaddress1="ada@x.example"))
    assert Intent.model_validate_json(intent.model_dump_json()) == intent


# --- Keys -------------------------------------------------------------------------------------------------------------


def test_claim_keys_show_nobodys_address_and_are_the_organisations_own() -> None:
    """Hashed with the organisation; the same person has the same keys however they are written."""
    keys = claim_keys(ORGANIZATION, MatchKeys(("ada@x.example",), (("Ada", "Lovelace"),)))
    assert not any("ada" in key.lower() for key in keys)
    assert [key.rpartition("|")[0] for key in keys] == ["key|email", "key|name"]
    assert keys == claim_keys(ORGANIZATION, MatchKeys(("ada@x.example",), (("ADA ", " lovelace"),)))
    assert set(keys).isdisjoint(claim_keys("another", MatchKeys(("ada@x.example",), (("Ada", "Lovelace"),))))


def test_submissions_are_people_where_nothing_is_matched() -> None:
    """With match off a prospect's second submission is not the first one's row."""
    said = Capture.model_validate(document())
    off = action(match={"tables": "off"})
    assert subject(said).prospect_key == "prospect|777"
    assert subject(said, under=off).prospect_key.startswith("prospect|submission~")


def test_due_marks_sort_by_time() -> None:
    """Across zones and moments; a bare mark stands before every one of its time."""
    marks = [due_key(EARLIER), due_key(EARLIER, "a"), due_key(NOON), due_key(NOON, "a"), due_key(LATER, "a")]
    assert marks == sorted(marks)
    assert delivery(capture()).due.key == due_key(NOON, "d" * 32)


def test_nothing_is_known_of_a_stranger() -> None:
    """A first capture is never late."""
    assert not subject(capture(said_at=EARLIER), prospect=Prospect()).is_late


@pytest.mark.parametrize(("note", "told"), [(True, "left to the note"), (False, "was not kept")])
def test_an_address_that_found_no_place_is_told_of(note: bool, told: str) -> None:  # noqa: FBT001  # a table's column
    """Where there is no note, nothing keeps it, and nobody is told that the row holds it."""
    taken = {f"emailaddress{n}": f"{n}@x.example" for n in (1, 2, 3)}
    under = action(match={"by": "email_or_name"}, note=note)
    decided = _decide(subject(capture(**ADA), under=under), row(1, firstname="Ada", lastname="Lovelace", **taken))
    result = decided.result if isinstance(decided, Intent) else decided
    assert [told in warning for warning in result.warnings] == [True]
    assert ("keeps what it holds in emailaddress1" in result.reason) is not note


def test_a_row_that_is_left_alone_cannot_fail() -> None:
    """Neither for want of a mapping nor for a value that does not fit."""
    found = row(1, "contact", emailaddress1="ada@x.example")
    alone = _result(subject(capture(**ADA), under=action(on_match="none"), mappings={}), found)
    assert (alone.outcome, alone.row_id, alone.mapping_version) == (Outcome.UNCHANGED, row_id(1), 0)
