"""Stories in which the engine, and some of them the reference too, once did something else than the product says."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from core.domain.action import SyncAction
from core.domain.mapping import MappingRow
from tests.core.sync.reference_columns import Key
from tests.core.sync.stories import moment, row_of
from tests.core.sync.storytelling import ByHand, Said, Step, Story, Telling, tell

ADA = {"Email": "ada@x.example", "FirstName": "Ada", "LastName": "Lovelace"}
PLAIN = (
    {"column": "firstname", "source": "FirstName"},
    {"column": "lastname", "source": "LastName"},
    {"column": "emailaddress1", "source": "Email"},
    {"column": "jobtitle", "source": "Title"},
)
COMPANY = ({"column": "name", "source": "Company"}, {"column": "emailaddress1", "source": "Mailbox"})


def _said(minute: int, *, activity: int | None = 1, prospect: int | None = 1, wish: str = "", **fields: Any) -> Said:
    capture = {
        "occurred_at": moment(minute),
        "submission": {"activity_id": activity},
        "prospect": {"id": prospect, "fields": ADA | fields},
        "answers": [{"id": 1, "title": "Wishes", "value": wish}],
    }
    return Said(0, capture)


def _story(
    *steps: Step,
    rows: dict[Key, dict[str, Any]] | None = None,
    tables: str = "leads",
    by: str = "email",
    mapped: Mapping[str, Sequence[dict[str, Any]]] | None = None,
    **settings: Any,
) -> Story:
    rule = {"tables": tables, "by": by, **settings.pop("match", {})}
    usual = {"id": "booth", "connection": "contoso", "create": "lead", "note": False}
    action = SyncAction.model_validate({**usual, **settings, "match": rule})
    texts = mapped or {"lead": PLAIN, "contact": PLAIN}
    mappings = {table: tuple(MappingRow.model_validate(row) for row in each) for table, each in texts.items()}
    return Story(steps, rows or {}, mappings, (action,))


async def _told(story: Story) -> Telling:
    """For what a test wants to see beside: the story as it ended."""
    telling = Telling(story)
    for number, step in enumerate(story.steps):
        await telling.take(number, step)
        telling.compare()
    return telling


def test_whoever_holds_a_companys_address_is_not_the_person() -> None:
    """What the account mapping writes was searched for among people, and a stranger became Ada."""
    stranger = row_of("lead", firstname="Zed", lastname="Other", emailaddress1="info@acme.example")
    said = _said(0, Company="Acme", Mailbox="info@acme.example")
    mapped = {"lead": PLAIN, "account": COMPANY}
    tell(_story(said, rows={("lead", "r1"): stranger}, mapped=mapped, account={"by": "name"}))


@pytest.mark.parametrize(("tables", "table"), [("contacts", "lead"), ("leads", "contact")])
async def test_what_was_made_outside_the_searched_tables_is_edited_there(tables: str, table: str) -> None:
    """Links counted for searched tables only: each edit of a submission made one row more, and so did the next one."""
    edits = (_said(0, Title="a"), _said(1, Title="b"), _said(2, activity=2, Title="c"))
    telling = await _told(_story(*edits, tables=tables, create=table))
    assert len(telling.people()) == 1


async def test_a_row_merged_into_a_closed_one_makes_no_second_one_where_rows_are_opened_again() -> None:
    """Only the row that was found was looked at, not the one it leads to."""
    merged = row_of("lead", statecode=2, survivor="r2", lastname="Lovelace", emailaddress1=ADA["Email"])
    rows = {("lead", "r1"): merged, ("lead", "r2"): row_of("lead", statecode=2, lastname="Byron")}
    telling = await _told(_story(_said(0), rows=rows, match={"inactive": "reactivate"}))
    assert len(telling.people()) == 2


async def test_an_edit_follows_a_lead_that_was_qualified_with_match_off() -> None:
    """It made a second lead."""
    qualified = ByHand(1, {"statecode": 1, "_parentcontactid_value": "c1"})
    rows = {("contact", "c1"): row_of("contact", lastname="Lovelace")}
    telling = await _told(_story(_said(0), qualified, _said(1, Title="edited"), tables="off", rows=rows))
    assert len(telling.people()) == 2


def test_what_comes_late_opens_no_closed_row() -> None:
    """Somebody has closed it since; it only fills what is blank, as everywhere."""
    closed = ByHand(0, {"statecode": 2})
    tell(_story(_said(5), closed, _said(1, Title="old"), match={"inactive": "reactivate"}))


def test_an_edit_that_says_the_same_again_is_the_notes_last_word() -> None:
    """What its note said was left as of the first, so an older edit that came late replaced it."""
    edits = (_said(0, wish="A"), _said(2, wish="A", Title="b"), _said(1, wish="B", Title="c"))
    tell(_story(*edits, note=True))


@pytest.mark.parametrize("ids", [(1, None, None), (None, 1, None), (None, 1, 1)])
async def test_an_edit_is_about_the_same_person_though_an_id_comes_or_goes(ids: tuple[int | None, ...]) -> None:
    """Its new address was searched for, nobody had it, and the person stood there twice."""
    edits = (_said(n, prospect=each, Email=f"q{n}@x.example", Title=f"t{n}") for n, each in enumerate(ids))
    telling = await _told(_story(*edits, note=True))
    assert len(telling.people()) == 1


async def test_two_ids_are_two_people_also_in_one_submission() -> None:
    """Captello knows better than we do."""
    edits = (_said(n, prospect=n + 1, Email=f"q{n}@x.example") for n in range(2))
    assert len((await _told(_story(*edits))).people()) == 2


async def test_a_held_copy_that_comes_after_its_release_fills_blanks() -> None:
    """It was skipped, with the answers that were given at the booth."""
    said = _said(1, Title="Boss").capture
    released = said | {"event": "released", "answers": []}
    held = _said(0, Title="scribbled", Remark="warm", wish="A demo").capture
    held["submission"] = {"activity_id": 1, "hold_request_id": 5}
    mapped = {"lead": (*PLAIN, {"column": "description", "source": "Remark"})}
    telling = await _told(_story(Said(0, released), Said(0, held), mapped=mapped, note=True))
    ((_, row),) = telling.people().items()
    assert (row["jobtitle"], row["description"]) == ("Boss", "warm")
    (note,) = (row for (table, _), row in telling.world.rows.items() if table == "annotation")
    assert note["notetext"] == "Wishes: A demo"


def test_a_row_that_is_left_alone_needs_no_mapping() -> None:
    """It failed for a mapping that nothing was to be written with."""
    contact = {("contact", "c1"): row_of("contact", emailaddress1=ADA["Email"])}
    tell(_story(_said(0), rows=contact, tables="contacts_then_leads", mapped={"lead": PLAIN}, on_match="none"))


async def test_a_name_is_found_again_in_the_form_in_which_it_was_written() -> None:
    """The same words with another address made a second Mary Lee."""
    mapped = {"lead": ({**PLAIN[0], "transform": "first_word"}, *PLAIN[1:])}
    mary = {"FirstName": "Mary Ann", "LastName": "Lee"}
    twice = (_said(n, activity=n + 1, prospect=n + 1, Email=f"q{n}@x.example", **mary) for n in range(2))
    assert len((await _told(_story(*twice, by="email_or_name", mapped=mapped))).people()) == 1


def test_a_held_copy_is_about_whom_it_was_completed_for() -> None:
    """Of a submission that named two people, it went to the first with the words of the second."""
    held = _said(0, prospect=None, activity=2).capture
    held["submission"] = {"activity_id": 2, "hold_request_id": 52}
    tell(_story(_said(0, activity=2), _said(0, activity=2, prospect=2, Email=""), Said(0, held)))
