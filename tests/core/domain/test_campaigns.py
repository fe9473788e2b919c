"""Campaigns: source, response and marketing list, each once."""

from typing import Any

import pytest

from core.domain.action import CampaignRule
from core.domain.campaigns import Campaigning, campaign_queries, campaigning
from core.domain.delivery import Membership, RowWrite
from core.domain.references import NotAnswered
from core.domain.row import Row
from core.domain.subject import Subject
from tests.builders import NOON, action, capture, known, row_id, subject

LIST: dict[str, Any] = {"listname": "Expo", "type": False, "createdfromcode": 4, "lockstatus": False, "statecode": 0}


def _about(added_as: str, *, effects: tuple[str, ...] = (), name: str = "Expo") -> Subject:
    person = known().with_effects(effects, NOON)
    return subject(capture(), under=action(campaigns=[{"name": name, "as": added_as}]), prospect=person)


def _campaign(number: int = 1, **columns: Any) -> Row:
    return Row("campaign", row_id(number), "", {"name": "Expo", "statecode": 0} | columns)


def _list(**columns: Any) -> Row:
    return Row("list", row_id(8), "", LIST | columns)


def _campaigning(about: Subject, *found: Row, table: str = "lead") -> Campaigning:
    references = dict.fromkeys(campaign_queries(about.action.campaigns), found)
    return campaigning(about, table, row_id(5), references)


def test_a_source_campaign_is_the_leads_column() -> None:
    """It only fills: the first campaign is the one a lead came from. Contacts have none."""
    value = _campaigning(_about("source"), _campaign()).source
    assert value is not None
    assert value.target is not None
    assert (value.column, value.value, value.policy) == ("campaignid", row_id(1), "fill_if_empty")
    contact = _campaigning(_about("source"), _campaign(), table="contact")
    assert contact.source is None
    assert "only leads" in contact.warnings[0]


def test_a_response_names_the_row_as_its_customer() -> None:
    """Its id is the campaign's and the prospect's, whatever row they went to."""
    (extra,) = _campaigning(_about("response"), _campaign()).extras
    assert isinstance(extra.write, RowWrite)
    assert extra.write.creates
    assert extra.write.values["regardingobjectid"] == row_id(1)
    (party,) = extra.write.values["campaignresponse_activity_parties"]
    assert party == {"partyid_lead@odata.bind": f"/leads({row_id(5)})", "participationtypemask": 11}
    (same,) = _campaigning(_about("response"), _campaign(), table="contact").extras
    assert isinstance(same.write, RowWrite)
    assert same.write.row_id == extra.write.row_id


def test_a_list_takes_the_row_as_a_member() -> None:
    """A static list of the row's own table."""
    (extra,) = _campaigning(_about("list"), _list()).extras
    assert extra.write == Membership(list_id=row_id(8), table="lead", row_id=row_id(5))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"type": True}, "dynamic"),
        ({"lockstatus": True}, "locked"),
        ({"createdfromcode": 2}, "takes no leads"),
        ({"statecode": 1}, "no marketing list of this name"),
    ],
)
def test_a_list_that_takes_nobody_is_a_warning(columns: dict[str, Any], words: str) -> None:
    """Dynamics would refuse the whole change set for it."""
    result = _campaigning(_about("list"), _list(**columns))
    assert result.extras == ()
    assert words in result.warnings[0]


def test_none_and_several_of_a_name_are_warnings() -> None:
    """Two rows for a campaign's name are a mistake to report, not to guess about."""
    assert "no campaign of this name" in _campaigning(_about("response")).warnings[0]
    assert "2 campaigns" in _campaigning(_about("response"), _campaign(1), _campaign(2)).warnings[0]


def test_a_campaign_that_could_not_be_looked_up_is_a_warning() -> None:
    """Which names it, and says why; whether there is one is not known."""
    about = _about("response")
    refused = dict.fromkeys(campaign_queries(about.action.campaigns), NotAnswered("A privilege is lacking."))
    result = campaigning(about, "lead", row_id(5), refused)
    assert result.extras == ()
    assert result.warnings == ("Expo: it could not be looked up, so nobody was added: A privilege is lacking.",)


def test_what_was_done_is_not_done_again() -> None:
    """The prospect keeps the mark; somebody taken off a list by hand is not put back."""
    for added_as, found in (("response", _campaign()), ("list", _list())):
        (extra,) = _campaigning(_about(added_as), found).extras
        assert _campaigning(_about(added_as, effects=(extra.mark,)), found) == Campaigning()


def test_an_id_needs_no_search() -> None:
    """In braces or without."""
    about = _about("response", name=f"{{{row_id(1).upper()}}}")
    assert campaign_queries(about.action.campaigns) == ()
    (extra,) = _campaigning(about).extras
    assert isinstance(extra.write, RowWrite)
    assert extra.write.values["regardingobjectid"] == row_id(1)


def test_a_list_and_a_campaign_of_one_name_are_two_questions() -> None:
    """Each in its own table."""
    rules = [CampaignRule.model_validate({"name": "Expo", "as": kind}) for kind in ("list", "response", "source")]
    assert [query.table for query in campaign_queries(rules)] == ["list", "campaign", "campaign"]
