"""What ends before Dynamics is asked."""

from typing import Any, Literal

import pytest

from core.domain.capture import Capture
from core.domain.delivery import Outcome
from core.domain.prospect import Prospect
from core.domain.settling import settled_without_search
from core.domain.subject import subject_of
from tests.builders import action, delivery, document, subject


@pytest.mark.parametrize(
    ("said", "enabled", "outcome"),
    [
        ({"event": "withdrawn"}, True, Outcome.WITHDRAWN),
        ({"submission": {"hold_request_id": 5}}, True, Outcome.HELD),
        ({"event": "released", "submission": {"hold_request_id": 5}}, True, None),
        ({"event": "captured"}, False, Outcome.SKIPPED),
        ({"event": "captured"}, True, None),
        ({"event": "updated"}, True, None),
        ({"event": "withdrawn", "submission": {"hold_request_id": 5}}, False, Outcome.WITHDRAWN),
    ],
    ids=["withdrawn", "held", "released", "switched off", "captured", "updated", "withdrawn while held"],
)
def test_what_needs_no_search(said: dict[str, Any], outcome: Outcome | None, *, enabled: bool) -> None:
    """Dynamics is not asked about what is settled; the reason is a sentence."""
    settled = settled_without_search(subject(Capture.model_validate(document(**said)), under=action(enabled=enabled)))
    assert (settled.outcome if settled else None) == outcome
    assert settled is None or settled.reason.endswith(".")


@pytest.mark.parametrize(
    ("by", "outcome", "words"),
    [("withdrawal", Outcome.WITHDRAWN, "Nothing was written"), ("completion", Outcome.SKIPPED, "completed already")],
)
def test_what_was_overtaken_writes_nothing(
    by: Literal["withdrawal", "completion"], outcome: Outcome, words: str
) -> None:
    """Something of the same submission that counts for more came in before it."""
    overtaken = delivery(Capture.model_validate(document())).model_copy(update={"overtaken_by": by})
    settled = settled_without_search(subject_of(overtaken, action(), {}, Prospect()))
    assert settled is not None
    assert settled.outcome is outcome
    assert words in settled.reason


def test_a_withdrawal_says_that_nothing_is_deleted() -> None:
    """Who reads the log must not believe that the lead is gone."""
    settled = settled_without_search(subject(Capture.model_validate(document(event="withdrawn"))))
    assert settled is not None
    assert "nothing is deleted" in settled.reason
