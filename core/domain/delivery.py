"""A delivery: what was handed to us once, what we decided to do about it, and what became of it.

These are the entities of once/protocol.md; they are stored as they stand here, so a field's meaning never changes.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.domain.capture import Capture, digest, prospect_name
from core.domain.matching import MatchKeys
from core.domain.prospect import Prospect
from core.domain.table import Target
from core.domain.trail import Attempt
from core.domain.values import normal_name

Trigger = Literal["capture", "bulk", "automation", "replay", "pull", "edit"]


class Outcome(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    HELD = "held"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


class ErrorClass(StrEnum):
    DATA = "data"
    CONFIGURATION = "configuration"
    AUTH = "auth"
    THROTTLED_OUT = "throttled_out"
    INTERNAL = "internal"


class _Entity(BaseModel):
    model_config = ConfigDict(frozen=True)


class Result(_Entity):
    """The one final state of a delivery; `reason` is for people."""

    outcome: Outcome
    reason: str = ""
    words: str = ""  # Dynamics' own, where it refused the row; they may repeat anything of the person
    table: str = ""
    row_id: str = ""
    rests_on_name: bool = False  # the row was found by a name, now or when it was linked
    error_class: ErrorClass | None = None
    error_code: str = ""
    error_column: str = ""
    warnings: tuple[str, ...] = ()
    mapping_version: int = 0
    mapped_as: dict[str, int] = Field(
        default_factory=dict
    )  # the versions that were in use; 0: the table had no mapping
    explain: dict[str, Any] = Field(default_factory=dict)
    before: dict[str, Any] = Field(default_factory=dict)
    confirmed: tuple[str, ...] = ()  # marks of what stood beside the row already, and says what this delivery says
    finished_at: datetime | None = None
    is_in_doubt: Annotated[bool, Field(exclude=True)] = False  # the tables may have changed: for the turn alone


class Link(_Entity):
    """A row that a lookup leads to."""

    row_id: str
    target: Target


class RowWrite(_Entity):
    """One row, created under an id of ours or changed as it was read; whatever else stands there is never touched."""

    table: str
    row_id: str
    etag: str | None  # of the row as it was read; None: the row is to be created
    values: dict[str, Any]  # everything for a new row, only the differences for an existing one
    targets: dict[str, Target] = Field(default_factory=dict)  # of the lookups among the values, which hold row ids
    instead: dict[str, Link] = Field(default_factory=dict)  # of lookups: what to try where Dynamics refuses the value
    secured: tuple[str, ...] = ()  # columns among the values that the application user may not be allowed to write

    @property
    def creates(self) -> bool:
        return self.etag is None

    def without(self, columns: Collection[str]) -> "RowWrite":
        values = {name: value for name, value in self.values.items() if name not in columns}
        targets = {name: target for name, target in self.targets.items() if name not in columns}
        return self.model_copy(update={"values": values, "targets": targets})

    def with_instead(self, column: str) -> "RowWrite | None":
        """With the other value of the lookup, where there is one."""
        if column not in self.instead or column not in self.values:
            return None
        link = self.instead[column]
        values, targets = self.values | {column: link.row_id}, self.targets | {column: link.target}
        return self.model_copy(update={"values": values, "targets": targets})


class Membership(_Entity):
    """A row's place on a marketing list; being added twice changes nothing."""

    list_id: str
    table: str
    row_id: str


class Extra(_Entity):
    """What is done beside the person's own row. The prospect keeps the mark, so that it is done once."""

    mark: str
    write: RowWrite | Membership


class Folded(_Entity):
    """Another delivery of the same person, whose part is written with the intent."""

    delivery: str
    result: Result  # what will be said of it when that has been done
    said_at: datetime
    marks: tuple[str, ...] = ()  # of what is done for it beside the row


class Intent(_Entity):
    """What one delivery is about to do, saved before it is done. Whoever finds it carries out exactly this."""

    result: Result  # what will be said when it has been done
    account: RowWrite | None = None
    person: RowWrite | None = None  # None: the row holds everything already, and there are extras only
    extras: tuple[Extra, ...] = ()
    keys: tuple[str, ...]  # the claimed key entities
    prospect_key: str
    prospect: Prospect  # as it will be afterwards, with its link
    is_heard: bool = False  # the prospect was; and the fields that say something new
    changed: tuple[str, ...] = ()
    folded: tuple[Folded, ...] = ()  # they end with it, in this order
    alone: "Intent | None" = None  # without them, should Dynamics refuse what is written for all

    def with_effects(self, marks: Collection[str], said_at: datetime) -> Prospect:
        """The person afterwards, for whom these things were done; `said_at` is of the delivery whose intent it is."""
        theirs = {mark: each.said_at for each in self.folded for mark in each.marks}
        person = self.prospect
        for mark in marks:
            person = person.with_effects((mark,), theirs.get(mark, said_at))
        for each in self.folded:
            confirmed = [mark for mark in each.result.confirmed if mark in person.effects]
            person = person.with_effects(confirmed, each.said_at)
        return person

    @property
    def row_claim(self) -> str | None:
        """The claim that keeps our other deliveries off a row until its update is known to have landed."""
        if self.person is None or self.person.creates:
            return None
        return row_claim_key(self.person.table, self.person.row_id)


