"""Deliveries that say only what is new: what of a row, and of an action, they touch."""

from typing import Any

import pytest

from core.domain.capture import Capture
from core.domain.decision import decide
from core.domain.delivery import Intent
from core.domain.news import with_what_news_do
from core.domain.prospect import Prospect
from core.domain.references import Found
from core.domain.settling import settled_without_search
from core.domain.stored_prospect import capture_of, news_of, said_since
from core.domain.subject import Subject
from tests.builders import EARLIER, LATER, NEW_ID, NOON, action, capture, known, mapping, row, rows_by_key, subject

ROWS: tuple[dict[str, Any], ...] = (
    {"source": "LastName", "column": "lastname"},
    {"source": "Email", "column": "emailaddress1"},
    {"source": "Title", "column": "jobtitle", "policy": "clear_if_blank"},
    {"source": "Company", "column": "companyname"},
    {"source": "Phone", "column": "telephone1", "default": "none"},
    {"constant": "from a fair", "column": "description"},
)
SAID = {"LastName": "Lee", "Email": "ann@x.example", "Title": "Duke", "Company": "Acme"}
STANDING: dict[str, Any] = {
    "lastname": "Lee",
    "emailaddress1": "ann@x.example",
    "jobtitle": "Duke",
    "companyname": "mended by Sales",
}


def _news(person: Prospect, *changed: str, **rules: Any) -> Subject:
    said = news_of("777", person, changed, delivery_id="kept:1")
    return subject(said, under=action(**rules), prospect=person, mappings={"lead": mapping(*ROWS)}, received_at=LATER)


def _written(told: Subject, **columns: Any) -> dict[str, Any]:
    decision = decide(told, Found(rows_by_key(row(1, **STANDING | columns))), new_id=NEW_ID)
    return decision.person.values if isinstance(decision, Intent) and decision.person else {}


def _person(**changed: Any) -> Prospect:
    return known(EARLIER, links={"lead": row().id}, **SAID | changed)


def test_only_the_columns_of_what_was_said_are_written() -> None:
    """Neither what else is known, nor constants, nor defaults: somebody may have mended or emptied them since."""
    assert _written(_news(_person(Title="Earl"), "title"), companyname=None) == {"jobtitle": "Earl"}
    assert _written(_news(_person(Phone="123"), "phone")) == {"telephone1": "123"}


def test_a_blank_clears_by_policy_and_only_what_was_left_blank() -> None:
    """What was taken back does not come back either, when everything is said again."""
    person = _person()
    blank = subject(capture(said_at=NOON, Title=""), prospect=person).person
    assert _written(_news(blank, "title")) == {"jobtitle": None}
    assert _written(_news(blank, "company")) == {"companyname": "Acme"}
    again = capture_of("777", blank, delivery_id="all:1")
    assert again.prospect.fields["title"] == ""
    whole = subject(again, under=action(), prospect=blank, mappings={"lead": mapping(*ROWS)}, received_at=LATER)
    assert _written(whole)["jobtitle"] is None


def test_news_are_not_late_beside_other_fields() -> None:
    """Something else was said since; of this field it is the newest word."""
    person = subject(capture(said_at=NOON, Company="Acme"), prospect=_person(Title="Earl")).person
    assert _written(_news(person, "title")) == {"jobtitle": "Earl"}


def test_what_was_said_newer_elsewhere_is_not_undone() -> None:
    """An older word that is carried from another organisation is heard, and writes nothing."""
    elsewhere = known(EARLIER, Title="Earl")
    here = subject(capture(said_at=NOON, Title="King"), prospect=_person()).person
    said = news_of("777", elsewhere, ["title"], delivery_id="kept:1")
    told = subject(said, under=action(), prospect=here, mappings={"lead": mapping(*ROWS)}, received_at=LATER)
    assert _written(told, jobtitle="mended by Sales") == {}


def test_who_has_to_be_made_anew_gets_everything() -> None:
    """The row was deleted: a lead of one column would be no lead."""
    decision = decide(_news(_person(Title="Earl"), "title"), Found({("lead", row().id): None}), new_id=NEW_ID)
    assert isinstance(decision, Intent)
    assert decision.person
    assert decision.person.values["companyname"] == "Acme"


def test_owner_account_and_campaigns_stay_unless_they_were_said() -> None:
    """Who was given to somebody else in Dynamics is not taken back by a new telephone number."""
    rules = {
        "owner": {"by": "fixed", "fallback": "sales@x.example", "when": "always"},
        "account": {"by": "name"},
        "campaigns": [{"name": "00000000-0000-4000-8000-00000000c0de", "as": "response"}],
    }
    told = _news(_person(Phone="123"), "phone", **rules)
    decision = decide(told, Found(rows_by_key(row(1, **STANDING))), new_id=NEW_ID)
    assert isinstance(decision, Intent)
    assert decision.person
    assert decision.person.values == {"telephone1": "123"}
    assert not decision.extras
    assert (told.account_query is None, with_what_news_do(told).account_query) == (False, None)


def test_the_company_is_looked_for_where_it_was_said() -> None:
    """A new employer is news about the account."""
    told = _news(_person(Company="Globex"), "company", account={"by": "name"})
    assert told.account_query
    assert with_what_news_do(told).account_query == told.account_query


@pytest.mark.parametrize(
    "condition",
    [
        {"about": "event", "equals": "Expo 26"},
        {"about": "rating", "greater": 2},
        {"field": "form.name", "equals": "Booth"},
    ],
)
def test_a_filter_knows_where_the_person_was_met(condition: dict[str, Any]) -> None:
    """Though news do not say it again."""
    met = Capture.model_validate(
        {
            "form": {"name": "Booth", "event": "Expo 26"},
            "submission": {"rating": 3},
            "prospect": {"id": 777, "fields": SAID},
        }
    )
    person = subject(met).person
    assert settled_without_search(_news(person, "title", filter={"all": [condition]})) is None


def test_what_was_said_since_a_moment_is_known_by_field() -> None:
    """For whoever was away too long to read of each change."""
    person = subject(capture(said_at=NOON, Title="Earl", Phone=""), prospect=_person()).person
    assert said_since(person, NOON) == {"title", "phone"}
    assert said_since(person, LATER) == set()


def test_a_stranger_s_word_for_it_is_taken_only_as_yes() -> None:
    """Other systems have keys of their own; none of them is refused for this one."""
    for word in ("yes", 1, {"a": 1}, None):
        assert Capture.model_validate({"prospect": {"id": 1, "only_news": word}}).prospect.only_news is None
