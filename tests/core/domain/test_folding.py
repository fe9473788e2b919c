"""Deliveries of one person that come together: what is written once, and what is said of each."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core.domain.action import AccountRule, SyncAction
from core.domain.capture import Event
from core.domain.decision import decide
from core.domain.delivery import Folded, Intent, Outcome, Result
from core.domain.folding import Heard, Pile, fold
from core.domain.mapping import FieldMapping
from core.domain.prospect import Prospect
from core.domain.references import Found
from core.domain.row import Row
from core.domain.subject import Subject, subject_of
from tests.builders import LATER, NEW_ID, NOON, action, capture, delivery, known, mapping, row, rows_by_key

ADA: dict[str, Any] = {"FirstName": "Ada", "LastName": "Lovelace", "Email": "ada@x.example"}
MAPPINGS = {
    "lead": mapping(
        {"column": "firstname", "source": "FirstName"},
        {"column": "lastname", "source": "LastName"},
        {"column": "emailaddress1", "source": "Email"},
        {"column": "jobtitle", "source": "Title"},
        {"column": "description", "source": "Remark", "policy": "append"},
        {"column": "companyname", "source": "Company", "policy": "fill_if_empty"},
    )
}
LEADS = action(match={"tables": "leads", "by": "email"}, create="lead")


def _said(number: int, **fields: Any) -> Subject:
    """The number-th delivery, said as many minutes after noon as its number."""
    said = capture(said_at=NOON + timedelta(minutes=number), **ADA | fields)
    named = delivery(said).model_copy(update={"id": f"d{number}"})
    return subject_of(named, LEADS, MAPPINGS, known(), prospect_key="prospect|ada")


def _fold(first: Subject, others: Sequence[Subject], *rows: Row) -> Pile:
    found = Found(rows_by_key(*rows))
    return fold(Heard(first, found), decide(first, found, new_id=NEW_ID), [Heard(each, found) for each in others])


def _intent(pile: Pile) -> Intent:
    assert isinstance(pile.decision, Intent)
    return pile.decision


def _outcomes(pile: Pile) -> list[Outcome]:
    result = pile.decision.result if isinstance(pile.decision, Intent) else pile.decision
    return [result.outcome, *(each.result.outcome for each in pile.folded)]


def test_a_new_row_is_written_once_with_all_that_was_said() -> None:
    """And each is told what it would have been told alone."""
    pile = _fold(_said(0, Remark="r0"), [_said(1, Title="Countess", Remark="r1"), _said(2, Title="Countess")])
    intent = _intent(pile)
    assert _outcomes(pile) == [Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED]
    assert intent.person is not None
    assert intent.person.values["jobtitle"] == "Countess"
    assert intent.person.values["description"] == "r0\nr1"
    assert [each.delivery for each in intent.folded] == ["d1", "d2"]
    assert intent.folded[0].result.before == {"jobtitle": None, "description": "r0"}
    assert intent.alone is not None
    assert intent.alone.person is not None
    assert "jobtitle" not in intent.alone.person.values


def test_an_existing_row_is_written_under_the_etag_it_was_read_with() -> None:
    """By whoever says something new, although the first had nothing to say."""
    there = row(1, firstname="Ada", lastname="Lovelace", emailaddress1="ada@x.example")
    pile = _fold(_said(0), [_said(1, Title="Countess")], there)
    intent = _intent(pile)
    assert _outcomes(pile) == [Outcome.UNCHANGED, Outcome.UPDATED]
    assert intent.person is not None
    assert (intent.person.etag, intent.person.values) == (there.etag, {"jobtitle": "Countess"})
    assert intent.alone is not None
    assert intent.alone.person is None


def test_where_nobody_has_anything_new_nothing_is_written() -> None:
    """There is no intent then."""
    there = row(1, firstname="Ada", lastname="Lovelace", emailaddress1="ada@x.example")
    pile = _fold(_said(0), [_said(1), _said(2)], there)
    assert isinstance(pile.decision, Result)
    assert _outcomes(pile) == [Outcome.UNCHANGED] * 3


def test_who_does_not_fit_stays_out_with_all_that_come_after() -> None:
    """A withdrawal in between is heard in its place; who needs a new company takes a turn of his own."""
    withdrawn = _said(1)
    capture = withdrawn.capture.model_copy(update={"event": Event.WITHDRAWN})
    withdrawn = replace(withdrawn, delivery=withdrawn.delivery.model_copy(update={"capture": capture}))
    pile = _fold(_said(0), [withdrawn, _said(2)])
    assert (_outcomes(pile), _intent(pile).alone) == ([Outcome.CREATED], None)

    makes = LEADS.model_copy(update={"account": AccountRule(on_missing="create")})
    first, second = (_about(each, makes, MAPPINGS) for each in (_said(0), _said(1, Company="Acme")))
    assert _outcomes(_fold(first, [second])) == [Outcome.CREATED]


def test_a_column_that_dynamics_may_fill_by_itself_is_not_foreseen() -> None:
    """A new row has values that nobody wrote: a choice that is to be filled only if it is empty, for one."""
    quality = mapping(
        {"column": "lastname", "source": "LastName"},
        {"column": "leadqualitycode", "source": "Quality", "policy": "fill_if_empty"},
    )
    first, second = (_about(each, LEADS, {"lead": quality}) for each in (_said(0), _said(1, Quality="Hot")))
    assert _outcomes(_fold(first, [second])) == [Outcome.CREATED]


def _about(said: Subject, under: SyncAction, mappings: Mapping[str, FieldMapping]) -> Subject:
    return subject_of(said.delivery, under, mappings, known(), prospect_key=said.prospect_key)


_WORDS = st.fixed_dictionaries(
    {
        "Title": st.sampled_from(["", "Countess", "Analyst"]),
        "Remark": st.sampled_from(["", "r", "s"]),
        "Company": st.sampled_from(["", "Acme"]),
        "minute": st.integers(0, 4),
    }
)


@given(words=st.lists(_WORDS, min_size=2, max_size=5), is_there=st.booleans())
def test_what_is_written_at_once_is_what_would_have_been_written_one_by_one(
    words: list[dict[str, Any]], *, is_there: bool
) -> None:
    """Whatever was said in whichever order: the row, each outcome, and the person."""
    there = row(1, firstname="Ada", lastname="Byron", emailaddress1="ada@x.example", jobtitle="Analyst")
    rows = [there] if is_there else []
    first, *others = (_said_at(number, **each) for number, each in enumerate(words))
    pile = _fold(first, others, *rows)
    columns, outcomes, person = _one_by_one([first, *others], rows)
    assert _outcomes(pile) == outcomes
    assert pile.person == person
    written = pile.decision.person if isinstance(pile.decision, Intent) else None
    before = dict(there.columns) if is_there else {}
    assert {**before, **(written.values if written else {})} == columns


def _said_at(number: int, *, minute: int, **fields: Any) -> Subject:
    said = _said(minute, **{name: value for name, value in fields.items() if value})
    named = said.delivery.model_copy(update={"id": f"d{number}"})
    return subject_of(named, LEADS, MAPPINGS, known(), prospect_key="prospect|ada")


def _one_by_one(subjects: Sequence[Subject], rows: Sequence[Row]) -> tuple[dict[str, Any], list[Outcome], Any]:
    """As if each had come alone: what is written is read by the next."""
    person, outcomes, there = known(), list[Outcome](), list(rows)
    for each in subjects:
        now = subject_of(each.delivery, LEADS, MAPPINGS, person, prospect_key="prospect|ada")
        decided = decide(now, Found(rows_by_key(*there)), new_id=NEW_ID)
        if isinstance(decided, Intent):
            write = decided.person
            assert write is not None
            before = dict(there[0].columns) if there else {}
            there = [Row("lead", write.row_id, "later", {"statecode": 0, **before, **write.values})]
        person = decided.prospect if isinstance(decided, Intent) else _linked(now, decided)
        result = decided.result if isinstance(decided, Intent) else decided
        outcomes.append(result.outcome)
    (last,) = there
    return {k: v for k, v in last.columns.items() if k != "statecode" or rows}, outcomes, person


def _linked(now: Subject, result: Result) -> Any:
    links = now.person.links | {result.table: result.row_id}
    return now.person.model_copy(update={"links": links, "last_outcome": result.outcome.value})


def test_a_later_one_that_says_the_same_is_the_notes_last_word() -> None:
    """Where the note was written; of one that Dynamics refused nobody said anything."""
    same = Result(outcome=Outcome.UNCHANGED, confirmed=("note|n",))
    folded = (Folded(delivery="d2", result=same, said_at=LATER),)
    first = Result(outcome=Outcome.CREATED)
    intent = Intent(result=first, keys=(), prospect_key="prospect|ada", prospect=Prospect(), folded=folded)
    assert intent.with_effects(("note|n",), NOON).effects == {"note|n": LATER}
    assert not intent.with_effects((), NOON).effects
