"""One capture, answered at once: made durable first, then run within a deadline.

From the moment the first transaction is through, the capture is completed whatever happens to this process: a timer
finds its mark. A capture that was delivered before is answered as the first time, and counted.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from core.domain.action import SyncAction
from core.domain.capture import Capture, digest, identity
from core.domain.connection import Connection
from core.domain.delivery import Delivery, Intent, Result, delivery_key
from core.sync.attempt import Attempts
from core.sync.ports import ABSENT, Change, Ledger, SyncLog, Versioned, WakeQueue
from core.sync.turn import Turns

REPEAT_WINDOW = timedelta(hours=24)
_FIRST_LOOK_SECONDS = 0.05
_PATIENCE_SECONDS = 2.0  # how long a repeat waits for the delivery at work before it joins in


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a capture. Without a result it goes on by itself, and `state` says what it waits for."""

    receipt: str
    result: Result | None
    state: Literal["done", "queued", "retrying", "paused"] = "done"
    row_url: str = ""


class Captures:
    def __init__(
        self,
        *,
        turns: Turns,
        attempts: Attempts,
        ledger: Ledger,
        sync_log: SyncLog,
        wake_queue: WakeQueue,
        now: Callable[[], datetime],
        grace: timedelta,
        deadline: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._turns = turns
        self._attempts = attempts
        self._ledger = ledger
        self._sync_log = sync_log
        self._wake_queue = wake_queue
        self._now = now
        self._grace = grace
        self._deadline = deadline
        self._sleep = sleep

    async def accept(self, capture: Capture, action: SyncAction, connection: Connection, *, wait: bool) -> Answer:
        """Makes the capture durable and, with `wait`, carries it out within the deadline."""
        delivery = self._delivery(capture, action, connection)
        found, is_repeat = await self._insert(delivery)
        if not wait:
            await self._wake_queue.wake(found.entity.organization, found.entity.id)
            return Answer(found.entity.id, None, "queued")
        if is_repeat:
            found = await self._patiently(found)
        done = await self._attempts.attempt(found, deadline=self._deadline)
        if done is None:
            is_paused = await self._attempts.pause_reason(found.entity)
            return Answer(found.entity.id, None, "paused" if is_paused else "retrying")
        if is_repeat:
            await self._sync_log.count_repeat(done)
        return Answer(done.id, done.result, row_url=await self._attempts.row_url(done))

    async def preview(self, capture: Capture, action: SyncAction, connection: Connection) -> Intent | Result:
        """What would become of the capture. Stores and writes nothing."""
        return await self._turns.preview(self._delivery(capture, action, connection))

    def _delivery(self, capture: Capture, action: SyncAction, connection: Connection) -> Delivery:
        now = self._now()
        return Delivery(
            id=identity(action.id, capture),
            organization=connection.partition,
            connection=connection.id,
            action=action.id,
            capture=capture,
            received_at=now,
            due_at=now + self._grace,
        )

    async def _insert(self, delivery: Delivery) -> tuple[Versioned[Delivery], bool]:
        """The stored delivery, and whether it had been delivered before."""
        while True:
            marked = [Change(delivery.key, delivery, ABSENT), Change(delivery.due.key, delivery.due, ABSENT)]
            inserted = await self._ledger.commit(delivery.organization, marked)
            if inserted:
                return Versioned(delivery, inserted[0]), False
            earlier = await self._ledger.read(delivery.organization, delivery_key(delivery.id), Delivery)
            if earlier and self._is_repeat_of(delivery, earlier.entity):
                return earlier, True
            if earlier:  # the same words after a day are said anew: their id follows from the earlier delivery
                anew = digest(delivery.id, earlier.entity.received_at.isoformat())
                delivery = delivery.model_copy(update={"id": anew})

    def _is_repeat_of(self, delivery: Delivery, earlier: Delivery) -> bool:
        """A delivery id or an activity id makes it the same for good; content alone only within a day."""
        named = delivery.capture.delivery_id or delivery.capture.submission.activity_id
        return bool(named) or delivery.received_at - earlier.received_at < REPEAT_WINDOW

    async def _patiently(self, found: Versioned[Delivery]) -> Versioned[Delivery]:
        """The first delivery is probably at work; looking on is cheaper than doing the same beside it."""
        waited, pause = 0.0, _FIRST_LOOK_SECONDS
        while found.entity.state != "done" and waited < _PATIENCE_SECONDS:
            await self._sleep(pause)
            waited, pause = waited + pause, pause * 2
            found = await self._ledger.read(found.entity.organization, found.entity.key, Delivery) or found
        return found
