"""Held, released, withdrawn, once more in plain lists: what deliveries of one submission mean for each other.

Duty: which delivery stands for which, what a delivery says in the end, and which end without having been carried out
(product.md, section 5). Of two that are held under different names of one submission, the one known by its activity
comes first.
"""

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from core.domain.action import SyncAction
from core.domain.capture import Capture
from tests.core.sync.reference_words import is_missing, lowered

_NAMES_AND_ADDRESS = ("firstname", "lastname", "fullname", "name", "email")


@dataclass(frozen=True)
class Told:
    """What is told of a delivery: its outcome, and the row it went to."""

    outcome: str
    table: str = ""
    row_id: str = ""


@dataclass
class Delivered:
    """A delivery, with what it says by now: one that waited says what completed it."""

    name: str
    capture: Capture
    action: SyncAction
    received_at: datetime
    whose: tuple[str, ...] = ()  # who its submission was of before, where its own words do not say it better
    ending: str = ""  # how it ends without having been carried out
    told: Told | None = None
    was_held: bool = field(init=False)

    def __post_init__(self) -> None:
        self.was_held = self.is_held

    @property
    def said_at(self) -> datetime:
        return min(self.capture.occurred_at or self.received_at, self.received_at)

    @property
    def identity(self) -> tuple[str, ...]:
        """By Captello's id, else the e-mail, else the submission; with match off every submission is somebody new. But
        who the submission was first, that person stays, though an id comes or goes.
        """
        return self.whose or _identity(self.name, self.capture, self.action)

    @property
    def is_withdrawal(self) -> bool:
        return self.capture.event == "withdrawn"

    @property
    def is_held(self) -> bool:
        """Captello holds it, or nobody has read the card yet."""
        submission, fields = self.capture.submission, lowered(self.capture.prospect.fields)
        is_unread = submission.type == "transcription" and all(is_missing(fields.get(n)) for n in _NAMES_AND_ADDRESS)
        return self.capture.event in ("captured", "updated") and bool(submission.hold_request_id or is_unread)

    @property
    def waits(self) -> bool:
        return self.is_held and not self.ending and (self.told is None or self.told.outcome == "held")

    def ends(self, how: str) -> None:
        self.ending, self.told = how, None

    def was_completed_before(self, complete: "Delivered") -> None:
        self.capture = _completed(self.capture, complete.capture)
        self.received_at, self.was_held = complete.said_at - timedelta(microseconds=1), False

    def hears(self, newer: "Delivered") -> None:
        """The newer one's words; what it leaves open is taken from what was said before."""
        self.capture = _completed(self.capture, newer.capture)
        self.received_at = newer.received_at
        self.told = None


@dataclass
class Submission:
    """What came in of one submission, by one action."""

    said: list[Delivered] = field(default_factory=list)
    whose: tuple[str, ...] = ()  # by what the first one said
    withdrawn_at: datetime | None = None

    def with_all_of(self, other: "Submission") -> "Submission":
        times = [each.withdrawn_at for each in (self, other) if each.withdrawn_at]
        said = self.said + [each for each in other.said if each not in self.said]
        return Submission(said, self.whose or other.whose, max(times, default=None))


@dataclass
class Submissions:
    """Every delivery that was received, and whom to ask for what became of it."""

    delivered: dict[str, Delivered] = field(default_factory=dict)
    answered_by: dict[str, str] = field(default_factory=dict)
    _named: dict[tuple[str, ...], Submission] = field(default_factory=dict)

    def receive(self, new: Delivered) -> None:
        """One that came before is a repeat. What waits takes over whatever follows."""
        if new.name in self.answered_by:
            return
        submission = self._known(new)
        waiting = [each for each in submission.said if each.waits]
        joined = [new, *(each for each in submission.said if each.was_held or new.is_withdrawal)]
        names = {name for each in joined for name in _names(each)}
        if waiting:
            self.answered_by[new.name] = waiting[0].name
            _take_over(submission, waiting, new)
        else:
            self.answered_by[new.name] = new.name
            self.delivered[new.name] = new
            _take_its_place(submission, new)
        self._remember(submission, names)

    def _known(self, new: Delivered) -> Submission:
        """What was heard under any of its names."""
        known = [self._named[name] for name in _names(new) if name in self._named]
        return functools.reduce(Submission.with_all_of, known, Submission())

    def _remember(self, submission: Submission, names: Iterable[tuple[str, ...]]) -> None:
        """Under each name of these. What comes in under one name later on is not known under the other, unless
        something that bears both has to be looked at for it.
        """
        for name in names:
            self._named[name] = replace(submission, said=list(submission.said))


