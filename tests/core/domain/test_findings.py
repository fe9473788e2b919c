"""What is wrong with a mapping is said when it is saved."""

from typing import Any

import pytest

from core.domain.conversion import LookupRule
from core.domain.findings import Finding, findings, tables_to_describe
from core.domain.mapping import MappingRow, Policy
from core.domain.table import Table
from core.domain.values import FieldValue
from tests.builders import LEAD, column

LAST = {"source": "LastName", "column": "lastname"}


def _found(*rows: dict[str, Any]) -> list[Finding]:
    return findings(tuple(MappingRow(**row) for row in rows), LEAD)


def test_a_good_mapping_has_none() -> None:
    """Texts, memos and choices, with defaults, constants and translations that fit."""
    assert not _found(
        LAST | {"default": "(unknown)"},
        {"source": "Notes", "column": "description", "policy": "append"},
        {"source": "Rating", "column": "leadqualitycode", "choices": {"A": "hot", "B": 2}, "default": "Cold"},
        {"constant": "Expo", "column": "companyname", "policy": "create_only"},
        {"constant": "Kontaktiert", "column": "statuscode", "policy": "create_only"},
        {"source": "form.event", "column": "campaignid", "policy": "clear_if_blank", "choices": {"Booth": "Expo 26"}},
        {"source": "Company", "column": "customerid", "lookup": {"table": "account", "on_many": "first"}},
        {"source": "prospect.owner", "column": "ownerid", "default": "ann@contoso.example"},
        {"source": "Sla", "column": "slaid", "lookup": {"by": "name"}},
    )


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (" ", "Name a field"),
        ("{LastName|uper}", "Did you mean upper?"),
        ("{LastName | Uper}", "Did you mean upper?"),
        ("{LastName|truncate}", "takes an argument"),
        ("{LastName|}", "names a step"),
        ("{LastName", "one pair of braces"),
        ("LastName}", "one pair of braces"),
        ("{{LastName}}", "one pair of braces"),
        ("{}", "name of a field"),
        ("{FirstName} { }", "name of a field"),
    ],
)
def test_a_template_that_is_misspelt(source: str, words: str) -> None:
    """Every capture would be without it, or hold its braces."""
    (finding,) = _found(LAST, {"source": source, "column": "jobtitle"})
    assert finding.field == "rows.1.source"
    assert words in finding.message


@pytest.mark.parametrize(
    "source", ["{LastName|upper|trim}, {FirstName}", "q.Coffee|Tea", "{q.Coffee|Tea}", "{q.A|B?} x", "q.Why (if any)?"]
)
def test_a_bar_may_stand_in_a_question(source: str) -> None:
    """Only what nearly is a step is a mistake."""
    assert not _found(LAST, {"source": source, "column": "jobtitle"})


def test_translations_may_not_contradict_each_other() -> None:
    """They are read in any case, and the last would win."""
    choices = {"A": "Hot", " a ": "Cold", "B": "Hot", "b": "Hot"}
    (finding,) = _found(LAST, {"source": "Rating", "column": "leadqualitycode", "choices": choices})
    assert (finding.field, '"A"' in finding.message) == ("rows.1.choices. a ", True)


