"""Somebody changes a table in Dynamics after the mapping was saved: it is read anew once, and the lead is not lost."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from infra.local import story
from tests.journeys.conftest import App, Person

Change = Callable[..., None]
COLUMNS: list[dict[str, Any]] = [
    {"name": "cap_gone", "type": "String", "max_length": 50},
    {"name": "cap_short", "type": "String", "max_length": 50},
    {"name": "cap_long", "type": "String", "max_length": 10},
    {"name": "cap_mood", "type": "Picklist", "options": [{"value": 1, "label": "Cold"}, {"value": 2, "label": "Hot"}]},
    {"name": "cap_choice", "type": "Picklist", "options": [{"value": 1, "label": "A"}, {"value": 2, "label": "B"}]},
]


@pytest.fixture(scope="module")
def change(app: App) -> Iterator[Change]:
    """Changes a column of lead; the three columns are mapped by then, and the demonstration's mapping comes back."""

    def order(**what: Any) -> None:
        url = f"{app.stack.dynamics.url}/_control/customizations"
        httpx.post(url, json={"table": "lead", **what}).raise_for_status()

    for column in COLUMNS:
        order(do="add_column", **column)
    order(do="add_column", table="campaign", name="cap_code", type="String", max_length=50)
    mapped = [{"source": column["name"].removeprefix("cap_"), "column": column["name"]} for column in COLUMNS]
    mapped.append({"source": "campaign", "column": "campaignid", "lookup": {"by": "cap_code"}})
    path = f"connections/{story.CONNECTION}/mappings/lead"
    app.save(path, {"rows": [*story.MAPPINGS["lead"], *mapped]}).raise_for_status()
    app.action("changed-tables", note=True)
    yield order
    app.save(path, {"rows": story.MAPPINGS["lead"]}).raise_for_status()


def _saved_again(app: App) -> None:
    """The same mapping once more, so that nobody has doubted it yet."""
    path = f"connections/{story.CONNECTION}/mappings/lead"
    rows = app.client.get(f"/api/v1/{path}").json()["rows"]
    app.save(path, {"rows": rows}).raise_for_status()


def _captured(app: App, person: Person, **fields: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answer, and the lead that was made."""
    said: dict[str, Any] = app.capture(person.capture(activity=None, **fields), action="changed-tables").json()
    assert said["outcome"] == "created", said
    (lead,) = app.rows("lead", emailaddress1=person.email)
    return said, lead


def test_a_new_option_is_learnt_with_the_first_capture_that_says_it(app: App, change: Change, person: Person) -> None:
    """Renamed or added since the mapping was saved: no refusal of Dynamics tells of it. What fits no option even then
    costs no more than other captures.
    """
    _saved_again(app)
    change(do="add_option", column="cap_mood", option={"value": 2, "label": "Boiling"})
    change(do="add_option", column="cap_mood", option={"value": 3, "label": "Brand new"})
    for number, (said, value) in enumerate((("Boiling", 2), ("brand new", 3), ("3", 3)), 1):
        answer, lead = _captured(app, Person(person.number + number * 180_000), mood=said)
        assert (lead["cap_mood"], answer["warnings"]) == (value, [])
    before = len(_requests(app))
    answer, _ = _captured(app, Person(person.number + 184_000), mood="Lukewarm")
    assert any("Brand new (3)" in warning for warning in answer["warnings"]), answer
    assert len(_requests(app)) - before == 2


def _requests(app: App) -> list[Any]:
    return list(httpx.get(f"{app.stack.dynamics.url}/_control/requests").json()["requests"])


def test_a_column_that_became_longer_takes_the_whole_text(app: App, change: Change, person: Person) -> None:
    """Learnt with the first text that would have been cut."""
    _saved_again(app)
    change(do="change_column", column="cap_long", max_length=50)
    answer, lead = _captured(app, person, long="twenty characters ..")
    assert (lead["cap_long"], answer["warnings"]) == ("twenty characters ..", [])


def test_a_check_that_has_read_the_tables_lets_the_mapping_know(app: App, change: Change, person: Person) -> None:
    """The daily one too: whatever was doubted a minute ago."""
    change(do="add_option", column="cap_mood", option={"value": 4, "label": "Warm"})
    app.client.post(f"/api/v1/connections/{story.CONNECTION}/check").raise_for_status()
    answer, lead = _captured(app, person, mood="Warm")
    assert (lead["cap_mood"], answer["warnings"]) == (4, [])


def test_an_option_that_was_taken_away_is_left_out(app: App, change: Change, person: Person) -> None:
    """The choice is refused once; then its options are known, and the warning names those that are left."""
    change(do="change_column", column="cap_choice", removed_options=[2])
    said, lead = _captured(app, person, choice="B")
    assert any("A (1)" in warning for warning in said["warnings"]), said["warnings"]
    assert lead.get("cap_choice") is None


def test_a_column_that_became_shorter_cuts_the_text(app: App, change: Change, person: Person) -> None:
    """And the note holds all of it."""
    change(do="change_column", column="cap_short", max_length=10)
    _, lead = _captured(app, person, short="twenty characters ..")
    assert lead["cap_short"] == "twenty ch…"
    (note,) = app.rows("annotation", _objectid_value=lead["leadid"])
    assert "twenty characters .." in note["notetext"]


def test_a_column_that_links_go_by_is_gone(app: App, change: Change, person: Person) -> None:
    """In the other table: the link is left out, the person is not, and the check tells of it."""
    change(do="remove_column", table="campaign", column="cap_code")
    said, lead = _captured(app, person, campaign=f"code {person.number}")
    assert any("could not be looked up in campaign by cap_code" in warning for warning in said["warnings"]), said
    assert lead.get("_campaignid_value") is None
    checked = app.client.post(f"/api/v1/connections/{story.CONNECTION}/check").json()
    (step,) = [step for step in checked["steps"] if step["name"] == "lookups.campaign"]
    assert (step["status"], "campaign.cap_code" in step["message"]) == ("failed", True)


def test_accounts_are_made_after_their_table_has_changed(app: App, change: Change, person: Person) -> None:
    """A mapped column of theirs is gone: the first learns it, and has its account too."""
    change(do="add_column", table="account", name="cap_segment", type="String", max_length=50)
    path = f"connections/{story.CONNECTION}/mappings/account"
    rows = [{"source": "Company", "column": "name"}, {"source": "Segment", "column": "cap_segment"}]
    app.save(path, {"rows": rows}).raise_for_status()
    action = app.action("changed-accounts", create="contact", account={"by": "name", "on_missing": "create"})
    change(do="remove_column", table="account", column="cap_segment")
    for number in (1, 2):
        someone = Person(person.number + number * 185_000)
        body = someone.capture(Company=f"Changed {someone.number}", Segment="A")
        said = app.capture(body, action=action).json()
        assert any("cap_segment was left out" in warning for warning in said["warnings"]), said
        (account,) = app.rows("account", name=f"Changed {someone.number}")
        assert len(app.rows("contact", _parentcustomerid_value=account["accountid"])) == 1
    app.save(path, {"rows": rows[:1]}).raise_for_status()


def test_a_column_that_is_gone_is_left_out(app: App, change: Change, person: Person) -> None:
    """Even the look-up is refused by then: no update could be decided without it."""
    change(do="remove_column", column="cap_gone")
    said, _ = _captured(app, person, gone="x")
    assert any("cap_gone was left out" in warning for warning in said["warnings"]), said["warnings"]
    again = app.capture(person.capture(activity=900_000 + person.number, Title="CEO"), action="changed-tables").json()
    assert again["outcome"] == "updated"
