"""What has been heard of one submission under one action, and what the next delivery of it does.

Deliveries of a submission are put in order when they are received, in the transaction that stores them. A held one
waits, and what follows completes it in place; a withdrawal ends what is not written yet, also a capture that it
overtook on its way. Everything else is a delivery of its own: a new person, an edit, a repeat.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from core.domain.capture import Event, digest, is_captellos
from core.domain.completing import completed
from core.domain.delivery import Delivery

REMEMBERED_MOST = 20  # deliveries of one submission that a withdrawal may still find unwritten


class Heard(BaseModel):
    """Stored under every name of the submission: its activity id, its hold request."""

    model_config = ConfigDict(frozen=True)

    holders: tuple[str, ...] = ()  # deliveries that wait, or waited, for what follows
    deliveries: tuple[str, ...] = ()  # the last ones that said something
    is_complete: bool = False  # one that is not held has come in
    whose: str = ""  # the prospect that it was of first
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What a delivery does when it is received: it is stored, or one that waits takes it over."""

    delivery: Delivery
    is_new: bool
    heard: Heard
    others: tuple[Delivery, ...] = ()  # deliveries that end with it


def asks_for_deliveries(newcomer: Delivery, heard: Heard) -> bool:
    """Whether it matters what the last deliveries said: to a withdrawal, and to a held copy that comes too late."""
    return newcomer.capture.event is Event.WITHDRAWN or (newcomer.capture.is_held and heard.is_complete)


def heard_keys(delivery: Delivery) -> tuple[str, ...]:
    """Where it stands what has been heard of this submission; nowhere when it has no id."""
    action, capture = delivery.action, delivery.capture
    names: list[str] = []
    if capture.submission.activity_id:
        names.append(digest(action, "activity", capture.form.id or "", capture.submission.activity_id))
    if capture.submission.hold_request_id:
        names.append(digest(action, "hold", capture.submission.hold_request_id))
    return tuple(f"heard|{name}" for name in names)


def all_heard(parts: Iterable[Heard]) -> Heard:
    """What was heard under any of the submission's names."""
    parts = tuple(parts)
    withdrawals = [part.withdrawn_at for part in parts if part.withdrawn_at]
    return Heard(
        holders=tuple(dict.fromkeys(name for part in parts for name in part.holders)),
        deliveries=tuple(dict.fromkeys(name for part in parts for name in part.deliveries)),
        is_complete=any(part.is_complete for part in parts),
        whose=next((part.whose for part in parts if part.whose), ""),
        withdrawn_at=max(withdrawals, default=None),
    )


def without_person(heard: Heard) -> Heard:
    """After one of its deliveries was erased: what was held of it earlier brings nobody back."""
    return heard.model_copy(update={"whose": ""})


def without_delivery(heard: Heard, delivery_id: str) -> Heard | None:
    """After that one was forgotten; None: nothing is known of any delivery then."""
    holders = tuple(name for name in heard.holders if name != delivery_id)
    deliveries = tuple(name for name in heard.deliveries if name != delivery_id)
    if not holders and not deliveries:
        return None
    return heard.model_copy(update={"holders": holders, "deliveries": deliveries})


def next_step(newcomer: Delivery, heard: Heard, earlier: Sequence[Delivery]) -> Step:
    """`earlier`: the submission's holders and, where the newcomer asks for them, its last deliveries."""
    if newcomer.overtaken_by:
        return _moved(newcomer, heard)
    waiting = [each for each in earlier if each.waits_for_release]
    if waiting:
        return _taken_over(newcomer, heard, waiting)
    if newcomer.capture.event is Event.WITHDRAWN:
        withdrawn = heard.model_copy(update={"withdrawn_at": newcomer.said_at})
        unwritten = (each for each in earlier if _is_unwritten(each) and each.said_at <= newcomer.said_at)
        return Step(newcomer, True, withdrawn, tuple(_overtaken(each, newcomer, "withdrawal") for each in unwritten))
    if heard.withdrawn_at and _is_overtaken(newcomer, heard.withdrawn_at, heard):
        newcomer = _of_the_same(newcomer, heard)
        late = newcomer.model_copy(update={"overtaken_by": "withdrawal"})
        return Step(late, True, _having_heard(heard, newcomer))
    if newcomer.capture.is_held and heard.is_complete and heard.withdrawn_at is None:
        newcomer = _completed_before(newcomer, earlier)
        if newcomer.overtaken_by:
            return Step(newcomer, True, heard)
    newcomer = _of_the_same(newcomer, heard)
    alive = heard.model_copy(update={"withdrawn_at": None})
    return Step(newcomer, True, _having_heard(alive, newcomer))


def _of_the_same(newcomer: Delivery, heard: Heard) -> Delivery:
    """Of the prospect that the submission was of first, though Captello's id is only known now, or left out now. Two
    ids are two people.
    """
    if not heard.whose or (newcomer.capture.prospect.id and is_captellos(heard.whose)):
        return newcomer
    return newcomer.model_copy(update={"whose": heard.whose})


