"""How what was said becomes columns."""

from typing import Any

import pytest

from core.domain.capture import Capture
from core.domain.mapping import (
    ColumnValue,
    FieldMapping,
    Mapped,
    NotTaken,
    Policy,
    Sources,
    map_fields,
    wanted_references,
)
from core.domain.prospect import Prospect, merged
from core.domain.references import ReferenceQuery
from core.domain.row import Row
from core.domain.table import Target
from core.domain.values import FieldValue
from tests.builders import CAMPAIGN, CONTACT, EARLIER, LATER, NOON, capture, document, known, mapping, row_id


def _map(said: Capture, *rows: dict[str, Any], person: Prospect | None = None) -> Mapped:
    return map_fields(mapping(*rows), Sources(merged(person or Prospect(), said, NOON), said))


def _columns(mapped: Mapped) -> dict[str, Any]:
    return {value.column: value.value for value in mapped.values}


# --- Sources ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("Email", "mara@x.example"),
        (" eMAIL ", "mara@x.example"),
        ("q.12", ["A", "B"]),
        ("q.interests", ["A", "B"]),
        ("form.event", "Expo 26"),
        ("submission.captured_by", "Ann Lee"),
        ("submission.rating", 3),
        ("prospect.owner", "ann@x.example"),
        ("prospect.id", "777"),
        ("event", "captured"),
        ("Unknown", None),
        ("{FirstName} {LastName}", "Mara O'Hara"),
        ("{ firstname } { q.12 }", "Mara A; B"),
        ("{form.event}: {form.name}", "Expo 26: Booth"),
        ("{Company} - {Unknown}", "Fabrikam"),
        ("{Unknown}, {Company}", "Fabrikam"),
        ("{Unknown} {Nobody}", None),
        ("Met at {form.event}", "Met at Expo 26"),
        ("Met at {Unknown}", None),
        ("{LastName|upper}, {FirstName | lower}", "O'HARA, mara"),
        ("{Email|upper|lower}", "mara@x.example"),
        ("{FirstName|no such step}", None),
        ("{FirstName|digits}: {LastName}", "O'Hara"),
    ],
)
def test_sources_and_templates(source: str, value: FieldValue) -> None:
    """A source names a field, an answer or any part of the capture; a template joins what there is of several."""
    said = Capture.model_validate(document())
    assert Sources(merged(Prospect(), said, NOON), said)[source] == value


def test_what_the_person_said_before_is_there_too() -> None:
    """A capture that leaves a field out, or blank, does not forget it."""
    said = capture(Company="", Title="CEO")
    assert _columns(
        _map(
            said,
            {"source": "Company", "column": "companyname"},
            {"source": "Email", "column": "emailaddress1"},
            {"source": "Title", "column": "jobtitle"},
            person=known(Company="Engines", Email="a@b.example", Title="Clerk"),
        )
    ) == {"companyname": "Engines", "emailaddress1": "a@b.example", "jobtitle": "CEO"}


def test_an_older_capture_does_not_hide_what_is_newer() -> None:
    """A late capture maps to what the person said last."""
    said = capture(Company="Old", Title="CEO")
    late = Sources(merged(known(LATER, Company="New"), said, EARLIER), said)
    assert (late["Company"], late["Title"]) == ("New", "CEO")


# --- Defaults, constants, blanks, placeholders ------------------------------------------------------------------------


def test_a_constant_is_the_same_for_everybody() -> None:
    """It needs no source."""
    assert _columns(_map(capture(), {"constant": "Expo", "column": "companyname"})) == {"companyname": "Expo"}


@pytest.mark.parametrize("said", [{}, {"Company": ""}, {"Company": "Anonymous"}, {"Company": "{{Company}}"}])
def test_a_default_stands_in_for_what_nobody_said(said: dict[str, Any]) -> None:
    """It may fill an empty column, and never replaces what stands there."""
    mapped = _map(capture(**said), {"source": "Company", "column": "companyname", "default": "(unknown)"})
    assert mapped.values == (ColumnValue("companyname", "(unknown)", Policy.FILL_IF_EMPTY),)


