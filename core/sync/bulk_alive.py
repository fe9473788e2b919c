"""Who is at work on what: a sign of life, renewed while somebody is.

It saves doing the same work twice beside each other, and tells the timer what nobody is doing. Nothing rests on it:
two who do the same do no harm.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta

from core.domain.bulk_batch import Alive, alive_key
from core.errors import SyncError
from core.sync.bulk_ports import Batches
from core.sync.ports import ANY, Change

_SIGNS_IN_A_PATIENCE = 3
_DOUBLINGS_MOST = 6


class Alives:
    def __init__(self, *, batches: Batches, now: Callable[[], datetime], patience: timedelta) -> None:
        self._batches = batches
        self._now = now
        self._patience = patience

    @contextlib.asynccontextmanager
    async def at_work(self, batch: str, key: str) -> AsyncIterator[bool]:
        """False where somebody else is at work on it."""
        found = await self._batches.read(batch, alive_key(key), Alive)
        if found and self.is_alive(found.entity.at):
            yield False
            return
        await self._sign(batch, key)
        signing = asyncio.create_task(self._sign_again(batch, key))
        try:
            yield True
        finally:
            signing.cancel()
            with contextlib.suppress(SyncError):
                await self._batches.commit(batch, [Change(alive_key(key), None, ANY)])

    def is_alive(self, at: datetime | None) -> bool:
        return at is not None and self._now() - at < self._patience

    def is_forgotten(self, alive: Mapping[str, datetime], key: str, *, sent_at: datetime, sent: int) -> bool:
        """Whether another message is due: nobody is at work, and the last message has had its time; queues are long
        at times, so each one is given more.
        """
        if self.is_alive(alive.get(alive_key(key))):
            return False
        return self._now() - sent_at >= self._patience * (1 << min(sent - 1, _DOUBLINGS_MOST))

    async def _sign(self, batch: str, key: str) -> None:
        await self._batches.commit(batch, [Change(alive_key(key), Alive(at=self._now()), ANY)])

    async def _sign_again(self, batch: str, key: str) -> None:
        while True:
            await asyncio.sleep(self._patience.total_seconds() / _SIGNS_IN_A_PATIENCE)
            with contextlib.suppress(SyncError):
                await self._sign(batch, key)
