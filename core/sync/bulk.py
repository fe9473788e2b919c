"""Many captures of one action at once: made durable, then run together.

Every delivery takes the same turn as a capture that comes alone, so what section 6 of the product promises holds here
too. What is not done at the end goes on by itself: each delivery is marked, and a message or the timer finds it.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from core.domain.action import SyncAction
from core.domain.capture import Capture
from core.domain.connection import Connection
from core.domain.delivery import Delivery, Trigger, delivery_key
from core.sync.attempt import Attempts
from core.sync.intake import Intake, new_delivery
from core.sync.ports import Ledger, Versioned

DEADLINE_SECONDS = 300.0
AT_ONCE_MOST = 16


class Bulk:
    def __init__(self, *, attempts: Attempts, ledger: Ledger, now: Callable[[], datetime], grace: timedelta) -> None:
        self._attempts = attempts
        self._ledger = ledger
        self._intake = Intake(ledger=ledger)
        self._now = now
        self._grace = grace
        self._places = asyncio.Semaphore(AT_ONCE_MOST)

    async def accept(
        self,
        captures: Sequence[Capture],
        action: SyncAction,
        connection: Connection,
        *,
        batch: str,
        trigger: Trigger = "bulk",
        received_at: datetime | None = None,
    ) -> None:
        """Makes the captures durable and runs them. One that was delivered before is carried on where it stands.

        `received_at`: when the first of them came in; each later one counts as received a microsecond later.
        """
        came_in, due_at = received_at or self._now(), self._now() + self._grace
        times = (came_in + timedelta(microseconds=number) for number in range(len(captures)))
        deliveries = [
            new_delivery(each, action, connection, now=time, due_at=due_at, trigger=trigger, batch=batch)
            for each, time in zip(captures, times, strict=True)
        ]
        received = await asyncio.gather(*(self._intake.receive(each) for each in deliveries))
        await self._run([found for found, _ in received])

    async def run(self, organization: str, delivery_ids: Sequence[str]) -> None:
        """Carries deliveries on that were stored before."""
        keys = [delivery_key(each) for each in delivery_ids]
        read = await asyncio.gather(*(self._ledger.read(organization, key, Delivery) for key in keys))
        await self._run([found for found in read if found])

    async def _run(self, deliveries: Sequence[Versioned[Delivery]]) -> None:
        await asyncio.gather(*(self._attempt(found) for found in deliveries))

    async def _attempt(self, found: Versioned[Delivery]) -> None:
        async with self._places:
            await self._attempts.attempt(found, deadline=DEADLINE_SECONDS)
