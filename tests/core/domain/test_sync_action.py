"""A sync action as it is saved: the documented shape, its defaults, and what is refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from core.domain.action import MatchTables, OnDuplicate, SyncAction
from tests.builders import action

DOCUMENTED: dict[str, Any] = {
    "id": "booth",
    "name": "Booth leads",
    "connection": "contoso",
    "enabled": True,
    "match": {"tables": "contacts_then_leads", "by": "email_or_name", "inactive": "ignore", "without_key": "create"},
    "on_duplicate": "most_recently_updated",
    "on_match": "update",
    "create": "lead",
    "account": {"by": "name", "on_missing": "create", "on_many": "leave"},
    "owner": {
        "by": "captello_owner",
        "table": {"Ann Lee": "ann@contoso.example"},
        "fallback": "sales@contoso.example",
        "when": "create",
    },
    "campaigns": [{"name": "Expo 26", "as": "response"}, {"name": "Expo 26 visitors", "as": "list"}],
    "late": "fill_blanks",
    "note": True,
    "filter": {"all": []},
    "signature": "optional",
}
SHORTEST: dict[str, Any] = {"id": "booth", "connection": "contoso", "match": {"tables": "leads"}, "create": "lead"}


def _refusal(changed: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as refused:
        SyncAction.model_validate(SHORTEST | changed)
    return str(refused.value)


def test_the_documented_example() -> None:
    """It is accepted, and comes back as it was given."""
    given = SyncAction.model_validate(DOCUMENTED)
    assert SyncAction.model_validate_json(given.model_dump_json(by_alias=True)) == given
    given_back = given.model_dump(mode="json", by_alias=True)
    assert given_back["filter"].pop("any") == []
    assert given_back == DOCUMENTED


def test_only_four_parts_must_be_given() -> None:
    """The rest has the documented defaults."""
    short = SyncAction.model_validate(SHORTEST)
    assert (short.enabled, short.on_match, short.note, short.late) == (True, "update", True, "fill_blanks")
    assert (short.match.by, short.match.inactive, short.match.without_key) == ("email", "ignore", "create")
    assert (short.on_duplicate, short.signature) == (OnDuplicate.MOST_RECENTLY_UPDATED, "optional")
    assert (short.account, short.owner, short.campaigns) == (None, None, [])


@pytest.mark.parametrize("missing", SHORTEST)
def test_none_of_the_four_may_be_missing(missing: str) -> None:
    """Each is named."""
    with pytest.raises(ValidationError, match=missing):
        SyncAction.model_validate({name: value for name, value in SHORTEST.items() if name != missing})


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"match": {"tables": "off"}, "create": "none"}, "nothing would ever happen"),
        ({"colour": "red"}, "colour"),
        ({"match": {"tables": "leads", "fuzzy": True}}, "fuzzy"),
        ({"owner": {"by": "captello_owner", "team": "x"}}, "team"),
        ({"campaigns": [{"name": "Expo", "as": "source", "status": 1}]}, "status"),
        ({"campaigns": [{"name": "Expo", "as": "banner"}]}, "banner"),
        ({"create": "account"}, "create"),
        ({"match": {"tables": "accounts"}}, "tables"),
        ({"match": {"tables": "leads", "by": "name"}}, "by"),
        ({"on_duplicate": "newest"}, "on_duplicate"),
        ({"late": "overwrite"}, "late"),
        ({"filter": {"all": [{"field": "Email"}]}}, "makes one comparison"),
        ({"filter": {"any": [{"about": "weather", "equals": "fine"}]}}, "weather"),
        ({"signature": "sometimes"}, "signature"),
        ({"owner": {"by": "fixed"}}, "`fallback` names the owner"),
        ({"id": "Booth Leads"}, "id"),
        ({"id": "-booth"}, "id"),
        ({"id": ""}, "id"),
        ({"id": "x" * 64}, "id"),
        ({"id": "booth\n"}, "id"),
        ({"connection": "a/b"}, "connection"),
    ],
)
def test_what_is_refused(changed: dict[str, Any], words: str) -> None:
    """A mistake is named; what would be unsafe to ignore is not taken."""
    assert words in _refusal(changed)


def test_off_still_creates() -> None:
    """Without matching, every new capture makes a row."""
    assert action(match={"tables": "off"}, create="contact").tables == ("contact",)


@pytest.mark.parametrize(
    ("tables", "create", "written"),
    [
        ("leads", "lead", ("lead",)),
        ("contacts", "lead", ("contact", "lead")),
        ("contacts_then_leads", "lead", ("contact", "lead")),
        ("leads_then_contacts", "contact", ("lead", "contact")),
        ("contacts", "none", ("contact",)),
    ],
)
def test_tables_that_may_be_written(tables: str, create: str, written: tuple[str, ...]) -> None:
    """Each needs a mapping; searched ones first, none twice."""
    assert action(match={"tables": tables}, create=create).tables == written
    assert all(table in ("lead", "contact") for rule in MatchTables for table in rule.in_order)


@pytest.mark.parametrize(
    ("rule", "column", "newest_wins"),
    [
        ("most_recently_created", "createdon", True),
        ("most_recently_updated", "modifiedon", True),
        ("least_recently_created", "createdon", False),
        ("least_recently_updated", "modifiedon", False),
    ],
)
def test_a_tie_break_says_which_date_and_which_end(rule: str, column: str, *, newest_wins: bool) -> None:
    """Four rules: two dates, two ends."""
    assert (OnDuplicate(rule).column, OnDuplicate(rule).newest_wins) == (column, newest_wins)
