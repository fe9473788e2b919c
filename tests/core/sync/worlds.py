"""A world in memory in which workers take their turns step by step, in an order that a test chooses.

Duty: the ledger and Dynamics as the ports promise them (every request atomic, conditions exact), and a scheduler that
lets one pending request happen at a time, may lose its reply, or kill the worker that sent it. The code that runs in
it is the real `Turns`; what the result should be, tests say.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from core.domain.action import SyncAction
from core.domain.connection import Connection, Pause
from core.domain.delivery import Delivery, Due, Membership, RowWrite, delivery_key
from core.domain.email_address import normal_email
from core.domain.mapping import FieldMapping
from core.domain.matching import LookUp
from core.domain.references import Found, ReferenceQuery
from core.domain.row import Row, RowKey, read_name
from core.domain.search import Search
from core.domain.table import EMAIL_COLUMNS, Table, id_column
from core.domain.values import normal_name
from core.errors import RejectedRowError, RetryableError, SyncError, ThrottledError
from core.sync.gate import Gate
from core.sync.ports import ABSENT, ANY, PRESENT, Change, ConnectionSetup, EntityT, Passing, Versioned
from core.sync.reading import Presumed
from core.sync.together.chains import in_chains
from core.sync.together.crm import CrmsTogether
from core.sync.together.lane import Lane
from core.sync.together.ledger import LedgerTogether
from core.sync.together.rounds import Rounds
from core.sync.turn import Turns

T = TypeVar("T")
SETTLING_LOOPS = 8
TROUBLE = 0.1  # how likely the next request is one that goes wrong
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
ORGANIZATION = "90aa3b6e-4e50-4e11-8dee-000d3a4f1a01"


@dataclass
class World:
    """What is stored: entities with their ETags, and rows by table and id."""

    entities: dict[str, tuple[int, Any]] = field(default_factory=dict)
    rows: dict[RowKey, dict[str, Any]] = field(default_factory=dict)
    members: set[tuple[str, str]] = field(default_factory=set)  # list, row
    clock: int = 0
    refused_together: int = 0  # how often new rows were refused together, because one of them existed
    folded: int = 0  # how often a delivery was claimed with another's intent

    def copy(self) -> "World":
        rows = {key: copy(row) for key, row in self.rows.items()}
        return World(dict(self.entities), rows, set(self.members), self.clock, self.folded)

    def tick(self) -> int:
        self.clock += 1
        return self.clock

    # --- The ledger -------------------------------------------------------------------------------------------------

    def commit(self, changes: Sequence[Change]) -> tuple[str, ...] | None:
        if not all(self._holds(change) for change in changes):
            return None
        return tuple(self._apply(change) for change in changes)

    def _holds(self, change: Change) -> bool:
        if change.key not in self.entities:
            return change.etag == ABSENT or (change.etag == ANY and change.entity is not None)
        return change.etag in (ANY, PRESENT) or change.etag == str(self.entities[change.key][0])

    def _apply(self, change: Change) -> str:
        if change.entity is None:
            del self.entities[change.key]
            return ""
        if isinstance(change.entity, Delivery) and change.entity.state == "intent" and not change.entity.intent:
            self.folded += 1
        self.entities[change.key] = (self.tick(), change.entity)
        return str(self.clock)

    # --- Dynamics ---------------------------------------------------------------------------------------------------

    def seed(self, table: str, row_id: str, **columns: Any) -> None:
        self.rows[table, row_id] = {"statecode": 0, "merged": False, **columns, **self._written()}

    def _written(self) -> dict[str, Any]:
        moment = (NOON + timedelta(seconds=self.tick())).isoformat()
        return {"@odata.etag": f'W/"{self.clock}"', "modifiedon": moment}

    def find(self, wanted: Sequence[LookUp]) -> dict[RowKey, Row | None]:
        found: dict[RowKey, Row | None] = {(each.table, row_id): None for each in wanted for row_id in each.ids}
        for (table, row_id), columns in self.rows.items():
            if any(_hits(each, table, row_id, columns) for each in wanted):
                values = {**columns, id_column(table): row_id}
                found[table, row_id] = Row(table, row_id, columns["@odata.etag"], values)
        return found

    def named(self, query: ReferenceQuery) -> tuple[Row, ...]:
        wanted = normal_name(query.value)
        return tuple(
            Row(table, row_id, columns["@odata.etag"], columns)
            for (table, row_id), columns in self.rows.items()
            if table == query.table and normal_name(columns.get(query.by) or "") == wanted
        )

    def write(self, writes: Sequence[RowWrite | Membership]) -> bool:
        """A change set: every condition holds, or nothing is done."""
        if not all(isinstance(write, Membership) or self._may(write) for write in writes):
            return False
        for write in writes:
            if isinstance(write, Membership):
                self.members.add((write.list_id, write.row_id))
            elif write.creates:
                self.seed(write.table, write.row_id, **_read_as(write))
                self.rows[write.table, write.row_id]["createdon"] = self.rows[write.table, write.row_id]["modifiedon"]
            else:
                self.update(write.table, write.row_id, _read_as(write))
        return True

    def _may(self, write: RowWrite) -> bool:
        row = self.rows.get((write.table, write.row_id))
        return row is None if write.creates else row is not None and row["@odata.etag"] == write.etag

    def update(self, table: str, row_id: str, values: Mapping[str, Any]) -> None:
        self.rows[table, row_id].update(values)
        self.rows[table, row_id].update(self._written())


def _read_as(write: RowWrite) -> dict[str, Any]:
    """The values under the names they are read by."""
    return {read_name(name) if name in write.targets else name: value for name, value in write.values.items()}


def _hits(wanted: LookUp, table: str, row_id: str, columns: Mapping[str, Any]) -> bool:
    if table != wanted.table:
        return False
    emails = {normal_email(columns.get(name) or "") for name in EMAIL_COLUMNS}
    name = (normal_name(columns.get("firstname") or ""), normal_name(columns.get("lastname") or ""))
    by_name = name in {(normal_name(first), normal_name(last)) for first, last in wanted.names}
    return row_id in wanted.ids or bool(emails & set(wanted.emails)) or by_name


def _is_new_row(piece: Sequence[RowWrite | Membership]) -> bool:
    return len(piece) == 1 and isinstance(piece[0], RowWrite) and piece[0].creates


async def _no_limits(limit: ThrottledError) -> None:
    raise limit


class Killed(BaseException):
    """The worker's process is gone."""


