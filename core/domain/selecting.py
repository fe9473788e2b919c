"""Whether an automation is for somebody, and what it hands over of them. Its preview and its runs both ask here."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from core.domain.action import SyncAction
from core.domain.automation import Automation, Changed, delivery_id_for, version_for
from core.domain.capture import Capture, identity
from core.domain.capture_facts import capture_facts
from core.domain.criteria import asks_what_was_heard
from core.domain.delivery import Delivery
from core.domain.fitting import why_unfit
from core.domain.mapping import FieldMapping
from core.domain.prospect import Prospect
from core.domain.stored_prospect import capture_of, news_of, prospect_facts
from core.domain.subject import subject_of

NO_ROW = "There is no row of this person in Dynamics yet."
IS_DONE = "It has run for this person as they are now."
NO_NEWS = "Nothing new has been said of this person: it runs when there is."


@dataclass(frozen=True, slots=True)
class Task:
    """An automation with what it works with."""

    automation: Automation
    action: SyncAction
    connection: str
    here: str  # the organisation whose rows are meant
    time_zone: str
    mappings: Mapping[str, FieldMapping]
    now: datetime

    @property
    def follows_all(self) -> bool:
        """Whether what is said through other connections counts."""
        return self.automation.kind == "keep_updated"


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who may be selected: as they are known where something was said, and as they are known here."""

    organization: str
    name: str
    prospect: Prospect
    known: Prospect | None
    changed: Collection[str] = ()
    change: str = ""  # the key of what they said; empty: they were found among all

    def known_as(self, known: Prospect | None) -> "Candidate":
        return replace(self, known=known)


def why_not(task: Task, who: Candidate) -> str:
    """Why the automation is not for this person; "" where it is."""
    if task.follows_all and linked_table(task, who) is None:
        return NO_ROW
    facts = prospect_facts(who.prospect, now=task.now, time_zone=task.time_zone, changed=who.changed)
    return why_unfit(task.automation.criteria, facts) or _why_filtered(task, who)


def handed_over(task: Task, who: Candidate) -> Capture:
    """One delivery for each version of a person; of who is kept up to date, one for each change."""
    automation = task.automation
    if not task.follows_all:
        version = version_for(automation, who.organization, who.name, who.prospect)
        return capture_of(who.name, who.prospect, delivery_id=delivery_id_for(automation, version))
    change = who.change or version_for(automation, "again", who.name, who.prospect)
    delivery_id = delivery_id_for(automation, f"{who.organization}:{change}")
    return news_of(who.name, who.prospect, who.changed, delivery_id=delivery_id)


def delivered_as(task: Task, who: Candidate) -> str:
    """The id of the delivery."""
    return identity(task.action.id, handed_over(task, who))


def may_concern(task: Task, change: Changed) -> bool:
    """Whether the person has to be looked at for it."""
    if not task.follows_all:
        return bool(change.fields) or asks_what_was_heard(task.automation.criteria)
    return bool(change.fields) and not change.carried


def is_there_already(task: Task, who: Candidate, change: Changed) -> bool:
    """Whether what said it has written it to the very row that the automation would write it to."""
    reached = change.reached if who.organization == task.here else ""
    return task.follows_all and bool(reached) and reached == linked_table(task, who)


def linked_table(task: Task, who: Candidate) -> str | None:
    """Where the action finds the person's row: its tables are gone through in their order."""
    links = who.known.links if who.known else {}
    return next((table for table in task.action.match.tables.in_order if table in links), None)


def _why_filtered(task: Task, who: Candidate) -> str:
    action = task.action
    if not (action.filter.all or action.filter.any):
        return ""
    delivery = Delivery(
        id="",
        organization=task.here,
        connection=task.connection,
        action=action.id,
        capture=handed_over(task, who),
        received_at=task.now,
        due_at=task.now,
    )
    unfit = why_unfit(
        action.filter, capture_facts(subject_of(delivery, action, task.mappings, who.known or Prospect()))
    )
    return f"The action's filter leaves this person out: {unfit}." if unfit else ""
