"""The person as merged from everything that was said of them."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.capture import Capture
from core.domain.prospect import FIELDS_MOST, TEXT_MOST, Prospect, merged
from core.domain.values import FieldValue
from tests.builders import EARLIER, LATER, NOON, capture, known
from tests.strategies import said_values, times

Saying = tuple[datetime, dict[str, FieldValue], str | None]


def _heard(sayings: list[Saying]) -> Prospect:
    person = Prospect()
    for at, fields, owner in sayings:
        said = Capture.model_validate({"prospect": {"id": 777, "owner": owner, "fields": fields}})
        person = merged(person, said, at)
    return person


def test_the_newest_value_of_each_field_wins() -> None:
    """What is said later replaces what was said before; the rest stays."""
    person = merged(known(FirstName="Ada", Company="Engines"), capture(Company="Analytics", Title="CEO"), NOON)
    assert (person.value("FirstName"), person.value("Company"), person.value("Title")) == ("Ada", "Analytics", "CEO")
    assert person.last_said_at == NOON


def test_what_arrives_late_only_adds_what_is_not_known() -> None:
    """A capture that was on its way for an hour overwrites nothing, the owner neither."""
    newer = Capture.model_validate({"prospect": {"id": 777, "owner": "new@x.example", "fields": {"Company": "New"}}})
    older = Capture.model_validate(
        {"prospect": {"owner": "old@x.example", "fields": {"Company": "Old", "Title": "CEO"}}}
    )
    person = merged(merged(Prospect(), newer, LATER), older, EARLIER)
    assert (person.value("Company"), person.value("Title"), person.owner) == ("New", "CEO", "new@x.example")
    assert person.last_said_at == LATER


@pytest.mark.parametrize("nothing", ["", " ", None, [], "Scanned", "anonymous", "{{Company}}", "\x00", ["", " "]])
def test_what_is_missing_takes_nothing_away(nothing: FieldValue) -> None:
    """A blank is no information, and a placeholder stands for none."""
    assert merged(known(Company="Engines"), capture(Company=nothing), NOON).value("Company") == "Engines"


@pytest.mark.parametrize("value", [0, False, 0.0, "0", "no"])
def test_zero_and_no_are_values(value: FieldValue) -> None:
    """They replace what was known."""
    assert merged(known(Score="7"), capture(Score=value), NOON).value("Score") == value


def test_a_field_is_one_field_in_any_case() -> None:
    """Two templates that spell a name differently speak of the same field: the newest wins."""
    person = Prospect()
    for at, name, email in ((EARLIER, "email", "1@x"), (NOON, "Email", "2@x"), (LATER, " EMAIL ", "3@x")):
        person = merged(person, Capture.model_validate({"prospect": {"fields": {name: email}}}), at)
    assert person.value("eMail") == "3@x"
    assert len(person.fields) == 1


def test_an_owner_that_is_missing_takes_nobody_away() -> None:
    """A capture without an owner, or with a token for one, leaves the owner who is known."""
    owned = Capture.model_validate({"prospect": {"owner": "ann@x.example"}})
    for nothing in (None, "", "{{Owner}}"):
        said = Capture.model_validate({"prospect": {"owner": nothing}})
        assert merged(merged(Prospect(), owned, EARLIER), said, NOON).owner == "ann@x.example"


def test_links_and_claims_are_not_touched() -> None:
    """Hearing something changes what is known of a person, not where they went."""
    person = known(links={"lead": "1"}).model_copy(update={"claimed_by": "d1"})
    after = merged(person, capture(Company="New"), NOON)
    assert (after.links, after.claimed_by) == ({"lead": "1"}, "d1")


def test_a_field_that_was_left_blank_last_is_known_to_be() -> None:
    """The value stays for whoever takes a blank for no information; that it was taken back is known."""
    person = merged(known(Phone="123"), capture(Phone=""), NOON)
    assert person.value("Phone") == "123"
    assert person.fields["phone"].is_taken_back
    assert not merged(person, capture(Phone="456"), LATER).fields["phone"].is_taken_back
    assert not merged(known(NOON, Phone="123"), capture(Phone=""), EARLIER).fields["phone"].is_taken_back


fields = st.dictionaries(st.sampled_from(["Email", "email", "Company", "Phone"]), said_values, max_size=3)
owners = st.sampled_from([None, "", "{{Owner}}", "ann@x.example", "bob@x.example"])


@given(st.data())
def test_the_order_of_arrival_does_not_matter(data: st.DataObject) -> None:
    """Captures said at distinct times merge to the same person, however they arrive."""
    at = data.draw(st.lists(times, unique=True, max_size=5))
    sayings: list[Saying] = [(time, data.draw(fields), data.draw(owners)) for time in at]
    assert _heard(data.draw(st.permutations(sayings))) == _heard(sayings)


@given(at=times, said=fields, owner=owners)
def test_hearing_it_twice_is_hearing_it_once(at: datetime, said: dict[str, FieldValue], owner: str | None) -> None:
    """A repeat adds nothing."""
    assert _heard([(at, said, owner)] * 2) == _heard([(at, said, owner)])


@given(at=times, said=fields)
def test_a_person_is_stored_as_they_are(at: datetime, said: dict[str, Any]) -> None:
    """Reading back what was stored gives the same person."""
    person = _heard([(at, said, None), (at + timedelta(days=1), said, "ann@x.example")])
    assert Prospect.model_validate_json(person.model_dump_json()) == person


def test_a_prospect_stays_small_enough_to_be_stored() -> None:
    """Forms with ever new field names do not grow a person without end; what was said last stays."""
    person = Prospect()
    for number in range(30):
        fields = {f"Question {number}.{index}": "x" * 1000 for index in range(100)} | {"Email": f"{number}@x.example"}
        person = merged(
            person, Capture.model_validate({"prospect": {"fields": fields}}), NOON + timedelta(hours=number)
        )
    assert len(person.fields) <= FIELDS_MOST
    assert sum(len(str(said.value)) for said in person.fields.values()) <= TEXT_MOST
    assert person.value("Email") == "29@x.example"
    assert person.value("Question 29.7") == "x" * 1000


def test_one_capture_of_thousands_of_fields_keeps_what_the_person_is_found_by() -> None:
    """However many fields a form has, name and e-mail stay."""
    fields = {f"Question {index}": "x" for index in range(3000)} | {"LastName": "Lovelace", "Email": "ada@x.example"}
    person = merged(Prospect(), Capture.model_validate({"prospect": {"fields": fields}}), NOON)
    assert (person.value("LastName"), person.value("Email")) == ("Lovelace", "ada@x.example")


def test_where_somebody_was_met_last_is_remembered() -> None:
    """Form, event and rating; what a later capture leaves open stays, and what comes late changes nothing."""

    def said(**parts: object) -> Capture:
        return Capture.model_validate({"prospect": {"id": 7}, **parts})

    booth = said(form={"id": 42, "name": "Booth", "event": "Expo 26"}, submission={"rating": 3})
    person = merged(Prospect(), booth, NOON)
    assert person.met.model_dump(exclude={"at"}) == {
        "form_id": "42",
        "form_name": "Booth",
        "event": "Expo 26",
        "rating": 3,
    }
    person = merged(person, said(form={"event": "Expo 25"}), EARLIER)
    assert person.met.event == "Expo 26"
    person = merged(person, said(), LATER)
    assert (person.met.event, person.met.at) == ("Expo 26", NOON)
    person = merged(person, said(form={"id": 43}, submission={"rating": "{{rating}}"}), LATER)
    assert (person.met.form_id, person.met.event, person.met.rating) == ("43", "Expo 26", 3)
