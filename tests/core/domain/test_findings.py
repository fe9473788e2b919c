"""What is wrong with a mapping is said when it is saved."""

from typing import Any

import pytest

from core.domain.mapping import Finding, MappingRow, Policy, findings
from tests.builders import LEAD

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
    )


@pytest.mark.parametrize(
    ("row", "field", "words"),
    [
        ({"source": "A", "column": "jobtitel"}, "rows.1.column", ["lead", "no column jobtitel", "jobtitle"]),
        ({"source": "A", "column": "qqqqqqqq"}, "rows.1.column", ["no column qqqqqqqq."]),
        ({"source": "A", "column": "fullname"}, "rows.1.column", ["cannot be written"]),
        ({"source": "A", "column": "createdon"}, "rows.1.column", ["cannot be written"]),
        ({"source": "A", "column": "donotemail"}, "rows.1.column", ["Boolean", "String, Memo, Picklist"]),
        ({"source": "B", "column": "lastname"}, "rows.1.column", ["twice"]),
        ({"source": "A", "column": "leadqualitycode", "default": "Tepid"}, "rows.1.default", ["Tepid", "Hot (1)"]),
        ({"constant": 9, "column": "leadqualitycode"}, "rows.1.constant", ['"9"', "Hot (1)"]),
        ({"source": "A", "column": "leadqualitycode", "choices": {"x": "Y"}}, "rows.1.choices.x", ["Y", "Hot (1)"]),
        ({"constant": "x" * 101, "column": "companyname"}, "rows.1.constant", ["101", "100"]),
        ({"source": "A", "column": "companyname", "default": "x" * 101}, "rows.1.default", ["101", "100"]),
        ({"source": "A", "column": "leadqualitycode", "policy": Policy.APPEND}, "rows.1.policy", ["append"]),
        ({"source": "A", "column": "emailaddress1", "policy": Policy.APPEND}, "rows.1.policy", ["append", "e-mail"]),
        ({"source": "A", "column": "companyname", "default": "Anonymous"}, "rows.1.default", ["Anonymous"]),
        ({"constant": "{{Company}}", "column": "companyname"}, "rows.1.constant", ["{{Company}}"]),
        ({"constant": " ", "column": "companyname"}, "rows.1.constant", ["missing"]),
    ],
    ids=[
        "misspelt", "nowhere near", "calculated", "date Dynamics sets", "type", "double", "default", "constant",
        "translation", "long constant", "long default", "append to choice", "append to e-mail", "placeholder default",
        "token", "blank constant",
    ],
)  # fmt: skip
def test_each_mistake_is_found_where_it_is(row: dict[str, Any], field: str, words: list[str]) -> None:
    """The finding names the part of the mapping, and what would be accepted."""
    (finding,) = _found(LAST, row)
    assert finding.field == field
    for word in words:
        assert word in finding.message


def test_a_required_column_has_to_be_mapped() -> None:
    """Dynamics' forms ask for it, the Web API does not: so we do."""
    (finding,) = _found({"source": "Email", "column": "emailaddress1"})
    assert finding.field == "rows"
    assert "lead.lastname (Last Name)" in finding.message


def test_every_mistake_is_found_at_once() -> None:
    """An editor mends them in one go."""
    found = _found({"source": "A", "column": "jobtitel"}, {"source": "A", "column": "fullname"})
    assert [finding.field for finding in found] == ["rows.0.column", "rows.1.column", "rows"]
