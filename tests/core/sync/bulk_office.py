"""Bulk's way in over shelves in memory, where the process may die before any step of it.

Duty: ports as they promise to be (conditions exact, a message gone only once its work is done), and a driver that
starts again after a death with whatever stands on the shelves. What should have become of it, tests say.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from core.domain.action import SyncAction
from core.domain.bulk_batch import BATCH_KEY, Alive, Batch, Chunk, Source
from core.domain.capture import Capture
from core.domain.connection import Connection
from core.domain.delivery import Delivery, Outcome, Result, Trigger, prospect_key
from core.domain.prospect import Prospect
from core.domain.sheet import Sheet
from core.sync.bulk_actions import BulkActions
from core.sync.bulk_alive import Alives
from core.sync.bulk_cancelling import Cancelling
from core.sync.bulk_chunks import Chunks
from core.sync.bulk_messages import BulkMessages, Step
from core.sync.bulk_ports import BlobFacts, Whole
from core.sync.bulk_refusing import Refusing
from core.sync.bulk_resuming import Resuming
from core.sync.bulk_settling import Settling
from core.sync.bulk_splitting import Splitting
from core.sync.intake import new_delivery
from core.sync.ports import ABSENT, ANY, PRESENT, Change, ConnectionSetup, EntityT, Versioned
from tests.core.sync.scenarios import ACTIONS, SETUPS
from tests.core.sync.worlds import NOON, ORGANIZATION, Killed

CHUNK = 3


@dataclass
class Office:
    """`dies_before`: the number of the step that is not taken any more, counted from the beginning."""

    dies_before: int = 0
    steps: int = 0
    time: datetime = NOON
    entities: dict[tuple[str, str], tuple[int, Any]] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)
    poison: list[tuple[str, str]] = field(default_factory=list)
    open: dict[str, datetime] = field(default_factory=dict)
    accepted: dict[str, Delivery] = field(default_factory=dict)
    rows: dict[str, Delivery] = field(default_factory=dict)
    prospects: dict[str, Prospect] = field(default_factory=dict)
    rests: bool = False  # the connection takes nothing now
    is_slow: bool = False  # of each chunk one is decided on, and none is over

    is_dead: bool = False

    def step(self) -> None:
        """Once dead, nothing more happens in that process, tidying up neither."""
        self.steps += 1
        self.is_dead = self.is_dead or self.steps == self.dies_before
        if self.is_dead:
            raise Killed

    def now(self) -> datetime:
        return self.time

    # --- Batches and their ledger -----------------------------------------------------------------------------------

    async def enlist(self, batch: Batch) -> None:
        self.step()
        self.open[batch.id] = batch.asked_at

    async def close(self, batch_id: str) -> None:
        self.step()
        self.open.pop(batch_id, None)

    async def open_ids(self) -> dict[str, datetime]:
        return dict(self.open)

    async def read(self, partition: str, key: str, kind: type[EntityT]) -> Versioned[EntityT] | None:
        if kind is Prospect and key.startswith(prospect_key("")):
            known = self.prospects.get(key.removeprefix(prospect_key("")))
            return Versioned(known, "1") if known else None  # type: ignore[arg-type]
        if kind is Delivery:
            found = self.accepted.get(key.partition("|")[2])
            return Versioned(found, "1") if found else None  # type: ignore[arg-type]
        stored = self.entities.get((partition, key))
        return Versioned(stored[1], str(stored[0])) if stored else None

    async def commit(self, partition: str, changes: Sequence[Change]) -> tuple[str, ...] | None:
        self.step()
        if not all(self._holds(partition, change) for change in changes):
            return None
        for change in changes:
            if isinstance(change.entity, Delivery):
                self.accepted[change.entity.id] = change.entity
                continue
            place = (partition, change.key)
            version = self.entities[place][0] + 1 if place in self.entities else 1
            if change.entity is None:
                self.entities.pop(place, None)
            else:
                self.entities[place] = (version, change.entity)
        return tuple(str(self.entities.get((partition, change.key), (0,))[0]) for change in changes)

    def _holds(self, partition: str, change: Change) -> bool:
        if isinstance(change.entity, Delivery):
            return self.accepted[change.entity.id].state != "done"
        stored = self.entities.get((partition, change.key))
        match change.etag:
            case "*":
                return change.etag == ANY
            case "":
                return change.etag == ABSENT and stored is None
            case "present":
                return change.etag == PRESENT and stored is not None
            case etag:
                return stored is not None and str(stored[0]) == etag

    async def whole(self, batch_id: str) -> Whole | None:
        own = [
            (key, Versioned(each, str(version)))
            for (place, key), (version, each) in sorted(self.entities.items())
            if place == batch_id
        ]
        batch = next((found for key, found in own if key == BATCH_KEY), None)
        sources = [found for _, found in own if isinstance(found.entity, Source)]
        chunks = [found for _, found in own if isinstance(found.entity, Chunk)]
        alive = {key: found.entity.at for key, found in own if isinstance(found.entity, Alive)}
        return Whole(batch, sources, chunks, alive) if batch else None

    # --- Contents, messages, prospects ------------------------------------------------------------------------------

    async def save(self, name: str, content: bytes) -> None:
        self.step()
        self.blobs[name] = content

    async def facts(self, name: str) -> BlobFacts | None:
        return BlobFacts("1", len(self.blobs[name]), "") if name in self.blobs else None

    async def stream(self, name: str, *, version: str = "") -> AsyncIterator[bytes]:
        assert version in ("", "1")
        for at in range(0, len(self.blobs[name]), 50):
            yield self.blobs[name][at : at + 50]

    async def sizes(self, prefix: str) -> dict[str, int]:
        return {name: len(content) for name, content in self.blobs.items() if name.startswith(prefix)}

    async def send(self, message: Mapping[str, Any], *, after: float = 0.0) -> None:
        assert after >= 0
        self.step()
        self.messages.append(dict(message))

    async def refuse(self, body: str, reason: str) -> None:
        self.step()
        self.poison.append((body, reason))

    async def some(self, organization: str, *, most: int, after: str) -> list[tuple[str, Prospect]]:
        assert organization == ORGANIZATION
        return [(name, each) for name, each in sorted(self.prospects.items()) if name > after][: min(most, 4)]

    # --- Bulk and the log -------------------------------------------------------------------------------------------

    async def accept(
        self,
        captures: Sequence[Capture],
        action: SyncAction,
        connection: Connection,
        *,
        batch: str,
        trigger: Trigger = "bulk",
        received_at: datetime | None = None,
    ) -> timedelta | None:
        """Everybody is created, one step each."""
        if self.rests:
            return timedelta(seconds=1)
        at = received_at or self.time
        for number, capture in enumerate(captures):
            self.step()
            came_in = at + timedelta(microseconds=number)
            made = new_delivery(capture, action, connection, now=came_in, due_at=came_in, trigger=trigger, batch=batch)
            if self.is_slow:
                state = "received" if number else "intent"
                self.accepted.setdefault(made.id, made.model_copy(update={"state": state}))
                continue
            over = made.model_copy(update={"state": "done", "result": Result(outcome=Outcome.CREATED)})
            self.rows.setdefault(made.id, self.accepted.setdefault(made.id, over))
        return None

    async def busy(self, connection_id: str, *, waited: timedelta = timedelta()) -> timedelta | None:
        assert connection_id
        return timedelta(seconds=1) + waited if self.rests else None

    async def write(self, delivery: Delivery, *, row_url: str, last: object = None) -> None:
        assert (row_url, last) == ("", None)
        self.step()
        self.rows.setdefault(delivery.id, delivery)

    async def count_repeat(self, delivery: Delivery) -> None:
        raise NotImplementedError(delivery.id)

    async def note_quarantined(self, delivery: Delivery, *, reason: str) -> None:
        raise NotImplementedError(delivery.id, reason)

    async def outcomes(
        self, connection: str, batch: str, *, since: datetime, until: datetime
    ) -> tuple[Counter[str], set[str]]:
        assert connection
        within = [row for row in self.rows.values() if row.batch == batch and since <= row.received_at <= until]
        return Counter(row.result.outcome.value for row in within if row.result), {row.id for row in within}

    async def conclude(self, delivery: Delivery) -> None:
        self.step()
        self.rows.setdefault(delivery.id, delivery)

    async def run(self, organization: str, delivery_ids: Sequence[str]) -> None:
        """What was decided is done."""
        assert organization == ORGANIZATION
        for name in delivery_ids:
            self.step()
            over = {"state": "done", "result": Result(outcome=Outcome.CREATED)}
            self.accepted[name] = self.accepted[name].model_copy(update=over)
            self.rows.setdefault(name, self.accepted[name])

    # --- The services over them -------------------------------------------------------------------------------------

    async def action(self, action_id: str) -> SyncAction | None:
        return ACTIONS.get(action_id)

    async def setup(self, connection_id: str) -> ConnectionSetup | None:
        assert connection_id
        return SETUPS["one e-mail"]

    @property
    def _every_port(self) -> Any:
        """Of the wide ones, as much as is asked for here."""
        return self

    def actions(self) -> BulkActions:
        return BulkActions(batches=self, contents=self, queue=self, configuration=self._every_port, now=self.now)

    def refusing(self) -> Refusing:
        actions = self.actions()
        return Refusing(actions=actions, contents=self, poison=self, sync_log=self, now=self.now)

    def _alives(self) -> Alives:
        return Alives(batches=self, now=self.now, patience=timedelta(seconds=60))

    def _settling(self) -> Settling:
        return Settling(batches=self, contents=self, ledger=self._every_port, log=self, now=self.now)

    def cancelling(self) -> Cancelling:
        return Cancelling(
            batches=self,
            contents=self,
            queue=self,
            ledger=self._every_port,
            attempts=self._every_port,
            bulk=self,
            now=self.now,
        )

    def process(self) -> BulkMessages:
        splitting = Splitting(
            batches=self,
            contents=self,
            queue=self,
            stored=self,
            ledger=self._every_port,
            configuration=self._every_port,
            new_reader=Sheet,
            alives=self._alives(),
            refusing=self.refusing(),
            now=self.now,
            chunk_records=CHUNK,
        )
        chunks = Chunks(
            batches=self,
            contents=self,
            configuration=self._every_port,
            bulk=self,
            sync_log=self,
            settling=self._settling(),
            cancelling=self.cancelling(),
            alives=self._alives(),
            queue=self,
            now=self.now,
        )
        return BulkMessages(actions=self.actions(), splitting=splitting, chunks=chunks)

    def resuming(self) -> Resuming:
        return Resuming(batches=self, queue=self, settling=self._settling(), alives=self._alives(), now=self.now)


async def until_over(office: Office, begin: Callable[[], Awaitable[object]]) -> bool:
    """Begins, again where it died; then works off messages and lets the timer look, until nothing is open. Whatever was
    at work when it died has lost its message. Whether it died at all.
    """
    died = not await _lives(office, begin())
    if died:
        await begin()
    for _ in range(60):
        while office.messages:
            message = Step.model_validate(office.messages.pop(0))
            died = not await _lives(office, office.process().carry_out(message, message_id="ours")) or died
        if not office.open:
            return died
        office.time += timedelta(minutes=5)
        died = not await _lives(office, office.resuming().resume()) or died
    raise AssertionError("it is never over")


async def _lives(office: Office, work: Awaitable[object]) -> bool:
    """Whether the process lived to the end of it; else another one takes its place."""
    try:
        await work
    except Killed:
        office.is_dead = False
        return False
    return True
