"""Deliveries that end before Dynamics is asked: withdrawn, overtaken, held, or not for this action."""

from core.domain.capture import Event
from core.domain.capture_facts import capture_facts
from core.domain.delivery import Outcome, Result
from core.domain.fitting import why_unfit
from core.domain.subject import Subject


def settled_without_search(subject: Subject) -> Result | None:
    """What can be said before Dynamics is asked."""
    delivery = subject.delivery
    if subject.capture.event is Event.WITHDRAWN:
        return Result(
            outcome=Outcome.WITHDRAWN,
            reason="Captello withdrew the submission. What stands in Dynamics already stays there: nothing is deleted.",
        )
    if delivery.overtaken_by == "withdrawal":
        return Result(
            outcome=Outcome.WITHDRAWN,
            reason="Captello withdrew the submission before this capture of it was written. Nothing was written.",
        )
    if delivery.overtaken_by == "completion":
        return Result(
            outcome=Outcome.SKIPPED,
            reason="The submission had been completed already when this capture of it, still held, came in.",
        )
    if subject.capture.is_held:
        return Result(outcome=Outcome.HELD, reason="Captello holds the submission until it has been completed.")
    if not subject.action.enabled:
        return Result(outcome=Outcome.SKIPPED, reason=f"The action {subject.action.id} is switched off.")
    if unfit := why_unfit(subject.action.filter, capture_facts(subject)):
        return Result(outcome=Outcome.SKIPPED, reason=f"The action's filter leaves this capture out: {unfit}.")
    return None
