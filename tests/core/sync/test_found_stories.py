"""Stories in which the engine, and some of them the reference too, once did something else than the product says."""

from typing import Any

from core.domain.action import SyncAction
from core.domain.mapping import MappingRow
from tests.core.sync.reference_columns import Key
from tests.core.sync.stories import moment, row_of
from tests.core.sync.storytelling import Said, Step, Story, Telling, tell

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
    mapped: dict[str, tuple[dict[str, Any], ...]] | None = None,
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
    """What the account mapping writes into an e-mail column was searched for among people, and a stranger became Ada."""
    stranger = row_of("lead", firstname="Zed", lastname="Other", emailaddress1="info@acme.example")
    said = _said(0, Company="Acme", Mailbox="info@acme.example")
    mapped = {"lead": PLAIN, "account": COMPANY}
    tell(_story(said, rows={("lead", "r1"): stranger}, mapped=mapped, account={"by": "name"}))