@dataclass
class _Request:
    worker: str
    what: str
    happen: Callable[[], Any]
    reply: asyncio.Future[Any]


class Scheduler:
    """Keeps every worker's pending requests, and lets them happen one at a time.

    Each of `troubles` strikes once, at some moment: a worker is killed before its request was sent, or after it was
    carried out; a reply is lost; or a worker is killed while its request is on its way, to land at any later time.
    """

    def __init__(self, world: World, choice: random.Random, *, troubles: int) -> None:
        self.world = world
        self.history: list[str] = []
        self._choice = choice
        self._troubles = troubles
        self._pending: list[_Request] = []

    async def request(self, worker: str, what: str, happen: Callable[[], T]) -> T:
        reply: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._pending.append(_Request(worker, what, happen, reply))
        return await reply

    async def run(self, workers: Sequence[asyncio.Task[Any]], *, most: int = 5000) -> None:
        asyncio.get_running_loop().set_exception_handler(_tell_unless_killed)
        for _ in range(most):
            await _settled()
            if self._pending:
                self._let_happen(self._pending.pop(self._choice.randrange(len(self._pending))))
            elif all(worker.done() for worker in workers):
                return
        raise AssertionError(f"no progress after {most} steps: {self.history[-40:]}")

    def _let_happen(self, request: _Request) -> None:
        if self._troubles and self._choice.random() < TROUBLE and not request.reply.done():
            self._troubles -= 1
            self._go_wrong(request)
            return
        answer = request.happen()
        self.history.append(f"{request.worker}: {request.what} -> {repr(answer)[:60]}")
        if not request.reply.done():
            request.reply.set_result(answer)

    def _go_wrong(self, request: _Request) -> None:
        how = self._choice.choice(("killed before", "left on its way", "killed after", "reply lost after"))
        self.history.append(f"{request.worker}: {how} {request.what}")
        if how == "left on its way":
            self._pending.append(request)
        if how in ("killed after", "reply lost after"):
            request.happen()
        lost = RetryableError("the reply was lost") if how == "reply lost after" else Killed()
        request.reply.set_exception(lost)


