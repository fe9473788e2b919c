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


def _captured(app: App, person: Person, **fields: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answer, and the lead that was made."""
    said: dict[str, Any] = app.capture(person.capture(activity=None, **fields), action="changed-tables").json()
    assert said["outcome"] == "created", said
    (lead,) = app.rows("lead", emailaddress1=person.email)
    return said, lead


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


def test_a_column_that_is_gone_is_left_out(app: App, change: Change, person: Person) -> None:
    """Even the look-up is refused by then: no update could be decided without it."""
    change(do="remove_column", column="cap_gone")
    said, _ = _captured(app, person, gone="x")
    assert any("cap_gone was left out" in warning for warning in said["warnings"]), said["warnings"]
    again = app.capture(person.capture(activity=900_000 + person.number, Title="CEO"), action="changed-tables").json()
    assert again["outcome"] == "updated"