@pytest.mark.parametrize(
    ("row", "field", "words"),
    [
        ({"source": "A", "column": "jobtitel"}, "rows.1.column", ["lead", "no column jobtitel", "jobtitle"]),
        ({"source": "A", "column": "qqqqqqqq"}, "rows.1.column", ["no column qqqqqqqq."]),
        ({"source": "A", "column": "fullname"}, "rows.1.column", ["cannot be written"]),
        ({"source": "A", "column": "createdon"}, "rows.1.column", ["cannot be written"]),
        ({"source": "A", "column": "leadid"}, "rows.1.column", ["gives each row its id"]),
        ({"source": "B", "column": "lastname"}, "rows.1.column", ["twice"]),
        ({"source": "A", "column": "leadqualitycode", "default": "Tepid"}, "rows.1.default", ["Tepid", "Hot (1)"]),
        ({"constant": 9, "column": "leadqualitycode"}, "rows.1.constant", ['"9"', "Hot (1)"]),
        ({"source": "A", "column": "leadqualitycode", "choices": {"x": "Y"}}, "rows.1.choices.x", ["Y", "Hot (1)"]),
        ({"constant": "x" * 101, "column": "companyname"}, "rows.1.constant", ["101", "100"]),
        ({"source": "A", "column": "companyname", "default": "x" * 101}, "rows.1.default", ["101", "100"]),
        ({"source": "A", "column": "leadqualitycode", "policy": Policy.APPEND}, "rows.1.policy", ["append"]),
        ({"source": "A", "column": "emailaddress1", "policy": Policy.APPEND}, "rows.1.policy", ["append", "e-mail"]),
        ({"source": "A", "column": "companyname", "default": "Anonymous"}, "rows.1.default", ["Anonymous"]),
        ({"source": "A", "column": "emailaddress1", "default": "a@x.example"}, "rows.1.default", ["same person"]),
        ({"constant": "a@x.example", "column": "emailaddress2"}, "rows.1.constant", ["same person"]),
        ({"source": "A", "column": "jobtitle", "choices": {"a": "b"}}, "rows.1.choices", ["translate"]),
        ({"constant": "a", "column": "jobtitle", "transform": "upper"}, "rows.1.transform", ["as it stands"]),
        ({"source": "A", "column": "statuscode"}, "rows.1.policy", ["create_only"]),
        ({"source": "A", "column": "ownerid", "policy": "clear_if_blank"}, "rows.1.policy", ["must not be empty"]),
        ({"source": "A", "column": "setlater", "policy": "create_only"}, "rows.1.policy", ["never write"]),
        ({"constant": "Lost", "column": "statuscode", "policy": "create_only"}, "rows.1.constant", ["New (1)"]),
        ({"source": "A", "column": "jobtitle", "lookup": {"by": "name"}}, "rows.1.lookup", ["links", "String"]),
        ({"source": "A", "column": "campaignid", "lookup": {"table": "lead"}}, "rows.1.lookup.table", ["campaign"]),
        ({"source": "A", "column": "customerid"}, "rows.1.lookup.table", ["account or contact"]),
        ({"source": "A", "column": "ownerid", "lookup": {"by": "name"}}, "rows.1.lookup.by", ["e-mail address"]),
        ({"source": "A", "column": "ownerid", "lookup": {"table": "lead"}}, "rows.1.lookup.table", ["systemuser"]),
        ({"source": "A", "column": "slaid"}, "rows.1.lookup.by", ["no column that names"]),
        ({"source": "A", "column": "campaignid", "policy": "append"}, "rows.1.policy", ["append"]),
        ({"constant": "{{Company}}", "column": "companyname"}, "rows.1.constant", ["{{Company}}"]),
        ({"constant": " ", "column": "companyname"}, "rows.1.constant", ["missing"]),
    ],
)  # fmt: skip
def test_each_mistake_is_found_where_it_is(row: dict[str, Any], field: str, words: list[str]) -> None:
    """The finding names the part of the mapping, and what would be accepted."""
    (finding,) = _found(LAST, row)
    assert finding.field == field
    for word in words:
        assert word in finding.message


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("lookup", "to which table"),
        ("customer", "to which table"),
        ("partylist", "links to several rows"),
        ("state", "decided in Dynamics"),
        ("image", "picture"),
        ("file", "file"),
        ("entityname", "Dynamics fills it"),
        ("virtual", "no plain value"),
    ],
)
def test_types_that_cannot_be_mapped(kind: str, words: str) -> None:
    """Each is refused with the reason."""
    (finding,) = _found(LAST, {"source": "A", "column": f"a_{kind}"})
    assert finding.field == "rows.1.column"
    assert f"lead.a_{kind} cannot be mapped: " in finding.message
    assert words in finding.message


