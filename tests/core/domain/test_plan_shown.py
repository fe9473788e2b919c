"""What a plan tells whoever has the capture URL: his own words, and of everything else that there is something."""

from typing import Any

from core.domain.capture import Capture
from core.domain.delivery import Extra, Intent, Outcome, Result, RowWrite
from core.domain.plan_shown import plan_shown
from core.domain.prospect import Prospect, merged
from core.domain.table import Target
from tests.builders import NOON, capture, mapping

MAPPINGS = {
    "lead": mapping(
        {"source": "FirstName", "column": "firstname"},
        {"source": "LastName", "column": "lastname", "transform": ["upper"]},
        {"source": "Email", "column": "emailaddress1"},
    )
}


def _intent(said: Capture, values: dict[str, Any], *, known: Prospect | None = None, **more: Any) -> Intent:
    return Intent(
        result=Result(outcome=Outcome.UPDATED, table="lead", row_id="r", before=more.pop("before", {})),
        person=RowWrite(table="lead", row_id="r", etag="e", values=values, **more),
        extras=(
            Extra(mark="m", write=RowWrite(table="annotation", row_id="n", etag=None, values={"notetext": "Ada"})),
        ),
        keys=(),
        prospect_key="p",
        prospect=merged(known or Prospect(), said, NOON),
    )


def test_own_words_are_shown() -> None:
    """As they would be written, and in the note, where nobody has said anything else of the person."""
    said = capture(FirstName="Ada", LastName="Lovelace")
    plan = plan_shown(_intent(said, {"firstname": "Ada", "lastname": "LOVELACE"}), said, MAPPINGS)
    assert plan["values"] == {"firstname": "Ada", "lastname": "LOVELACE"}
    assert [write["values"] for write in plan["beside"]] == [{"notetext": "Ada"}]


def test_what_stands_in_dynamics_is_not() -> None:
    """Only whether something does; also where new text is put behind it."""
    said = capture(FirstName="Ada", LastName="Lovelace")
    before = {"firstname": "Augusta", "lastname": None, "emailaddress1": ""}
    values = {"firstname": "Augusta\nAda", "lastname": "LOVELACE"}
    plan = plan_shown(_intent(said, values, before=before), said, MAPPINGS)
    assert plan["before"] == {"firstname": "***", "lastname": None, "emailaddress1": None}
    assert plan["values"] == {"firstname": "***\nAda", "lastname": "LOVELACE"}


def test_what_was_said_of_the_person_before_is_not() -> None:
    """Captello's ids are easily guessed, and a guess must not tell who it is; ids of rows tell nothing."""
    said = capture(LastName="Lovelace")
    known = merged(Prospect(), capture(FirstName="Augusta", Email="a@b.example"), NOON)
    values = {"firstname": "Augusta", "lastname": "LOVELACE", "emailaddress1": "a@b.example", "ownerid": "o"}
    owner = {"ownerid": Target(table="systemuser", set_name="systemusers", navigation="ownerid")}
    plan = plan_shown(_intent(said, values, known=known, targets=owner), said, MAPPINGS)
    assert plan["values"] == {"firstname": "***", "lastname": "LOVELACE", "emailaddress1": "***", "ownerid": "o"}
    assert [write["values"] for write in plan["beside"]] == [{"notetext": "***"}]
