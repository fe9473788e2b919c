"""The engine against the product's rules written plainly: the real intake and turn, and `reference`, told one story.

After each step both must say the same of every row, note, outcome and link. Many thousands of stories:
`python -m tests.core.sync`.
"""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

from core.domain.action import SyncAction
from core.domain.mapping import MappingRow
from tests.core.sync.stories import STORIES, moment, row_of
from tests.core.sync.storytelling import EXPO, FANS, ByHand, Said, Step, Story, Telling, tell


@settings(max_examples=300)
@given(STORIES)
def test_the_engine_does_what_the_product_says(story: Story) -> None:
    """Rows, values, outcomes and links are those of the rules as product.md writes them, delivery after delivery."""
    tell(story)


# --- Examples that were found -----------------------------------------------------------------------------------------

ADA = {"Email": "ada@x.example", "LastName": "Lovelace"}
NAME_AND_ADDRESS = ({"column": "lastname", "source": "LastName"}, {"column": "emailaddress1", "source": "Email"})


def _said(minute: int, **fields: Any) -> Said:
    capture = {"occurred_at": moment(minute), "prospect": {"id": 1, "fields": ADA | fields}}
    return Said(0, capture)


def _leads(*steps: Step, rows: tuple[dict[str, Any], ...], by: str = "email", **seed: Any) -> Story:
    """Leads that are searched, from none on, or from the one that is given."""
    rule = {"tables": "leads", "by": by}
    action = SyncAction.model_validate(
        {"id": "booth", "connection": "contoso", "match": rule, "create": "lead", "note": False}
    )
    made = tuple(MappingRow.model_validate(row) for row in rows)
    seeds = {("lead", "r1"): row_of("lead", **seed)} if seed else {}
    return Story(steps, seeds, {"lead": made}, (action,))


def test_an_address_that_only_fills_does_no_more_when_it_comes_late() -> None:
    """In time it would have left the row as it is; late, it used to go to another e-mail column."""
    name, email = NAME_AND_ADDRESS
    edit = ByHand(0, {"emailaddress1": "z@x.example"})
    tell(_leads(_said(2), edit, _said(1), rows=(name, email | {"policy": "fill_if_empty"})))


def test_an_address_that_comes_late_goes_beside_the_newer_one() -> None:
    """The row keeps what somebody wrote into it, and nothing is lost."""
    tell(_leads(_said(2), ByHand(0, {"emailaddress1": "z@x.example"}), _said(1), rows=NAME_AND_ADDRESS))


@pytest.mark.parametrize("policy", ["overwrite", "fill_if_empty", "append", "create_only", "clear_if_blank"])
@pytest.mark.parametrize("edited", ["edited", None])
@pytest.mark.parametrize("words", ["older", ""])
def test_what_comes_late_only_fills(policy: str, edited: str | None, words: str) -> None:
    """Under every policy, whether the column was emptied in between or not."""
    title = {"column": "jobtitle", "source": "Title", "policy": policy}
    edit = ByHand(0, {"jobtitle": edited})
    tell(_leads(_said(2), edit, _said(1, Title=words), _said(0, Title="oldest"), rows=(*NAME_AND_ADDRESS, title)))


def test_a_link_that_rested_on_a_name_does_so_no_more_once_its_row_is_gone() -> None:
    """The row that was made instead is the person's own, and follows their address."""
    first = {"column": "firstname", "source": "FirstName"}
    named, again, moved = _said(0, FirstName="Ada"), _said(1), _said(2, Email="new@x.example")
    names = {"firstname": "Ada", "lastname": "Lovelace", "emailaddress1": "z@x.example"}
    steps = (named, ByHand(0, None), again, moved)
    tell(_leads(*steps, rows=(first, *NAME_AND_ADDRESS), by="email_or_name", **names))


def test_a_placeholder_clears_nothing() -> None:
    """It says as little as a hidden question, also of a field that was left blank before."""
    title = {"column": "jobtitle", "source": "Title", "policy": "clear_if_blank"}
    blank, token = _said(1, Title=""), _said(2, Title="{{Title}}")
    tell(_leads(_said(0), blank, ByHand(0, {"jobtitle": "edited"}), token, rows=(*NAME_AND_ADDRESS, title)))


def test_a_default_stays_out_of_other_columns_when_an_older_word_comes_late() -> None:
    """It stands in for a blank that is newer, and used to be put beside the address that somebody wrote."""
    name, email = NAME_AND_ADDRESS
    email |= {"policy": "clear_if_blank", "default": "info@x.example"}
    edit = ByHand(0, {"emailaddress1": "z@x.example"})
    tell(_leads(_said(0), _said(2, Email=""), edit, _said(1), rows=(name, email)))


# --- The comparison can say no ----------------------------------------------------------------------------------------


def _rows_of(telling: Telling, table: str) -> list[dict[str, Any]]:
    return [row for (name, _), row in telling.world.rows.items() if name == table]


def _other_note(telling: Telling) -> None:
    _rows_of(telling, "annotation")[0]["notetext"] = "something else"


def _second_response(telling: Telling) -> None:
    telling.world.rows["campaignresponse", "twin"] = _rows_of(telling, "campaignresponse")[0]


def _no_member(telling: Telling) -> None:
    telling.world.members.clear()


def _second_account(telling: Telling) -> None:
    telling.world.seed("account", "twin", name="Acme")


def _older_value(telling: Telling) -> None:
    _rows_of(telling, "lead")[0]["lastname"] = "Byron"


def _second_lead(telling: Telling) -> None:
    telling.world.rows["lead", "twin"] = _rows_of(telling, "lead")[0]


def _other_link(telling: Telling) -> None:
    key = "prospect|1"
    etag, person = telling.world.entities[key]
    telling.world.entities[key] = etag, person.model_copy(update={"links": {"lead": "r9"}})


@pytest.mark.parametrize(
    "change",
    [_other_note, _second_response, _no_member, _second_account, _older_value, _second_lead, _other_link],
)
async def test_what_differs_is_seen(change: Callable[[Telling], None]) -> None:
    """One thing lost, doubled or changed behind the story's back."""
    beside = [{"name": EXPO, "as": "response"}, {"name": FANS, "as": "list"}]
    rule = {"tables": "leads", "by": "email"}
    settings = {"id": "booth", "connection": "contoso", "match": rule, "create": "lead"}
    action = SyncAction.model_validate({**settings, "note": True, "campaigns": beside, "account": {"by": "name"}})
    answers = [{"id": 8, "value": "A demo"}]
    capture = {"prospect": {"id": 1, "fields": ADA | {"Company": "Acme"}}, "answers": answers}
    mapping = tuple(MappingRow.model_validate(row) for row in NAME_AND_ADDRESS)
    telling = Telling(Story((), {}, {"lead": mapping}, (action,)))
    await telling.take(0, Said(0, capture))
    telling.compare()
    change(telling)
    with pytest.raises(AssertionError):
        telling.compare()