class Delivery(_Entity):
    id: str
    organization: str  # the partition
    connection: str
    action: str
    trigger: Trigger = "capture"
    capture: Capture
    received_at: datetime
    taken_up_at: datetime | None = None  # when it was last made open again: released, or replayed
    heard_at: datetime | None = None  # when what it says now came in, where it took that over from a later delivery
    whose: str = ""  # the prospect of its submission, where one was known when it came in
    absorbed: tuple[str, ...] = ()  # the deliveries it took over; their repeats are answered with what became of it
    overtaken_by: Literal["", "withdrawal", "completion"] = ""  # what had come in before it, of the same submission
    revision: int = 0  # how often it was taken up anew; the log row of an earlier revision gives way
    due_at: datetime  # when the timer may take it for forgotten
    is_marked: bool = True  # a mark of open work stands beside it; else whatever it came with comes again
    attempts: int = 0
    tried: tuple[Attempt, ...] = ()  # those that did not end it
    batch: str = ""  # the bulk action that it came with
    replays: tuple[str, ...] = ()  # those that took it up anew, the last at the end
    mapped_as: dict[str, int] = Field(default_factory=dict)  # versions of mappings instead of the current ones; 0: none
    is_replanned: bool = False  # the tables' metadata was read anew for it; that is done once
    state: Literal["received", "intent", "done"] = "received"
    intent: Intent | None = None
    folded_into: str = ""  # with `intent` and none of its own: the delivery whose intent writes its part
    result: Result | None = None
    erased_at: datetime | None = None  # the person was taken out of it

    @property
    def key(self) -> str:
        return delivery_key(self.id)

    @property
    def prospect(self) -> str:
        """The name of the prospect it is about. Who a submission was first, that person stays."""
        return self.whose or prospect_name(self.capture, self.id)

    @property
    def said_at(self) -> datetime:
        return self.capture.said_at(self.heard_at or self.received_at)

    @property
    def waits_for_release(self) -> bool:
        """Held, or about to be: what comes next of the submission completes it in place."""
        is_open = self.state == "received" or (self.result is not None and self.result.outcome is Outcome.HELD)
        return self.capture.is_held and not self.overtaken_by and is_open

    @property
    def due(self) -> "Due":
        since = self.taken_up_at or self.received_at
        return Due(key=due_key(self.due_at, self.id), delivery=self.id, connection=self.connection, since=since)


class Claim(_Entity):
    """Held by the delivery whose intent lists it; empty when free. Key entities are never deleted."""

    claimed_by: str = ""


class Alias(_Entity):
    """Which prospect a submission belongs to, where Captello gave the person no id: an edit may bring a new e-mail
    address, and with it another name for the same person.
    """

    prospect_key: str


class Due(_Entity):
    """Marks work that is not over. It goes when the log row has been written; until then a timer finds it."""

    key: str
    delivery: str
    connection: str
    since: datetime | None = None  # how long it has been open; `key` tells when it is due, which moves
    woken_at: datetime | None = None


def delivery_key(delivery_id: str) -> str:
    return f"delivery|{delivery_id}"


def due_key(due_at: datetime, delivery_id: str = "") -> str:
    """Sorts by time; without an id it stands before every mark of that time."""
    return f"due|{due_at.astimezone(UTC):%Y%m%dT%H%M%S%f}|{delivery_id}"


def prospect_key(name: str) -> str:
    return f"prospect|{name}"


def prospect_name_of(key: str) -> str:
    """The name that `prospect_key` was made of."""
    return key.removeprefix("prospect|")


def alias_key(submission: str) -> str:
    return f"submission|{submission}"


def row_claim_key(table: str, row_id: str) -> str:
    return f"row|{table}|{row_id}"


def account_claim_key(organization: str, column: str, value: str) -> str:
    """Claimed by whoever creates the account; everybody who looks for it reads the claim first."""
    return f"key|account|{digest(organization, column, normal_name(value))}"


def claim_keys(organization: str, keys: MatchKeys) -> tuple[str, ...]:
    """The key entities of a person. Hashed, so that keys show nobody's address; organisations share no hashes."""
    names = [f"key|email|{digest(organization, email)}" for email in keys.emails]
    names += [f"key|name|{digest(organization, *map(normal_name, name))}" for name in keys.names]
    return tuple(names)
