"""Deferred work goes on: a queue message wakes one delivery, a timer wakes what no message woke.

The stored delivery is the truth, a message only says that somebody should look. So a lost, doubled or late message
costs time and nothing else.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from core.domain.connection import Connection
from core.domain.delivery import Delivery, Due, delivery_key
from core.logs import logger
from core.sync.attempt import Attempts
from core.sync.pinning import Pinning
from core.sync.ports import PRESENT, TRANSACTION_MOST, BulkWakeQueue, Change, Configuration, Ledger

DEADLINE_SECONDS = 120.0
WOKEN_AT_ONCE_MOST = 10_000
TOGETHER_MOST = 500  # deliveries of one message, as of a chunk of bulk work
# How long a message sent by the timer may take before the timer sends another.
MESSAGE_PATIENCE = timedelta(minutes=2)

_log = logger("captello.wake")


class Wakes:
    def __init__(
        self,
        *,
        attempts: Attempts,
        ledger: Ledger,
        configuration: Configuration,
        pinning: Pinning,
        wake_queue: BulkWakeQueue,
        now: Callable[[], datetime],
    ) -> None:
        self._attempts = attempts
        self._ledger = ledger
        self._configuration = configuration
        self._pinning = pinning
        self._wake_queue = wake_queue
        self._now = now

    async def run(self, organization: str, delivery_id: str) -> None:
        """Carries one delivery on. One that is over already costs a read and its log row, written again."""
        found = await self._ledger.read(organization, delivery_key(delivery_id), Delivery)
        if found is None:
            _log.warning("delivery %s was woken but is not in the store", delivery_id)
            return
        await self._attempts.attempt(found, deadline=DEADLINE_SECONDS)

    async def wake_due(self) -> int:
        """Sends a message for every delivery that is due, oldest first; answers how many."""
        partitions: dict[str, list[Connection]] = {}
        for connection in await self._configuration.connections():
            pinned = await self._pinned(connection)
            if pinned.organization_id:
                partitions.setdefault(pinned.organization_id, []).append(pinned)
        return sum([await self._wake_partition(name, connections) for name, connections in partitions.items()])

    async def _pinned(self, connection: Connection) -> Connection:
        """One request tells whether a connection works that has never worked, or whose pause is over: better than
        sending everything that waits to find out.
        """
        setup = await self._configuration.setup(connection.id)
        if setup is None or setup.hold(self._now()):
            return connection
        if connection.organization_id is None or setup.pause is not None:
            return await self._pinning.pin(connection)
        await self._pinning.bring_home(connection)
        return connection

    async def _wake_partition(self, organization: str, connections: list[Connection]) -> int:
        """Marks of connections that wait, or point elsewhere by now, are passed over: they block nobody's way."""
        runnable = [connection.id for connection in connections if not await self._is_held(connection)]
        if not runnable:
            return 0
        due = await self._ledger.due(organization, self._now(), most=WOKEN_AT_ONCE_MOST, connections=runnable)
        wanted = [mark for mark in due if not self._is_awaited(mark)]
        for start in range(0, len(wanted), TOGETHER_MOST):
            some = wanted[start : start + TOGETHER_MOST]
            await self._wake_queue.wake_all(organization, [mark.delivery for mark in some])
            for first in range(0, len(some), TRANSACTION_MOST):
                await self._note_woken(organization, some[first : first + TRANSACTION_MOST])
        return len(wanted)

    async def _note_woken(self, organization: str, marks: Sequence[Due]) -> None:
        """Together where it can be; one that is over has lost its mark meanwhile."""
        woken = [Change(each.key, each.model_copy(update={"woken_at": self._now()}), PRESENT) for each in marks]
        if await self._ledger.commit(organization, woken) is None:
            for change in woken:
                await self._ledger.commit(organization, [change])

    async def _is_held(self, connection: Connection) -> bool:
        setup = await self._configuration.setup(connection.id)
        return setup is None or setup.hold(self._now()) is not None

    def _is_awaited(self, mark: Due) -> bool:
        return mark.woken_at is not None and self._now() - mark.woken_at < MESSAGE_PATIENCE
