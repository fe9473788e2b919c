"""What the deliveries of one submission mean for each other, one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.capture import Capture
from core.domain.delivery import Delivery, Outcome, Result
from core.domain.prospect import Prospect
from core.domain.settling import settled_without_search
from core.domain.subject import subject_of
from core.domain.submission import Heard, Step, heard_keys, next_step
from tests.builders import NOON, action, delivery

HELD: dict[str, Any] = {"submission": {"activity_id": 1, "hold_request_id": 5}}
FULL: dict[str, Any] = {"submission": {"activity_id": 1}, "prospect": {"fields": {"Email": "mara@x.example"}}}
RELEASED: dict[str, Any] = {**FULL, "event": "released"}
UPDATED: dict[str, Any] = {**FULL, "event": "updated"}
WITHDRAWN: dict[str, Any] = {"event": "withdrawn", "submission": {"activity_id": 1}}


def _at(body: dict[str, Any], minutes: int) -> dict[str, Any]:
    return {**body, "occurred_at": (NOON + timedelta(minutes=minutes)).isoformat()}


@dataclass
class Desk:
    """Receives deliveries and, when told to, runs them to their end."""

    heard: Heard = field(default_factory=Heard)
    stored: dict[str, Delivery] = field(default_factory=dict)
    now: datetime = NOON + timedelta(hours=1)

    def receive(self, body: dict[str, Any], *, runs: bool = True) -> Step:
        self.now += timedelta(minutes=1)
        name = f"d{len(self.stored)}-{self.now:%H%M}"
        said = delivery(Capture.model_validate(body), received_at=self.now)
        newcomer = said.model_copy(update={"id": name, "due_at": self.now + timedelta(seconds=30)})
        step = next_step(newcomer, self.heard, list(self.stored.values()))
        self.heard = step.heard
        for each in (step.delivery, *step.others):
            self.stored[each.id] = self._run(each) if runs else each
        return step

    def _run(self, each: Delivery) -> Delivery:
        settled = settled_without_search(subject_of(each, action(), {}, Prospect()))
        return each.model_copy(update={"state": "done", "result": settled or Result(outcome=Outcome.CREATED)})

    @property
    def outcomes(self) -> list[str]:
        return [each.result.outcome.value if each.result else each.state for each in self.stored.values()]


@pytest.mark.parametrize(
    ("bodies", "outcomes"),
    [
        ([HELD], ["held"]),
        ([HELD, RELEASED], ["created"]),
        ([HELD, FULL], ["created"]),
        ([HELD, UPDATED], ["created"]),
        ([HELD, HELD, RELEASED], ["created"]),
        ([HELD, RELEASED, RELEASED], ["created", "created"]),
        ([HELD, RELEASED, HELD], ["created", "created"]),
        ([RELEASED], ["created"]),
        ([RELEASED, HELD], ["created", "created"]),
        ([HELD, WITHDRAWN], ["withdrawn"]),
        ([HELD, WITHDRAWN, RELEASED], ["withdrawn", "created"]),
        ([HELD, RELEASED, WITHDRAWN], ["created", "withdrawn"]),
        ([FULL, WITHDRAWN], ["created", "withdrawn"]),
        ([FULL, WITHDRAWN, UPDATED], ["created", "withdrawn", "created"]),
        ([FULL, WITHDRAWN, FULL], ["created", "withdrawn", "created"]),
        ([FULL, WITHDRAWN, HELD, RELEASED], ["created", "withdrawn", "withdrawn", "created"]),
        ([_at(FULL, 1), _at(WITHDRAWN, 2), _at(HELD, 3), _at(RELEASED, 3)], ["created", "withdrawn", "created"]),
        ([WITHDRAWN, FULL], ["withdrawn", "withdrawn"]),
        ([WITHDRAWN, HELD], ["withdrawn", "withdrawn"]),
        ([WITHDRAWN, FULL, FULL], ["withdrawn", "withdrawn", "created"]),
        ([WITHDRAWN, UPDATED], ["withdrawn", "created"]),
        ([WITHDRAWN, RELEASED], ["withdrawn", "created"]),
        ([_at(WITHDRAWN, 5), _at(FULL, 3)], ["withdrawn", "withdrawn"]),
        ([_at(WITHDRAWN, 5), _at(UPDATED, 3)], ["withdrawn", "withdrawn"]),
        ([_at(WITHDRAWN, 5), _at(FULL, 7)], ["withdrawn", "created"]),
        ([_at(FULL, 3), _at(WITHDRAWN, 5), _at(UPDATED, 4)], ["created", "withdrawn", "withdrawn"]),
        ([WITHDRAWN, _at(FULL, 3)], ["withdrawn", "withdrawn"]),
        ([_at(HELD, 5), _at(WITHDRAWN, 3)], ["held"]),
        ([_at(HELD, 5), _at(RELEASED, 3)], ["created"]),
        ([_at(HELD, 5), _at(WITHDRAWN, 5)], ["withdrawn"]),
    ],
)
def test_deliveries_of_one_submission(bodies: Sequence[dict[str, Any]], outcomes: list[str]) -> None:
    """Held ones are completed in place, withdrawals end what is not written, edits after them bring it back."""
    desk = Desk()
    for body in bodies:
        desk.receive(body)
    assert desk.outcomes == outcomes


def test_a_release_takes_the_place_of_what_was_held() -> None:
    """The same receipt and the same log row (so the same time of receipt), a new content, due anew."""
    desk = Desk()
    held = desk.receive(HELD).delivery
    step = desk.receive(RELEASED)
    assert not step.is_new
    after = step.delivery
    assert (after.id, after.received_at, after.state) == (held.id, held.received_at, "received")
    assert (after.revision, after.result) == (1, None)
    assert after.capture.prospect.fields == {"Email": "mara@x.example"}
    assert after.heard_at == after.said_at == desk.now
    assert len(after.absorbed) == 1
    assert after.due_at > held.due_at


def test_what_is_released_before_it_was_concluded_keeps_its_mark() -> None:
    """Its mark of open work stands, and its log row was never written."""
    desk = Desk()
    held = desk.receive(HELD, runs=False).delivery
    after = desk.receive(RELEASED, runs=False).delivery
    assert (after.id, after.due_at, after.revision, after.state) == (held.id, held.due_at, 0, "received")


def test_a_newer_held_copy_is_taken_over_and_an_older_one_is_not() -> None:
    """What waits always holds the newest that was said."""
    desk = Desk()
    for minutes, name in ((5, "B"), (7, "C"), (3, "A")):
        desk.receive(_at({**HELD, "prospect": {"fields": {"Company": name}}}, minutes))
    (waiting,) = desk.stored.values()
    assert waiting.capture.prospect.fields == {"Company": "C"}
    assert len(waiting.absorbed) == 2


def test_a_withdrawal_ends_what_nobody_has_written_yet() -> None:
    """A capture that waits for its connection is not written after it was withdrawn; one that is being written is."""
    desk = Desk()
    first = desk.receive(FULL, runs=False).delivery
    desk.stored[first.id] = first.model_copy(update={"state": "intent"})
    second = desk.receive(UPDATED, runs=False).delivery
    step = desk.receive(WITHDRAWN)
    assert step.is_new
    assert [each.id for each in step.others] == [second.id]
    assert desk.outcomes == ["intent", "withdrawn", "withdrawn"]


def test_two_that_wait_for_the_same_release_both_end() -> None:
    """Known by different ids until the release names both: the first is completed, the other waits no longer."""
    desk = Desk()
    desk.stored = {
        each.id: each
        for each in (
            delivery(Capture.model_validate(HELD)).model_copy(update={"id": name, "state": "received"})
            for name in ("a", "b")
        )
    }
    desk.receive(RELEASED)
    assert desk.outcomes == ["created", "skipped"]


def test_a_submission_is_known_by_activity_and_by_hold_request() -> None:
    """Per action; an activity id counts within its form; without either nothing is remembered."""

    def keys(under: str = "booth", **body: Any) -> tuple[str, ...]:
        return heard_keys(delivery(Capture.model_validate(body)).model_copy(update={"action": under}))

    assert len(keys(**HELD)) == 2
    assert keys(submission={"activity_id": 1}) == keys(**HELD)[:1]
    assert keys(submission={"hold_request_id": "5"}) == keys(**HELD)[1:]
    assert keys(**HELD, form={"id": 7})[0] != keys(**HELD)[0]
    assert keys(**HELD, form={"id": 7})[1] == keys(**HELD)[1]
    assert not set(keys("other", **HELD)) & set(keys(**HELD))
    assert keys(prospect={"id": 777}) == ()


ANYTHING = (HELD, FULL, RELEASED, UPDATED, WITHDRAWN, _at(HELD, 3), _at(FULL, 4), _at(WITHDRAWN, 5))


@given(st.lists(st.sampled_from(ANYTHING), max_size=8))
def test_every_delivery_has_one_outcome_and_one_at_most_waits(bodies: list[dict[str, Any]]) -> None:
    """Whatever comes in which order; and what is said after a hold never leaves it waiting."""
    desk = Desk()
    absorbed = 0
    for body in bodies:
        absorbed += not desk.receive(body).is_new
    assert len(desk.stored) + absorbed == len(bodies)
    assert sum(len(each.absorbed) for each in desk.stored.values()) == absorbed
    assert desk.outcomes.count("held") <= 1
    if bodies and bodies[-1] in (FULL, RELEASED, UPDATED):
        assert "held" not in desk.outcomes
