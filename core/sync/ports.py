"""What a turn needs of the outside world, written for its callers. Adapters fit these by shape."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel

from core.domain.action import SyncAction
from core.domain.check import CheckResult
from core.domain.connection import REVOKED, Connection, Pause
from core.domain.delivery import Delivery, Due, Membership, RowWrite
from core.domain.mapping import FieldMapping
from core.domain.matching import LookUp
from core.domain.references import Found, ReferenceQuery
from core.domain.search import Search
from core.domain.table import Table
from core.domain.trail import Attempt
from core.errors import SyncError

EntityT = TypeVar("EntityT", bound=BaseModel)

ABSENT = ""  # the condition "is not there"
ANY = "*"  # no condition
Any_ = Literal["any"]  # whatever stands there
# https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
TRANSACTION_MOST = 100  # entities
PRESENT = "present"  # the condition "is there", whatever it holds


@dataclass(frozen=True, slots=True)
class Versioned(Generic[EntityT]):
    """An entity with the ETag it was read or written under."""

    entity: EntityT
    etag: str


@dataclass(frozen=True, slots=True)
class Change:
    """One part of a transaction: an entity to write, or None to delete, on condition of an ETag or one of the above."""

    key: str
    entity: BaseModel | None
    etag: str


class Ledger(Protocol):
    """The entities of once/protocol.md, one partition for each organisation."""

    async def read(self, organization: str, key: str, kind: type[EntityT]) -> Versioned[EntityT] | None: ...

    async def commit(self, organization: str, changes: Sequence[Change]) -> tuple[str, ...] | None:
        """All changes or none; their new ETags, or None when a condition did not hold."""
        ...

    async def due(
        self, organization: str, before: datetime, *, most: int, connections: Collection[str] = ()
    ) -> list[Due]:
        """Marked work that was due before then, oldest first; of these connections only, where some are named."""
        ...


class Marks(Protocol):
    """The marks of open work."""

    async def open_since(self, organization: str, connection: str, *, before: datetime) -> datetime | None:
        """Since when the delivery of this connection that is open longest is, where that is before then."""
        ...


class Crm(Protocol):
    """One connected Dynamics environment."""

    async def find(
        self,
        look_ups: Sequence[LookUp],
        columns: Mapping[str, Sequence[str]],
        references: Collection[ReferenceQuery] = (),
    ) -> Found:
        """The rows that fit, of every state, in one request; rows asked for by id that are gone stand as None."""
        ...

    async def write(self, writes: Sequence[RowWrite | Membership]) -> bool:
        """All of it, in order and in one piece, or nothing: then a condition did not hold."""
        ...

    async def table(self, name: str) -> Table:
        """The table's columns as they are now."""
        ...

    async def confirm_organization(self) -> None:
        """Raises MisconfiguredConnectionError when another organisation answers than the connection is pinned to."""
        ...


class Passing(Protocol):
    """Where each request passes, once it may be sent; the block is the request with what it answers."""

    def request(self) -> AbstractAsyncContextManager[None]: ...


class SlowLane(Passing, Protocol):
    """Where bulk work goes on a little at a time."""

    async def turn(self) -> None:
        """Until the caller may take a few milliseconds."""
        ...


class BulkCrm(Crm, Protocol):
    """What is asked of one environment by many at once."""

    async def find_all(self, searches: Sequence[Search], gate: Passing) -> Sequence[Found]:
        """As `find`, in one request."""
        ...

    async def write_all(
        self, pieces: Sequence[Sequence[RowWrite | Membership]], gate: Passing
    ) -> Sequence[bool | SyncError]:
        """Each piece as by `write`, and what that would have answered or raised; in few requests."""
        ...


@dataclass(frozen=True, slots=True)
class ConnectionSetup:
    """A connection with everything that is configured under it."""

    connection: Connection
    mappings: Mapping[str, FieldMapping]
    pause: Pause | None
    check: CheckResult | None = None
    unreadable: Mapping[str, str] = field(default_factory=dict)  # mappings that cannot be read: table → why

    def hold(self, now: datetime) -> Pause | None:
        """Why nothing is sent now, if so."""
        if self.connection.revoked_at is not None:
            return REVOKED
        return self.pause if self.pause and self.pause.holds_at(now) else None


class TurnSettings(Protocol):
    """What a turn is decided by."""

    async def action(self, action_id: str) -> SyncAction | None: ...

    async def setup(self, connection_id: str) -> ConnectionSetup | None: ...

    async def fresh_setup(self, connection_id: str) -> ConnectionSetup | None:
        """As it is stored now, whatever is remembered."""
        ...

    async def mapping_version(self, connection_id: str, table: str, version: int) -> FieldMapping | None:
        """One that was saved once."""
        ...

    async def refresh_mapping(self, connection_id: str, mapping: FieldMapping) -> None:
        """Saves new facts about the columns of a version, unless another version has been saved since."""
        ...


class Configuration(TurnSettings, Protocol):
    async def connections(self) -> list[Connection]: ...

    async def save_action(self, action: SyncAction, *, before: SyncAction | Any_ | None = "any") -> None:
        """Raises ChangedMeanwhileError where it is not stored as it was `before`; None: it was not there."""
        ...

    async def save_connection(self, connection: Connection, *, before: Connection | Any_ | None = "any") -> None:
        """Raises as `save_action` does."""
        ...

    async def save_mapping(
        self, connection_id: str, mapping: FieldMapping, *, after: int | None = None
    ) -> FieldMapping:
        """Saves the next version; answers it as saved. Raises ChangedMeanwhileError unless it follows on `after`."""
        ...

    async def save_pause(self, connection_id: str, pause: Pause | None) -> None: ...

    async def lengthen_pause(self, connection_id: str, pause: Pause) -> None:
        """Saves it, unless one that lasts longer stands there."""
        ...


@dataclass(frozen=True, slots=True)
class Ended:
    """A delivery that is over, as the log is told of it."""

    delivery: Delivery
    row_url: str
    last: Attempt | None = None


class SyncLog(Protocol):
    async def write(self, delivery: Delivery, *, row_url: str, last: Attempt | None = None) -> None:
        """The row of a delivery that is over. One of a later revision stays. `last`: the attempt that ended it."""
        ...

    async def count_repeat(self, delivery: Delivery) -> None: ...

    async def note_quarantined(self, delivery: Delivery, *, reason: str) -> None:
        """A row, if there is none yet, for a body that nobody could read."""
        ...


class BulkLog(SyncLog, Protocol):
    async def write_all(self, ended: Sequence[Ended], lane: SlowLane) -> None:
        """As `write`, for many; each request passes the lane."""
        ...


class WakeQueue(Protocol):
    async def wake(self, organization: str, delivery_id: str, *, after: float = 0.0) -> None:
        """Sends a message that wakes the delivery up after so many seconds. A lost one costs time only."""
        ...


class BulkWakeQueue(WakeQueue, Protocol):
    async def wake_all(self, organization: str, delivery_ids: Sequence[str], *, after: float = 0.0) -> None:
        """As `wake`; those of one message are run together."""
        ...


class Pauses(Protocol):
    async def lengthen_pause(self, connection_id: str, pause: Pause) -> None:
        """Saves it, unless one that lasts longer stands there."""
        ...


class Crms(Protocol):
    async def crm(self, connection: Connection) -> Crm: ...

    def row_url(self, connection: Connection, table: str, row_id: str) -> str:
        """Where a person sees the row."""
        ...


class BulkCrms(Protocol):
    async def crm(self, connection: Connection) -> BulkCrm: ...

    def row_url(self, connection: Connection, table: str, row_id: str) -> str: ...