def _names(new: Delivered) -> Iterator[tuple[str, ...]]:
    submission = new.capture.submission
    if submission.activity_id:
        yield new.action.id, "activity", new.capture.form.id or "", submission.activity_id
    if submission.hold_request_id:
        yield new.action.id, "hold", submission.hold_request_id


def _take_over(submission: Submission, waiting: list[Delivered], new: Delivered) -> None:
    """What is older than what waits changes nothing, unless it completes it."""
    first, *others = waiting
    if new.said_at < first.said_at and (new.is_withdrawal or new.is_held):
        return
    if new.is_withdrawal:
        submission.withdrawn_at = new.said_at
        for each in waiting:
            each.ends("withdrawn")
        return
    first.hears(new)
    submission.whose = first.identity
    if not new.is_held:
        submission.withdrawn_at = None
        for each in others:
            each.ends("skipped")


def _take_its_place(submission: Submission, new: Delivered) -> None:
    """A withdrawal ends what has not been carried out, and what it overtook on the way. A held copy of a submission
    that is complete was released already, and is older than what released it.
    """
    if new.is_withdrawal:
        submission.withdrawn_at = new.said_at
        for each in submission.said:
            if each.told is None and not each.ending and each.said_at <= new.said_at:
                each.ends("withdrawn")
        return
    complete = [each for each in submission.said if not each.is_held and not each.ending]
    if new.is_held and complete and submission.withdrawn_at is None:
        new.was_completed_before(max(complete, key=lambda each: (each.said_at, each.name)))
    if submission.whose and not (submission.whose[0] == "id" and new.capture.prospect.id):
        new.whose = submission.whose if new.action.match.tables != "off" else ()
    if submission.withdrawn_at is not None and _is_overtaken(submission, submission.withdrawn_at, new):
        new.ends("withdrawn")
    else:
        submission.withdrawn_at = None
    submission.said.append(new)
    submission.whose = submission.whose or new.identity


def _is_overtaken(submission: Submission, withdrawn_at: datetime, new: Delivered) -> bool:
    """By time; without one, what was withdrawn is the first that was captured, or what is still held."""
    if new.capture.occurred_at is not None:
        return new.said_at <= withdrawn_at
    return new.capture.event == "captured" and (new.is_held or not submission.said)


def _identity(name: str, capture: Capture, action: SyncAction) -> tuple[str, ...]:
    email = lowered(capture.prospect.fields).get("email")
    if capture.prospect.id and action.match.tables != "off":
        return "id", capture.prospect.id
    if isinstance(email, str) and "@" in email and action.match.tables != "off":
        return "email", email.strip().lower()
    if capture.submission.activity_id:
        return "submission", capture.form.id or "", capture.submission.activity_id
    return "delivery", name


# --- Completing -------------------------------------------------------------------------------------------------------


def _completed(held: Capture, new: Capture) -> Capture:
    """What the new one says; of each thing that it leaves open, what the held one said."""
    said = [answer for answer in new.answers if not is_missing(answer.value)]
    told = {name for answer in said for name in (answer.id, answer.title) if name}
    kept = [answer for answer in held.answers if not told & {answer.id, answer.title}]
    return new.model_copy(
        update={
            "form": _filled(held.form, new.form),
            "submission": new.submission.model_copy(
                update={"activity_id": new.submission.activity_id or held.submission.activity_id}
            ),
            "prospect": new.prospect.model_copy(
                update={
                    "id": new.prospect.id or held.prospect.id,
                    "fields": _filled_fields(held.prospect.fields, new.prospect.fields),
                }
            ),
            "answers": [*new.answers, *kept],
        }
    )


def _filled(held: Any, new: Any) -> Any:
    said = {name: value for name, value in new.model_dump().items() if value}
    return held.model_copy(update=said)


def _filled_fields(held: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """A blank or a placeholder says nothing where something was said before."""
    said = {name: value for name, value in new.items() if not is_missing(value) or name not in held}
    return held | said