@pytest.mark.parametrize(
    ("policy", "kept"),
    [
        (Policy.OVERWRITE, Policy.FILL_IF_EMPTY),
        (Policy.FILL_IF_EMPTY, Policy.FILL_IF_EMPTY),
        (Policy.APPEND, Policy.FILL_IF_EMPTY),
        (Policy.CREATE_ONLY, Policy.CREATE_ONLY),
        (Policy.CLEAR_IF_BLANK, Policy.FILL_IF_EMPTY),
    ],
)
def test_a_default_under_each_policy(policy: Policy, kept: Policy) -> None:
    """Create-only stays create-only; under every other policy a default only fills."""
    row = {"source": "Company", "column": "companyname", "default": "?", "policy": policy}
    assert _map(capture(), row).values == (ColumnValue("companyname", "?", kept),)
    assert _map(capture(Company="X"), row).values == (ColumnValue("companyname", "X", policy),)


@pytest.mark.parametrize("policy", [policy for policy in Policy if policy is not Policy.CLEAR_IF_BLANK])
@pytest.mark.parametrize("blank", ["", " ", None, [], "\x00"])
def test_a_blank_gives_no_value(policy: Policy, blank: FieldValue) -> None:
    """Only clear-if-blank lets a blank through."""
    assert not _map(capture(Company=blank), {"source": "Company", "column": "companyname", "policy": policy}).values


CLEARING = {"source": "Company", "column": "companyname", "policy": "clear_if_blank"}
CLEARED = (ColumnValue("companyname", None, Policy.CLEAR_IF_BLANK),)


@pytest.mark.parametrize(
    ("before", "said", "values"),
    [
        ({}, {"Company": ""}, CLEARED),
        ({"Company": "Engines"}, {"Company": ""}, CLEARED),
        ({}, {}, ()),
        ({"Company": ""}, {}, ()),
        ({}, {"Company": "Scanned"}, ()),
        ({"Company": "Engines"}, {}, (ColumnValue("companyname", "Engines", Policy.FILL_IF_EMPTY),)),
        ({"Company": ""}, {"Company": "New"}, (ColumnValue("companyname", "New", Policy.CLEAR_IF_BLANK),)),
    ],
    ids=["blank", "blank now", "not asked", "not asked again", "placeholder", "not asked, known", "said again"],
)
def test_a_blank_that_clears(before: dict[str, Any], said: dict[str, Any], values: tuple[ColumnValue, ...]) -> None:
    """A blank clears when it is the last word, and in this capture; a question that was hidden is not a blank."""
    assert _map(capture(**said), CLEARING, person=known(**before)).values == values


def test_what_was_taken_back_does_not_come_back() -> None:
    """After a blank that cleared, a capture that does not ask writes neither the old value nor another blank."""
    person = merged(known(Company="Engines"), capture(Company=""), NOON)
    asked_no_more = capture(Title="CEO")
    assert not map_fields(mapping(CLEARING), Sources(merged(person, asked_no_more, LATER), asked_no_more)).values


@pytest.mark.parametrize(
    ("said", "cleared"),
    [({"A": "", "B": ""}, True), ({"A": ""}, False), ({"A": "", "B": "x"}, False), ({}, False)],
    ids=["all blank", "one hidden", "one said", "none asked"],
)
def test_a_template_clears_only_as_a_whole(said: dict[str, Any], *, cleared: bool) -> None:
    """Every part has to be there and blank."""
    mapped = _map(capture(**said), {"source": "{A} {B}", "column": "companyname", "policy": "clear_if_blank"})
    assert (mapped.values == CLEARED) is cleared


@pytest.mark.parametrize("source", ["Company", "{Company}", "{FirstName} {Company}"])
def test_a_placeholder_is_missing_and_said_so(source: str) -> None:
    """The administrator learns that a token was not replaced, also inside a template."""
    mapped = _map(capture(FirstName="Ada", Company="{{Company}}"), {"source": source, "column": "companyname"})
    assert _columns(mapped).get("companyname") == ("Ada" if "First" in source else None)
    (warning,) = mapped.warnings
    assert source in warning
    assert "{{Company}}" in warning


