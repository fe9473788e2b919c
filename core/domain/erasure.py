"""A delivery without its person: that it came in, when, from which form, and how it ended."""

from datetime import datetime

from core.domain.capture import CapturedProspect, prospect_name, submission_name
from core.domain.delivery import Delivery, Outcome
from core.domain.masking import Masking


def erased(delivery: Delivery, at: datetime) -> Delivery:
    """One that is over. It still answers for its repeats, so that they do not bring the person back; it is neither
    revealed nor replayed. A held one waits no more.
    """
    assert delivery.result is not None
    capture, result = delivery.capture, delivery.result
    submission = capture.submission.model_copy(update={"captured_by": None, "rating": None, "type": None})
    nobody = {"prospect": CapturedProspect(), "answers": [], "submission": submission, "delivery_id": None}
    masking = Masking(capture)
    told = {"reason": masking.sentence(result.reason), "words": masking.words(result.words)}
    said = {**told, "warnings": (), "explain": {}, "before": {}, "row_id": ""}
    if result.outcome is Outcome.HELD:
        said |= {"outcome": Outcome.SKIPPED, "reason": "The person was erased while this was held."}
    return delivery.model_copy(
        update={
            "capture": capture.model_copy(update=nobody),
            "result": result.model_copy(update=said),
            "whose": "",
            "intent": None,
            "tried": (),
            "revision": delivery.revision + 1,
            "erased_at": at,
        }
    )


def names_of(delivery: Delivery) -> set[str]:
    """The prospects that it may have said something of."""
    by_its_words = (name(delivery.capture, delivery.id) for name in (prospect_name, submission_name))
    return {delivery.prospect, *by_its_words}
