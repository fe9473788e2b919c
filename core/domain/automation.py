"""An automation: whom it selects, when, and what is done with them; and how far it has come.

Whoever is selected runs once for each of their versions, and what is kept up to date once for each change, whatever
tick finds it: the delivery's id follows from that and from the automation's edition, so doing it twice is a repeat.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.domain.capture import digest
from core.domain.connection import ConfigurationId
from core.domain.criteria import Criteria, asks_for_changes_only, asks_what_was_heard
from core.domain.prospect import Prospect
from core.domain.schedule import EVERY_MOST, Schedule

State = Literal["draft", "active", "paused", "finished"]
RUNS_KEPT = 50
# An automation that was away for longer goes through everybody again. The rarest schedule waits for a week, and then
# for its day of the week to come round.
CHANGES_LAST = 2 * timedelta(minutes=EVERY_MOST) + timedelta(days=1)
# A change is stamped before it is committed, by a worker that lives ten minutes at most: it appears within this time.
APPEARS_WITHIN = timedelta(minutes=15)
NEARLY_AT_ONCE = timedelta(seconds=15)  # the clocks of storage's own machines, and how long they take to answer
CLOCKS_DIFFER = timedelta(minutes=5)  # ours from storage's
DONE_MOST = 2_000  # beyond it changes are looked at twice, and what is done twice is a repeat


class AutomationSettings(BaseModel):
    """`select`: whoever fits the criteria, first all who are here, then who changed. `keep_updated`: whoever changed,
    through whichever connection, and has a row in the action's Dynamics already.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(max_length=200)] = ""
    action: ConfigurationId
    kind: Literal["select", "keep_updated"] = "select"
    criteria: Criteria = Criteria()
    schedule: Schedule = Schedule()

    @model_validator(mode="after")
    def _can_run(self) -> Self:
        if self.schedule.runs == "continuously":
            return self
        if self.kind == "keep_updated":
            raise ValueError("what is kept up to date is never done: `schedule.runs` is `continuously`, or left out")
        if asks_for_changes_only(self.criteria):
            raise ValueError("what runs once knows of no change before it: leave `changed` out, or run continuously")
        return self


class NamedAutomation(AutomationSettings):
    id: ConfigurationId


class Automation(NamedAutomation):
    """`edition`: another one whenever it begins from the start, and as of when it did."""

    state: State = "draft"
    edition: str = ""
    begun_at: datetime | None = None

    def begun_anew(self, edition: str, at: datetime) -> Self:
        return self.model_copy(update={"edition": edition, "begun_at": at})


def selects_alike(one: Automation, other: Automation) -> bool:
    """Whether both are for the same people, and do the same with them."""
    return (one.action, one.kind, one.criteria) == (other.action, other.kind, other.criteria)


def version_for(automation: Automation, organization: str, name: str, prospect: Prospect) -> str:
    """What makes somebody another one for this automation: whatever its criteria can ask about."""
    heard = f".{prospect.heard}" if asks_what_was_heard(automation.criteria) else ""
    return f"{organization}:{name}:{prospect.version}{heard}"


def delivery_id_for(automation: Automation, what: str) -> str:
    return f"{automation.id}:{automation.edition}:{what}"


def run_batch(automation: Automation, deliveries: Iterable[str]) -> str:
    """The same deliveries are the same batch."""
    return f"auto-{digest(automation.id, *deliveries)}"


# --- How far it has come ----------------------------------------------------------------------------------------------