@pytest.mark.parametrize(
    ("column", "constant", "words"),
    [
        ("numberofemployees", 12, ""),
        ("numberofemployees", "many", "whole numbers from 0 to 1000000"),
        ("numberofemployees", 12.5, "rounded to 13"),
        ("revenue", "1,234", "decimal_comma"),
        ("revenue", "1,234.00", ""),
        ("donotemail", True, ""),
        ("donotemail", "Nicht zulassen", ""),
        ("donotemail", "perhaps", "Do Not Allow (1)"),
        ("donotemail", ["I agree"], "checked"),
        ("birthdate", "1990-12-31", ""),
        ("birthdate", "03/04/1990", "day_first"),
        ("estimatedclosedate", "2026-05-04", ""),
        ("estimatedclosedate", "tomorrow", "2026-05-04T13:05:00+02:00"),
        ("interests", "Hot; kalt", ""),
        ("interests", "Hot;Tepid", "Tepid"),
        ("stageid", "{1F0E3DAD-9990-4C4F-8A1B-0123456789AB}", ""),
        ("stageid", "12", "unique identifier"),
    ],
)
def test_a_constant_fits_as_it_is(column: str, constant: FieldValue, words: str) -> None:
    """What would be left out, rounded or decided at every capture is said once, when the mapping is saved."""
    found = _found(LAST, {"constant": constant, "column": column})
    assert [finding.field for finding in found] == (["rows.1.constant"] if words else [])
    assert all(words in finding.message for finding in found)


NUMBERS, DATES = ["numberofemployees", "revenue"], ["estimatedclosedate", "birthdate"]


@pytest.mark.parametrize("column", [*NUMBERS, *DATES, "jobtitle", "description", "donotemail", "interests", "stageid"])
def test_settings_are_for_their_types(column: str) -> None:
    """Append is for texts, the order of day and month for dates, the decimal sign for numbers."""
    row = {"source": "A", "column": column}
    fitting = {"append": ["jobtitle", "description"], "day_first": DATES, "decimal_comma": NUMBERS}
    for setting, columns in fitting.items():
        name = "policy" if setting == "append" else "transform"
        found = _found(LAST, row | {name: setting})
        assert [finding.field for finding in found] == ([] if column in columns else [f"rows.1.{name}"])


CAMPAIGNS = Table(
    name="campaign", columns={each.name: each for each in (column("codename"), column("size", "Integer"))}
)


@pytest.mark.parametrize(
    ("by", "words"),
    [("codename", []), ("codenaem", ["no column codenaem", "codename"]), ("size", ["Integer", "text column"])],
)
def test_the_column_that_finds_rows_is_held_against_its_table(by: str, words: list[str]) -> None:
    """The lookup's target is described too, where a row says by which of its columns."""
    rows = (MappingRow(**LAST), MappingRow(source="A", column="campaignid", lookup=LookupRule(by=by)))
    assert tables_to_describe(rows, LEAD) == {"campaign"}
    found = findings(rows, LEAD, {"campaign": CAMPAIGNS})
    assert [finding.field for finding in found] == (["rows.1.lookup.by"] if words else [])
    assert all(word in found[0].message for word in words)


def test_only_what_is_asked_for_is_described() -> None:
    """Most lookups go by the name that their own table's metadata tells."""
    rows = (MappingRow(**LAST), MappingRow(source="A", column="campaignid"), MappingRow(source="B", column="nowhere"))
    assert tables_to_describe(rows, LEAD) == set()


def test_what_is_required_is_never_cleared() -> None:
    """The row would be refused, or stand in Dynamics without a name."""
    (finding,) = _found(LAST | {"policy": "clear_if_blank"})
    assert (finding.field, "lastname" in finding.message) == ("rows.0.policy", True)


def test_a_required_column_has_to_be_mapped() -> None:
    """Dynamics' forms ask for it, the Web API does not: so we do."""
    (finding,) = _found({"source": "Email", "column": "emailaddress1"})
    assert finding.field == "rows"
    assert "lead.lastname (Last Name)" in finding.message


def test_every_mistake_is_found_at_once() -> None:
    """An editor mends them in one go."""
    found = _found({"source": "A", "column": "jobtitel"}, {"source": "A", "column": "fullname"})
    assert [finding.field for finding in found] == ["rows.0.column", "rows.1.column", "rows"]
