"""The balance of an event: every delivery that came in is accounted for, per form and event."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from core.domain.delivery import Delivery, Outcome

ON_THE_WAY = "on_the_way"
QUARANTINED = "quarantined"  # its body could not be read, so neither form nor event is known
ENDINGS = (*(outcome.value for outcome in Outcome), QUARANTINED, ON_THE_WAY)


@dataclass(frozen=True, slots=True)
class Counted:
    """One delivery, by what became of it."""

    delivery: str
    submission: str
    form: str
    form_name: str
    event: str
    ending: str
    received_at: datetime


@dataclass(slots=True)
class Line:
    """One form at one event."""

    form: str
    event: str
    form_name: str = ""
    endings: Counter[str] = field(default_factory=Counter)
    submissions: set[str] = field(default_factory=set)
    held_since: datetime | None = None  # when the oldest that is still held came in

    @property
    def captured(self) -> int:
        return self.endings.total()

    def add(self, counted: Counted) -> None:
        self.endings[counted.ending] += 1
        self.submissions.add(counted.submission)
        self.form_name = self.form_name or counted.form_name
        if counted.ending == Outcome.HELD.value:
            self.held_since = min(self.held_since or counted.received_at, counted.received_at)


def balance(logged: Iterable[Counted], on_the_way: Iterable[Counted]) -> list[Line]:
    """What is on its way again (a replay) is counted there, and not by how it ended before."""
    every = {each.delivery: each for each in logged} | {each.delivery: each for each in on_the_way}
    lines: dict[tuple[str, str], Line] = {}
    for counted in every.values():
        place = counted.form, counted.event
        lines.setdefault(place, Line(*place)).add(counted)
    return [lines[place] for place in sorted(lines)]


def counted_on_the_way(delivery: Delivery) -> Counted:
    capture = delivery.capture
    return Counted(
        delivery=delivery.id,
        submission=capture.submission.activity_id or delivery.id,
        form=capture.form.id or capture.form.name or "",
        form_name=capture.form.name or "",
        event=capture.form.event or "",
        ending=ON_THE_WAY,
        received_at=delivery.received_at,
    )


@dataclass(frozen=True, slots=True)
class Comparison:
    """A list of submissions that should have come, against those that did."""

    arrived: dict[str, int]  # by how the last delivery of each ended
    missing: list[str]
    not_expected: list[str]


def compared(expected: Iterable[str], counted: Iterable[Counted]) -> Comparison:
    """`counted` is the newest first: what became of a submission last, counts."""
    ending: dict[str, str] = {}
    for each in counted:
        ending.setdefault(each.submission, each.ending)
    wanted = dict.fromkeys(expected)
    arrived = Counter(ending[submission] for submission in wanted if submission in ending)
    missing = [submission for submission in wanted if submission not in ending]
    return Comparison(dict(arrived), missing, [submission for submission in ending if submission not in wanted])