# --- Choices, lengths -------------------------------------------------------------------------------------------------

RATING = {"source": "Rating", "column": "leadqualitycode"}


@pytest.mark.parametrize(
    ("said", "choices", "value"),
    [
        (1, {}, 1),
        ("2", {}, 2),
        (3.0, {}, 3),
        ("Hot", {}, 1),
        (" hOT ", {}, 1),
        ("HEISS", {}, 1),
        ("kalt", {}, 3),
        (["Warm"], {}, 2),
        ("A", {"a": "Hot", "b": 2}, 1),
        (" b ", {"a": "Hot", "B": 2}, 2),
        (5, {"5": "Cold"}, 3),
    ],
)
def test_a_choice_by_value_label_or_translation(said: FieldValue, choices: dict[str, int | str], value: int) -> None:
    """In any case and any installed language, and through the mapping's own table."""
    assert _columns(_map(capture(Rating=said), RATING | {"choices": choices})) == {"leadqualitycode": value}


def test_an_unknown_choice_is_left_out_with_what_would_be_accepted() -> None:
    """One bad field never loses the lead; the warning names question, value, column and options."""
    mapped = _map(capture(Rating="Tepid", Title="CEO"), RATING, {"source": "Title", "column": "jobtitle"})
    assert _columns(mapped) == {"jobtitle": "CEO"}
    (warning,) = mapped.warnings
    for told in ("Rating", '"Tepid"', "leadqualitycode", "Hot (1)", "Cold (3)"):
        assert told in warning


def test_an_unknown_choice_may_fail_the_row() -> None:
    """By the mapping row's own setting; a column without any option too."""
    assert _map(capture(Rating="Tepid"), RATING | {"on_unknown": "fail"}).failures[0].column == "leadqualitycode"
    bare = mapping(RATING | {"on_unknown": "fail"})
    no_options = {**bare.columns, "leadqualitycode": bare.columns["leadqualitycode"].model_copy(update={"choices": ()})}
    said = capture(Rating="Hot")
    sources = Sources(merged(Prospect(), said, NOON), said)
    without = FieldMapping(table="lead", rows=bare.rows, columns=no_options)
    assert map_fields(without, sources).failures[0].column == "leadqualitycode"


def test_a_long_text_is_cut_or_fails() -> None:
    """Cut with a warning by default; by setting, the row fails and says how long it may be."""
    said, row = capture(Title="x" * 150), {"source": "Title", "column": "jobtitle"}
    cut = _map(said, row)
    assert _columns(cut) == {"jobtitle": "x" * 99 + "…"}
    assert "jobtitle" in cut.warnings[0]
    refused = _map(said, row | {"too_long": "fail"})
    assert (refused.values, refused.failures[0].column, refused.failures[0].code) == ((), "jobtitle", "too_long")
    assert "100" in refused.failures[0].message


# --- Numbers, dates, yes and no ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "said", "value"),
    [
        ("numberofemployees", "1 200", 1200),
        ("revenue", "€ 1.234,50", 1234.5),
        ("donotemail", "Zulassen", False),
        ("donotemail", 0, False),
        ("interests", "Kalt;Hot", "1,3"),
        ("birthdate", "31.12.1990", "1990-12-31"),
        ("estimatedclosedate", "2026-05-04 13:05", "2026-05-04T11:05:00Z"),
        ("stageid", "{1F0E3DAD-9990-4C4F-8A1B-0123456789AB}", "1f0e3dad-9990-4c4f-8a1b-0123456789ab"),
    ],
)
def test_each_type_through_a_mapping(column: str, said: FieldValue, value: Any) -> None:
    """As the column takes it; dates without a zone in the connection's. Zero is said, not blank."""
    person = capture(Said=said)
    rows = mapping({"source": "Said", "column": column}).in_zone("Europe/Berlin")
    mapped = map_fields(rows, Sources(merged(Prospect(), person, NOON), person))
    assert (_columns(mapped), mapped.warnings) == ({column: value}, ())