def _tell_unless_killed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Nobody waits for the tasks of a process that was killed, so nobody asks what became of them."""
    if not isinstance(context.get("exception"), Killed):
        loop.default_exception_handler(context)


async def _settled() -> None:
    """Until every worker waits for a reply: a few rounds of the loop carry a reply through any gather."""
    for _ in range(SETTLING_LOOPS):
        await asyncio.sleep(0)


class Worker:
    """The ports of one worker: every call is a request that the scheduler lets happen."""

    def __init__(
        self, name: str, scheduler: Scheduler, actions: Mapping[str, SyncAction], setup: ConnectionSetup
    ) -> None:
        self.name = name
        self._scheduler = scheduler
        self._actions = actions
        self._setup = setup
        self._ids = 0
        self._presumed = Presumed.KEYS if name.endswith("0") else Presumed.PERSON  # of two workers, each another

    async def read(self, organization: str, key: str, kind: type[EntityT]) -> Versioned[EntityT] | None:
        def happen() -> Versioned[EntityT] | None:
            etag, entity = self._scheduler.world.entities.get(key, (0, None))
            return Versioned(entity, str(etag)) if entity is not None else None

        return await self._scheduler.request(self.name, f"read {key}", happen)

    async def commit(self, organization: str, changes: Sequence[Change]) -> tuple[str, ...] | None:
        what = f"commit {', '.join(change.key for change in changes)}"
        return await self._scheduler.request(self.name, what, lambda: self._scheduler.world.commit(changes))

    async def due(
        self, organization: str, before: datetime, *, most: int, connections: Collection[str] = ()
    ) -> list[Due]:
        def happen() -> list[Due]:
            stored = (entity for _, entity in self._scheduler.world.entities.values())
            return sorted((each for each in stored if isinstance(each, Due)), key=lambda mark: mark.key)[:most]

        return await self._scheduler.request(self.name, "due", happen)

    async def find(
        self, look_ups: Sequence[LookUp], columns: object, references: Collection[ReferenceQuery] = ()
    ) -> Found:
        world = self._scheduler.world

        def happen() -> Found:
            return Found(world.find(look_ups), {query: world.named(query) for query in references})

        what = f"find {[(each.table, each.ids, each.emails, each.names) for each in look_ups]} {list(references)}"
        return await self._scheduler.request(self.name, what, happen)

    async def write(self, writes: Sequence[RowWrite | Membership]) -> bool:
        what = f"write {[write.model_dump(exclude={'targets'}) for write in writes]}"
        return await self._scheduler.request(self.name, what, lambda: self._scheduler.world.write(writes))

    async def find_all(self, searches: Sequence[Search], gate: Passing) -> list[Found]:
        world = self._scheduler.world

        def happen() -> list[Found]:
            named = (each.references for each in searches)
            references = [{query: world.named(query) for query in queries} for queries in named]
            return [Found(world.find(each.look_ups), found) for each, found in zip(searches, references, strict=True)]

        return await self._scheduler.request(self.name, f"find for {len(searches)}", happen)

    async def write_all(
        self, pieces: Sequence[Sequence[RowWrite | Membership]], gate: Passing
    ) -> list[bool | SyncError]:
        """Rows that are only to be created come first, all or none; then each piece, while anything may come between.
        Whoever is killed, or loses a reply, does so in the middle.
        """
        answers: dict[int, bool | SyncError] = {}
        new = [number for number, piece in enumerate(pieces) if _is_new_row(piece)]
        together = [write for number in new for write in pieces[number]]
        with contextlib.suppress(RejectedRowError):
            if len(new) > 1 and await self.write(together):
                answers = dict.fromkeys(new, True)
            elif len(new) > 1:
                self._scheduler.world.refused_together += 1
        for number, piece in enumerate(pieces):
            if number not in answers:
                try:
                    answers[number] = await self.write(piece)
                except SyncError as refused:
                    answers[number] = refused
        return [answers[number] for number in range(len(pieces))]

    async def confirm_organization(self) -> None: ...

    async def table(self, name: str) -> Table:
        raise AssertionError("nothing here is refused for its mapping")

    async def crm(self, connection: Connection) -> "Worker":
        return self

    def row_url(self, connection: Connection, table: str, row_id: str) -> str:
        return ""

    async def action(self, action_id: str) -> SyncAction | None:
        return self._actions[action_id]

    async def setup(self, connection_id: str) -> ConnectionSetup | None:
        return self._setup

    async def fresh_setup(self, connection_id: str) -> ConnectionSetup | None:
        return self._setup

    async def connections(self) -> list[Connection]:
        return [self._setup.connection]

    async def save_pause(self, connection_id: str, pause: Pause | None) -> None: ...

    async def lengthen_pause(self, connection_id: str, pause: Pause) -> None: ...

    async def save_action(self, action: SyncAction, *, before: object = "any") -> None: ...

    async def save_connection(self, connection: Connection, *, before: object = "any") -> None: ...

    async def save_mapping(
        self, connection_id: str, mapping: FieldMapping, *, after: int | None = None
    ) -> FieldMapping:
        return mapping

    async def mapping_version(self, connection_id: str, table: str, version: int) -> FieldMapping | None: ...

    async def refresh_mapping(self, connection_id: str, mapping: FieldMapping) -> None: ...

    def new_id(self) -> str:
        self._ids += 1
        return f"{self.name}-{self._ids}"

    async def sleep(self, seconds: float) -> None:
        """Time passes when the scheduler says so."""
        await self._scheduler.request(self.name, "wait", lambda: None)

    async def turns_together(self, deliveries: Sequence[Delivery], *, in_order: bool = False) -> None:
        """Runs deliveries to their end with their requests put together. Those that nobody has stored are new.

        `in_order`: as bulk work does it, so that those of one person are folded; else all of them at once.
        """
        left = list(deliveries)
        while left:
            rounds = Rounds(Lane())
            ledger, crms = LedgerTogether(self, rounds), CrmsTogether(self, rounds, Gate(), _no_limits)
            turns = Turns(
                ledger=ledger,
                configuration=self,
                crms=crms,
                now=lambda: NOON,
                new_id=self.new_id,
                sleep=self.sleep,
                presumed=self._presumed,
            )
            ended = await (self._in_chains if in_order else self._at_once)(turns, ledger, rounds, left)
            failures = [each for each in ended if isinstance(each, BaseException)]
            assert all(isinstance(each, RetryableError | asyncio.CancelledError | Killed) for each in failures), (
                failures
            )
            left = [one for one, how in zip(left, ended, strict=True) if isinstance(how, BaseException)]

    async def _at_once(
        self, turns: Turns, ledger: LedgerTogether, rounds: Rounds, deliveries: Sequence[Delivery]
    ) -> list[Any]:
        begun = (self._begun(turns, ledger, delivery) for delivery in deliveries)
        return await asyncio.gather(*begun, return_exceptions=True)

    async def _in_chains(
        self, turns: Turns, ledger: LedgerTogether, rounds: Rounds, deliveries: Sequence[Delivery]
    ) -> list[Any]:
        try:
            stored = [await ledger.read(ORGANIZATION, each.key, Delivery) for each in deliveries]
        except (Killed, RetryableError, asyncio.CancelledError) as lost:
            return [lost] * len(deliveries)
        found = [there or Versioned(each, ABSENT) for there, each in zip(stored, deliveries, strict=True)]
        return await in_chains(ledger, found, turns.complete, rounds.begin, with_companies=True)

    async def _begun(self, turns: Turns, ledger: LedgerTogether, delivery: Delivery) -> Delivery:
        stored = await ledger.read(ORGANIZATION, delivery.key, Delivery)
        return await turns.complete(stored or Versioned(delivery, ABSENT))

    async def turn(self, delivery_id: str) -> Delivery:
        """Runs a delivery to its end, however often this worker is killed or loses a reply."""
        turns = Turns(
            ledger=self, configuration=self, crms=self, now=lambda: NOON, new_id=self.new_id, sleep=self.sleep
        )
        while True:
            try:
                found = await self.read(ORGANIZATION, delivery_key(delivery_id), Delivery)
                assert found is not None
                return await turns.complete(found)
            except (Killed, RetryableError):
                continue  # the next attempt starts from nothing but what is stored
