"""Whether work lies undone for too long, whatever the reason: Dynamics is down, a pause, a queue that nobody reads.

A delivery is old since it was received, or made open again. Of bulk work a connection does one part after the other,
for hours at times: it is old since any of its open batches came further. Held captures wait for a release and are no
work; what waits for an organisation that its connection pointed to before goes on when it points back, and is counted
with the connection.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from core.domain.bulk_batch import moved_at
from core.domain.connection import Connection
from core.sync.alerts import tell_queue_age
from core.sync.bulk_ports import Batches
from core.sync.ports import Configuration, Marks

PATIENCE = timedelta(minutes=15)


class Aging:
    def __init__(
        self, *, marks: Marks, batches: Batches, configuration: Configuration, now: Callable[[], datetime]
    ) -> None:
        self._marks = marks
        self._batches = batches
        self._configuration = configuration
        self._now = now

    async def look(self) -> None:
        """Tells of every connection whose work has waited longer than `PATIENCE`."""
        before, moves = self._now() - PATIENCE, await self._last_moves()
        every = await self._configuration.connections()
        oldest = await asyncio.gather(
            *(self._marks.open_since(each.partition, each.id, before=before) for each in every)
        )
        for connection, opened in zip(every, oldest, strict=True):
            moved = moves.get(connection.id, self._now())
            since = min(opened or moved, moved)
            if since < before:
                await self._tell(connection, since)

    async def _tell(self, connection: Connection, since: datetime) -> None:
        setup = await self._configuration.setup(connection.id)
        hold = (setup.hold(self._now()) or setup.pause) if setup else None
        minutes = (self._now() - since) // timedelta(minutes=1)
        tell_queue_age(connection.id, minutes, hold.code if hold else "")

    async def _last_moves(self) -> dict[str, datetime]:
        """By connection, when its open batches last came further."""
        moves: dict[str, datetime] = {}
        for batch_id in await self._batches.open_ids():
            whole = await self._batches.whole(batch_id)
            if whole and whole.sources:
                batch = whole.batch.entity
                parts = [each.entity for each in whole.sources], [each.entity for each in whole.chunks]
                moved = moved_at(batch, *parts)
                moves[batch.connection] = max(moved, moves.get(batch.connection, moved))
        return moves