def _may_complete(earlier: Delivery) -> bool:
    is_alive = earlier.erased_at is None and not earlier.overtaken_by
    return is_alive and not earlier.capture.is_held and earlier.capture.event is not Event.WITHDRAWN


def _completed_before(newcomer: Delivery, earlier: Sequence[Delivery]) -> Delivery:
    """A held copy that arrives after what released it: completed by that, and said before it, so it fills blanks. Where
    that is not there any more, nothing is left to be filled.
    """
    releases = [each for each in earlier if _may_complete(each)]
    if not releases:
        return newcomer.model_copy(update={"overtaken_by": "completion"})
    complete = max(releases, key=lambda each: (each.said_at, each.id))
    heard_at = complete.said_at - timedelta(microseconds=1)
    return newcomer.model_copy(update={"capture": completed(newcomer.capture, complete.capture), "heard_at": heard_at})


def _moved(newcomer: Delivery, heard: Heard) -> Step:
    """It got its place before, in another partition."""
    heard = _having_heard(heard, newcomer)
    if newcomer.overtaken_by == "withdrawal":
        heard = heard.model_copy(update={"withdrawn_at": max(heard.withdrawn_at or newcomer.said_at, newcomer.said_at)})
    return Step(newcomer, True, heard)


def _is_overtaken(newcomer: Delivery, withdrawn_at: datetime, heard: Heard) -> bool:
    """Times tell what is older. Where the capture names none, the first one that was captured is the one that was
    withdrawn, and so is a held copy; whatever else comes after it, or calls itself an update or a release, brings the
    submission back.
    """
    if newcomer.capture.occurred_at is not None:
        return newcomer.said_at <= withdrawn_at
    return newcomer.capture.event is Event.CAPTURED and (newcomer.capture.is_held or not heard.deliveries)


def _having_heard(heard: Heard, newcomer: Delivery) -> Heard:
    """One that has taken others over, and was moved here from another partition, still answers for them."""
    is_held = newcomer.capture.is_held
    holders = (newcomer.id,) if is_held or newcomer.absorbed else ()
    return heard.model_copy(
        update={
            "holders": (*heard.holders, *holders),
            "deliveries": (*heard.deliveries, newcomer.id)[-REMEMBERED_MOST:],
            "is_complete": heard.is_complete or not is_held,
            "whose": heard.whose or newcomer.prospect,
        }
    )


# --- What waits -------------------------------------------------------------------------------------------------------


def _taken_over(newcomer: Delivery, heard: Heard, waiting: Sequence[Delivery]) -> Step:
    """The first that waits takes over what came; others of the same submission have nothing to wait for any more."""
    holder, *rest = waiting
    match newcomer.capture.event, newcomer.capture.is_held:
        case Event.WITHDRAWN, _ if newcomer.said_at >= holder.said_at:
            after = _overtaken(holder, newcomer, "withdrawal")
            others = tuple(_overtaken(each, newcomer, "withdrawal") for each in rest)
            heard = heard.model_copy(update={"withdrawn_at": newcomer.said_at})
        case (Event.WITHDRAWN, _) | (_, True) if newcomer.said_at < holder.said_at:
            after, others = holder, ()
        case _, True:
            after, others = _saying(holder, newcomer), ()
            heard = heard.model_copy(update={"whose": after.prospect})
        case _:
            after = _saying(holder, newcomer)
            others = tuple(_overtaken(each, newcomer, "completion") for each in rest)
            complete = {"is_complete": True, "whose": after.prospect, "withdrawn_at": None}
            heard = heard.model_copy(update=complete)
    return Step(_with_absorbed(after, newcomer), False, heard, others)


def _saying(holder: Delivery, newcomer: Delivery) -> Delivery:
    said = {"capture": completed(holder.capture, newcomer.capture), "heard_at": newcomer.received_at, "attempts": 0}
    return _taken_up(holder, newcomer).model_copy(update=said)


def _with_absorbed(holder: Delivery, newcomer: Delivery) -> Delivery:
    return holder.model_copy(update={"absorbed": (*holder.absorbed, newcomer.id)[-REMEMBERED_MOST:]})


def _overtaken(delivery: Delivery, newcomer: Delivery, by: Literal["withdrawal", "completion"]) -> Delivery:
    return _taken_up(delivery, newcomer).model_copy(update={"overtaken_by": by})


def _taken_up(delivery: Delivery, newcomer: Delivery) -> Delivery:
    """To be run (again). One that was over is due anew, and its log row gives way to a later one."""
    if delivery.state != "done":
        return delivery
    again = {"state": "received", "result": None, "due_at": newcomer.due_at, "revision": delivery.revision + 1}
    return delivery.model_copy(update=again | {"taken_up_at": newcomer.received_at})


def _is_unwritten(delivery: Delivery) -> bool:
    """Nothing was sent for it that may still land."""
    return delivery.state == "received" and not delivery.overtaken_by
