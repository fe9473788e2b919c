"""One capture, answered at once: made durable first, then run within a deadline.

From the moment the first transaction is through, the capture is completed whatever happens to this process: a timer
finds its mark. A capture that was delivered before is answered as the first time, and counted; one that completes a
held capture, with that one's receipt and what became of it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from core.domain.action import SyncAction
from core.domain.capture import Capture
from core.domain.connection import Connection
from core.domain.delivery import Delivery, Intent, Result, Trigger
from core.sync.attempt import Attempts
from core.sync.intake import Intake, new_delivery
from core.sync.ports import Ledger, SyncLog, Versioned, WakeQueue
from core.sync.turn import Turns

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
        self._intake = Intake(ledger=ledger)
        self._sync_log = sync_log
        self._wake_queue = wake_queue
        self._now = now
        self._grace = grace
        self._deadline = deadline
        self._sleep = sleep

    async def accept(
        self, capture: Capture, action: SyncAction, connection: Connection, *, wait: bool, trigger: Trigger = "capture"
    ) -> Answer:
        """Makes the capture durable and, with `wait`, carries it out within the deadline."""
        delivery = self._delivery(capture, action, connection).model_copy(update={"trigger": trigger})
        return await self.receive(delivery, wait=wait)

    async def receive(self, delivery: Delivery, *, wait: bool, counts: bool = True) -> Answer:
        """The same for a delivery that was made elsewhere; `counts` where having it again is a repeat."""
        found, is_repeat = await self._intake.receive(delivery)
        counts = counts and is_repeat
        if not wait:
            await self._count(found.entity, counts=counts)
            await self._wake_queue.wake(found.entity.organization, found.entity.id)
            return Answer(found.entity.id, None, "queued")
        if is_repeat:
            found = await self._patiently(found)
        done = await self._attempts.attempt(found, deadline=self._deadline)
        await self._count(found.entity, counts=counts)
        if done is None:
            is_paused = await self._attempts.pause_reason(found.entity)
            return Answer(found.entity.id, None, "paused" if is_paused else "retrying")
        return Answer(done.id, done.result, row_url=await self._attempts.row_url(done))

    async def _count(self, delivery: Delivery, *, counts: bool) -> None:
        if counts:
            await self._sync_log.count_repeat(delivery)

    async def preview(self, capture: Capture, action: SyncAction, connection: Connection) -> Intent | Result:
        """What would become of the capture. Stores and writes nothing."""
        return await self._turns.preview(self._delivery(capture, action, connection))

    def _delivery(self, capture: Capture, action: SyncAction, connection: Connection) -> Delivery:
        now = self._now()
        return new_delivery(capture, action, connection, now=now, due_at=now + self._grace)

    async def _patiently(self, found: Versioned[Delivery]) -> Versioned[Delivery]:
        """The first delivery is probably at work; looking on is cheaper than doing the same beside it."""
        waited, pause = 0.0, _FIRST_LOOK_SECONDS
        while found.entity.state != "done" and waited < _PATIENCE_SECONDS:
            await self._sleep(pause)
            waited, pause = waited + pause, pause * 2
            found = await self._ledger.read(found.entity.organization, found.entity.key, Delivery) or found
        return found