class Run(BaseModel):
    """One run that found somebody, or had to look for them; what became of them stands in the log, by batch."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    looked_at: int
    selected: int
    batches: tuple[str, ...] = ()

    def and_then(self, other: "Run") -> "Run":
        return Run(
            at=self.at,
            looked_at=self.looked_at + other.looked_at,
            selected=self.selected + other.selected,
            batches=(*self.batches, *other.batches),
        )


class Place(BaseModel):
    """How far the feed of one organisation has been read.

    It is gone through in passes. What was committed until `seen`, by storage's clock, has been read, and of what came
    after it whatever is in `done`. A pass that is under way began at `began_at`, and stands at the key `position`.
    """

    model_config = ConfigDict(frozen=True)

    since: datetime  # by workers' clocks: the beginning of the last pass that came to its end
    seen: datetime | None = None
    done: dict[str, datetime] = Field(default_factory=dict)  # keys, with when each was committed
    began_at: datetime | None = None
    began_there: datetime | None = None  # by storage's clock
    position: str = ""

    def under_way(self, now: datetime) -> Self:
        return self if self.began_at else self.model_copy(update={"began_at": now})

    @property
    def window(self) -> tuple[str, str]:
        """The keys between which to go on."""
        assert self.began_at is not None
        last = changed_key(self.began_at + APPEARS_WITHIN, "~")
        return self.position or changed_key(self.since - APPEARS_WITHIN), last

    def is_unread(self, change: "Changed") -> bool:
        if self.seen is not None:
            return change.key not in self.done and (change.committed_at is None or change.committed_at > self.seen)
        is_committed_since = change.committed_at is not None and change.committed_at >= self.since
        return is_committed_since or change.key >= changed_key(self.since)

    def having_read(self, changes: Sequence["Changed"], asked_at: datetime, *, is_end: bool) -> Self:
        """After these, in the order of their keys; a pass is no picture of one moment, so what was committed since it
        began is looked for again by the next. `asked_at`: when they were asked for, by storage's clock.
        """
        began_there = self.began_there or asked_at
        seen = began_there - NEARLY_AT_ONCE
        late = {each.key: each.committed_at for each in changes if each.committed_at and each.committed_at > seen}
        done = dict([*self.done.items(), *late.items()][-DONE_MOST:])
        if not is_end:
            position = changes[-1].key
            return self.model_copy(update={"done": done, "began_there": began_there, "position": position})
        seen = max(seen, self.seen or seen)
        still = {key: at for key, at in done.items() if at > seen}
        assert self.began_at is not None
        return type(self)(since=self.began_at, seen=seen, done=still)


class Progress(BaseModel):
    """How far an edition has come. `since`: changes from then on are looked for in the feeds; None until everybody has
    been gone through, from `begun_at` on, up to `position`.
    """

    model_config = ConfigDict(frozen=True)

    edition: str = ""
    due_at: datetime | None = None  # for which moment of the schedule it ran last
    begun_at: datetime | None = None
    position: str = ""
    again_since: datetime | None = None  # it was away for long, and who has changed since then is to be found
    since: datetime | None = None
    places: dict[str, Place] = Field(default_factory=dict)  # by organisation
    runs: tuple[Run, ...] = ()

    def of(self, automation: Automation) -> "Progress":
        """Of another edition nothing holds; the runs so far stay to be seen. Who is kept up to date is so already."""
        if self.edition == automation.edition:
            return self
        since = automation.begun_at if automation.kind == "keep_updated" else None
        return Progress(edition=automation.edition, since=since, runs=self.runs)

    def after(self, run: Run) -> "Progress":
        """With one run more, or more of the same; of those that found nobody only the last is kept."""
        before = [each for each in self.runs if each.at != run.at]
        same = [each for each in self.runs if each.at == run.at]
        whole = same[0].and_then(run) if same else run
        kept = [each for each in before if each.selected]
        return self.model_copy(update={"runs": (*kept, whole)[-RUNS_KEPT:]})

    def through(self) -> "Progress":
        """Everybody has been gone through. Those who changed meanwhile may have been read before, so the feed is read
        from the beginning on, and from a little earlier, for it goes by another clock.
        """
        assert self.begun_at is not None
        return Progress(edition=self.edition, due_at=self.due_at, since=self.begun_at - CLOCKS_DIFFER, runs=self.runs)

    @property
    def is_under_way(self) -> bool:
        """Whether it has begun to look for people and has not come to the end."""
        return self.begun_at is not None or any(place.began_at for place in self.places.values())

    def place(self, organization: str) -> Place:
        assert self.since is not None
        return self.places.get(organization) or Place(since=self.since)

    @property
    def read_until(self) -> datetime | None:
        """Since when changes may not have been seen."""
        return min((place.since for place in self.places.values()), default=self.since)

    def caught_up(self, now: datetime) -> "Progress":
        """What changed long ago is not known any more: whoever was away for long goes through everybody again."""
        oldest = self.read_until
        if oldest is None or now - oldest <= CHANGES_LAST:
            return self
        return Progress(edition=self.edition, due_at=self.due_at, again_since=oldest, runs=self.runs)


# --- The feed ---------------------------------------------------------------------------------------------------------


class Changed(BaseModel):
    """A prospect that was heard, and in which fields something new was said; in none: it was only heard again."""

    model_config = ConfigDict(frozen=True)

    prospect: str  # its name in the ledger
    fields: tuple[str, ...]
    reached: str = ""  # the table, of the linked row that what said it has written it to
    carried: bool = False  # by constant updating, from where it was said first
    key: str = ""  # this and the next are known of what was read
    committed_at: datetime | None = None  # by storage's clock


@dataclass(frozen=True, slots=True)
class FeedPart:
    """What was heard, oldest first, and when that was asked for, by storage's clock."""

    changes: Sequence[Changed]
    asked_at: datetime


def changed_key(at: datetime, delivery_id: str = "") -> str:
    """Sorts by time; without an id it stands before every change of that time."""
    return f"changed|{at:%Y%m%dT%H%M%S%f}|{delivery_id}"
