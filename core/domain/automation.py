"""An automation: whom it selects, when, and what is done with them; and how far it has come.

A prospect runs once for each of its versions, whatever tick finds it: the delivery's id follows from automation,
prospect and version, so doing it twice is a repeat.
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.domain.capture import digest
from core.domain.connection import ConfigurationId
from core.domain.criteria import Criteria
from core.domain.schedule import Schedule

State = Literal["draft", "active", "paused", "finished"]
RUNS_KEPT = 50
CHANGES_LAST = timedelta(days=7)  # an automation that was paused for longer goes through everybody again


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


class NamedAutomation(AutomationSettings):
    id: ConfigurationId


class Automation(NamedAutomation):
    state: State = "draft"


class Run(BaseModel):
    """One run that found somebody, or had to look for them; what became of them stands in the log, by batch."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    looked_at: int
    selected: int
    batches: tuple[str, ...] = ()


class Progress(BaseModel):
    """How far an automation has come. `since`: changes before it have been seen; None until all have been gone through,
    from `begun_at` on, up to `position`.
    """

    model_config = ConfigDict(frozen=True)

    last_run_at: datetime | None = None
    seen: datetime | None = None  # by storage's clock, the last change that was seen
    since: datetime | None = None
    begun_at: datetime | None = None
    position: str = ""
    runs: tuple[Run, ...] = ()

    def after(self, run: Run) -> "Progress":
        """With one run more; of those that found nobody only the last is kept."""
        kept = [each for each in self.runs if each.selected]
        return self.model_copy(update={"runs": (*kept, run)[-RUNS_KEPT:], "last_run_at": run.at})


class Changed(BaseModel):
    """A prospect that has heard something new, and in which fields."""

    model_config = ConfigDict(frozen=True)

    prospect: str  # its name in the ledger
    fields: tuple[str, ...]
    committed_at: datetime | None = None  # by storage's clock; known of what was read


def changed_key(at: datetime, delivery_id: str = "") -> str:
    """Sorts by time; without an id it stands before every change of that time."""
    return f"changed|{at:%Y%m%dT%H%M%S%f}|{delivery_id}"


def run_batch(automation_id: str, found: list[str]) -> str:
    """The same people in the same versions are the same batch."""
    return f"auto-{digest(automation_id, *found)}"
