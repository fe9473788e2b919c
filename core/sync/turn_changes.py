"""What a turn saves: its delivery, claims and results as they stand after each step. No I/O; when, `turn` says."""

from datetime import datetime

from core.domain.decision import NOT_MAPPED
from core.domain.delivery import Claim, Delivery, ErrorClass, Intent, Outcome, Result
from core.domain.explanation import explained
from core.domain.folding import Pile
from core.domain.prospect import Prospect, with_news
from core.domain.subject import Subject
from core.errors import RejectedRowError, RetryableError
from core.sync.ports import ANY, Change, Versioned
from core.sync.reading import Known


def not_stored(organization: str, delivery_id: str) -> RetryableError:
    return RetryableError("The delivery is not in the store.", detail=f"{organization} {delivery_id}")


def replanned(found: Versioned[Delivery]) -> Versioned[Delivery]:
    return Versioned(found.entity.model_copy(update={"is_replanned": True}), found.etag)


def with_state(
    found: Versioned[Delivery], state: str, *, intent: Intent | None = None, folded_into: str = ""
) -> Change:
    delivery = found.entity.model_copy(update={"state": state, "intent": intent, "folded_into": folded_into})
    return Change(delivery.key, delivery, found.etag)


def ended(found: Versioned[Delivery], result: Result, now: datetime) -> Change:
    finished = result.model_copy(update={"finished_at": now})
    delivery = found.entity.model_copy(update={"state": "done", "intent": None, "result": finished})
    return Change(delivery.key, delivery, found.etag)


def is_in_doubt(pile: Pile) -> bool:
    """Whether something did not fit its column as the mapping knows it."""
    first = pile.decision.result if isinstance(pile.decision, Intent) else pile.decision
    return any(result.is_in_doubt for result in (first, *(each.result for each in pile.folded)))


def is_not_mapped(decision: Intent | Result) -> bool:
    return isinstance(decision, Result) and decision.error_code == NOT_MAPPED


def as_heard(delivery: Delivery, known: Prospect, intent: Intent) -> Intent:
    """With what is known of the person counted, and what is new in it."""
    person, news = with_news(known, intent.prospect, is_heard=is_heard(delivery))
    alone = as_heard(delivery, known, intent.alone) if intent.alone else None
    told = {"prospect": person, "is_heard": news.is_heard, "changed": news.changed, "alone": alone}
    return intent.model_copy(update=told)


def is_heard(delivery: Delivery) -> bool:
    """Whether somebody said it, and no automation that says again what is known."""
    return delivery.trigger != "automation"


def reached(result: Result, known: Known) -> str:
    """As `written_to`, where nothing had to be written; an action may leave rows alone, whatever they hold."""
    return "" if known.subject.action.on_match == "none" else written_to(result)


def written_to(result: Result) -> str:
    """The table of the row that holds all of it now, if one does."""
    return result.table if result.outcome in (Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED) else ""


def released(intent: Intent) -> list[Change]:
    released = [Change(key, Claim(), ANY) for key in intent.keys]
    return released + ([Change(intent.row_claim, None, ANY)] if intent.row_claim else [])


def not_searched(subject: Subject) -> Result:
    """What is known of one whose search was refused."""
    return Result(outcome=Outcome.FAILED, mapped_as=subject.mapped_as, explain=explained(subject, None, {}))


def refused_by(result: Result, refused: RejectedRowError) -> Result:
    return result.model_copy(
        update={
            "outcome": Outcome.FAILED,
            "reason": refused.message,
            "words": refused.words,
            "row_id": "" if result.outcome is Outcome.CREATED else result.row_id,
            "error_class": ErrorClass.CONFIGURATION if refused.about_mapping else ErrorClass.DATA,
            "error_code": refused.code,
            "error_column": refused.column,
            "before": {},
        }
    )


def without_new_row(intent: Intent) -> Prospect:
    """The person as heard, without the link to a row that was never made."""
    if intent.person is None or not intent.person.creates:
        return intent.prospect
    links = {table: row_id for table, row_id in intent.prospect.links.items() if row_id != intent.person.row_id}
    return intent.prospect.model_copy(update={"links": links})