@pytest.mark.parametrize(
    ("column", "code"),
    [
        ("numberofemployees", "unfit_number"),
        ("revenue", "unfit_number"),
        ("donotemail", "unknown_option"),
        ("interests", "unknown_option"),
        ("birthdate", "unfit_date"),
        ("estimatedclosedate", "unfit_date"),
        ("stageid", "unfit_id"),
        ("emailaddress1", "unfit_email"),
    ],
)
def test_what_does_not_fit_is_left_out_or_fails(column: str, code: str) -> None:
    """With a warning that names question, value and column; by `on_unknown`, the row fails instead, with a code that
    its fix goes by.
    """
    said, row = capture(Said="perhaps", Title="CEO"), {"source": "Said", "column": column}
    left_out = _map(said, row, {"source": "Title", "column": "jobtitle"})
    assert _columns(left_out) == {"jobtitle": "CEO"}
    (warning,) = left_out.warnings
    for told in ("Said was left out", '"perhaps"', column):
        assert told in warning
    (refusal,) = _map(said, row | {"on_unknown": "fail"}).failures
    assert (refusal.column, refusal.code) == (column, code)


@pytest.mark.parametrize(
    ("column", "transform", "value"),
    [
        ("birthdate", "day_first", "1990-04-03"),
        ("birthdate", "month_first", "1990-03-04"),
        ("birthdate", None, None),
    ],
)
def test_a_row_settles_what_can_be_read_two_ways(column: str, transform: str | None, value: str | None) -> None:
    """Without a transform such a date is left out."""
    mapped = _map(capture(Said="03/04/1990"), {"source": "Said", "column": column, "transform": transform})
    assert _columns(mapped).get(column) == value
    assert bool(mapped.warnings) is (value is None)


@pytest.mark.parametrize("row", [{}, {"source": "A", "constant": "b"}], ids=["neither", "both"])
def test_a_row_has_one_origin(row: dict[str, str]) -> None:
    """A source or a constant, never both and never none."""
    with pytest.raises(ValueError, match="source"):
        mapping({"column": "jobtitle", **row})


# --- What this capture does not say -----------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", Policy)
@pytest.mark.parametrize(
    ("source", "said", "is_said"),
    [
        ("Company", {"Company": "Engines"}, True),
        ("Company", {}, False),
        ("Company", {"Title": "CEO"}, False),
        ("Company", {"Company": "Scanned"}, False),
        ("{Company}, {Title}", {"Title": "CEO"}, True),
        ("{Company}, {Title}", {}, False),
        ("form.event", {}, True),
    ],
)
def test_what_was_said_before_only_fills(policy: Policy, source: str, said: dict[str, Any], *, is_said: bool) -> None:
    """Dynamics may know better by now; what this capture says itself follows the row's policy."""
    row = {"source": source, "column": "companyname", "policy": policy}
    heard = capture(**said).model_copy(update={"form": Capture.model_validate(document()).form})
    (value,) = _map(heard, row, person=known(Company="Engines")).values
    fills = Policy.CREATE_ONLY if policy is Policy.CREATE_ONLY else Policy.FILL_IF_EMPTY
    assert value.policy is (policy if is_said else fills)


@pytest.mark.parametrize("policy", Policy)
def test_a_constant_keeps_its_policy(policy: Policy) -> None:
    """Nobody has to say it."""
    row = {"constant": "Expo", "column": "companyname", "policy": policy}
    assert _map(capture(), row).values == (ColumnValue("companyname", "Expo", policy),)


# --- Lookups ----------------------------------------------------------------------------------------------------------

SOURCE_CAMPAIGN = {"source": "form.event", "column": "campaignid"}
EXPO = ReferenceQuery("campaign", "campaigns", "name", "Expo 26")


def _campaign(number: int, name: str = "Expo 26") -> Row:
    return Row("campaign", row_id(number), "", {"name": name, "statecode": 0})


def _linked(*rows: Row, **settings: Any) -> Mapped:
    said = Capture.model_validate(document())
    sources = Sources(merged(Prospect(), said, NOON), said)
    under = mapping(SOURCE_CAMPAIGN | {"lookup": settings}, {"source": "LastName", "column": "lastname"})
    return map_fields(under, sources, dict.fromkeys(wanted_references(under, sources), rows))


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        (SOURCE_CAMPAIGN, (EXPO,)),
        ({"constant": "Expo 26", "column": "campaignid"}, (EXPO,)),
        ({"source": "Nothing", "column": "campaignid", "default": "Expo 26"}, (EXPO,)),
        ({"source": "Nothing", "column": "campaignid"}, ()),
        (SOURCE_CAMPAIGN | {"default": "Other"}, (EXPO,)),
        ({"constant": row_id(1), "column": "campaignid"}, ()),
        ({"source": "form.event", "column": "companyname"}, ()),
    ],
)
def test_what_has_to_be_looked_up(row: dict[str, Any], wanted: tuple[ReferenceQuery, ...]) -> None:
    """What lookups name, once each; a default only where it is needed."""
    said = Capture.model_validate(document())
    sources = Sources(merged(Prospect(), said, NOON), said)
    assert wanted_references(mapping(row), sources) == wanted
    twice = mapping(row, row)
    assert wanted_references(twice, sources) == wanted


def test_a_lookup_becomes_the_row_and_its_target() -> None:
    """Whoever writes it needs both."""
    campaign, last_name = _linked(_campaign(1)).values
    assert campaign == ColumnValue("campaignid", row_id(1), Policy.OVERWRITE, CAMPAIGN)
    assert last_name.target is None


@pytest.mark.parametrize(
    ("rows", "settings", "linked", "fails"),
    [
        ((), {}, None, False),
        ((), {"on_missing": "fail"}, None, True),
        ((), {"on_many": "fail"}, None, False),
        ((_campaign(2), _campaign(1)), {}, None, False),
        ((_campaign(2), _campaign(1)), {"on_many": "fail"}, None, True),
        ((_campaign(2), _campaign(1)), {"on_many": "first"}, row_id(1), False),
        ((_campaign(2), _campaign(1)), {"on_missing": "fail"}, None, False),
        ((_campaign(1),), {"on_missing": "fail", "on_many": "fail"}, row_id(1), False),
    ],
)
def test_none_one_and_many(rows: tuple[Row, ...], settings: dict[str, str], linked: str | None, *, fails: bool) -> None:
    """Each has its setting; by default the link is left out with a warning, and the person is not lost."""
    mapped = _linked(*rows, **settings)
    assert _columns(mapped) == {"lastname": "O'Hara"} | ({"campaignid": linked} if linked else {})
    code = "several_rows" if rows else "no_such_row"
    assert [(refusal.column, refusal.code) for refusal in mapped.failures] == ([("campaignid", code)] if fails else [])
    assert len(mapped.warnings) == (not fails and len(rows) != 1)
    assert len(mapped.not_taken) == (not fails and not linked)


@pytest.mark.parametrize(
    ("column", "lookup", "target"), [("campaignid", {}, CAMPAIGN), ("customerid", {"table": "contact"}, CONTACT)]
)
def test_a_blank_takes_a_link_away_by_its_target(column: str, lookup: dict[str, str], target: Target) -> None:
    """A customer's link is written under the name of the table that it leads to, and so is its end."""
    row = {"source": "Link", "column": column, "policy": "clear_if_blank", "lookup": lookup}
    assert _map(capture(Link=""), row).values == (ColumnValue(column, None, Policy.CLEAR_IF_BLANK, target),)


# --- What a column could not take -------------------------------------------------------------------------------------


def test_a_cut_text_is_kept_whole_for_the_note() -> None:
    """With the question's words, where it has any."""
    said = Capture.model_validate(document(answers=[{"id": 12, "title": "Remarks", "value": "x" * 150}]))
    sources = Sources(merged(Prospect(), said, NOON), said)
    mapped = map_fields(mapping({"source": "q.12", "column": "jobtitle"}), sources)
    assert mapped.not_taken == (NotTaken("Remarks (q.12)", "jobtitle", "x" * 150),)


def test_what_was_left_out_is_kept_for_the_note() -> None:
    """It did not fit its column, but somebody said it."""
    mapped = _map(capture(Rating="Tepid"), RATING)
    assert mapped.not_taken == (NotTaken("Rating", "leadqualitycode", "Tepid"),)


@pytest.mark.parametrize(
    ("column", "said", "value"),
    [
        ("mobilephone", "+44 20 7946 0000", "+44 20 7946 0000"),
        ("mobilephone", "+44 (20) 7946 – 0000 00", "+442079460000" + "00"),
        ("mobilephone", "+44 20 7946 0000 extension twelve", None),
        ("websiteurl", "https://example.com/" + "x" * 40, None),
        ("emailaddress1", "a" * 95 + "@x.example", None),
        ("jobtitle", "x" * 101, "x" * 99 + "…"),
    ],
)
def test_what_would_be_another_when_cut_is_left_out(column: str, said: str, value: str | None) -> None:
    """A number or an address that lost its end is somebody else's; a phone number first loses its layout."""
    mapped = _map(capture(Said=said), {"source": "Said", "column": column})
    assert _columns(mapped).get(column) == value
    assert len(mapped.not_taken) == (value is None or value.endswith("…"))


@pytest.mark.parametrize("said", ["call me", "ada@", "@x.example", "a@x.example, b@x.example", "a b@x.example"])
@pytest.mark.parametrize("column", ["emailaddress1", "emailaddress2", "emailaddress3"])
def test_what_is_no_address_is_left_out(said: str, column: str) -> None:
    """It would be found by nobody; the warning names question, value, column and what would be accepted."""
    mapped = _map(
        capture(Mail=said, Title="CEO"), {"source": "Mail", "column": column}, {"source": "Title", "column": "jobtitle"}
    )
    assert _columns(mapped) == {"jobtitle": "CEO"}
    (warning,) = mapped.warnings
    for told in ("Mail was left out", f'"{said}"', column, "ada@contoso.example"):
        assert told in warning
    assert mapped.not_taken == (NotTaken("Mail", column, said),)


# --- Transforms -------------------------------------------------------------------------------------------------------


def test_a_transform_comes_before_the_column() -> None:
    """What it gives is converted like anything else."""
    rows = (
        {"source": "Name", "column": "lastname", "transform": ["last_word", "name_case"]},
        {"source": "Rating", "column": "leadqualitycode", "transform": {"translate": {"A": "Hot"}}},
        {"source": "Born", "column": "birthdate", "transform": ["trim", "month_first"]},
        {"source": "Size", "column": "numberofemployees", "transform": [{"split": "-"}, {"item": -1}]},
    )
    mapped = _map(capture(Name="ADA LOVELACE", Rating="a", Born="03/04/1990", Size="100-250"), *rows)
    assert (_columns(mapped), mapped.warnings) == (
        {"lastname": "Lovelace", "leadqualitycode": 1, "birthdate": "1990-03-04", "numberofemployees": 250},
        (),
    )


def test_a_transform_that_leaves_nothing_gives_way_to_the_default() -> None:
    """With a warning, for something had been said; what it could not read stands as it was written."""
    digits = {"source": "Size", "column": "jobtitle", "transform": "digits", "default": "?"}
    mapped = _map(capture(Size="many"), digits)
    assert mapped.values == (ColumnValue("jobtitle", "?", Policy.FILL_IF_EMPTY),)
    assert "many" in mapped.warnings[0]
    kept = _map(capture(Phone="ask Ann"), {"source": "Phone", "column": "telephone1", "transform": {"phone": "DE"}})
    assert _columns(kept) == {"telephone1": "ask Ann"}
    assert kept.warnings[0].startswith("Phone: ")


def test_a_lookup_goes_by_what_the_transform_gives() -> None:
    """What is asked is what is looked for afterwards."""
    said = Capture.model_validate(document())
    sources = Sources(merged(Prospect(), said, NOON), said)
    under = mapping(SOURCE_CAMPAIGN | {"transform": ["upper", {"suffix": "!"}]})
    (asked,) = wanted_references(under, sources)
    assert asked.value == "EXPO 26!"
    assert map_fields(under, sources, {asked: (_campaign(1, "Expo 26!"),)}).values[0].value == row_id(1)
