"""Where bulk requests of one process to one connection pass: as many at once as it holds slots, at Dynamics' pace.

While one chunk of bulk work is busy with storage, the requests of another pass. After a refusal nothing is sent before
Dynamics wants to hear of us again.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from core.domain.pace import Pace
from core.errors import ThrottledError

# Requests, or their execution time, in five minutes; how many there are at once is another matter.
_USED_OVER_TIME: Final = {"0x80072322", "0x80072321"}
PATIENCE_SECONDS: Final = 60.0  # who has to wait longer does better to come again


class Gate:
    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._places = asyncio.Semaphore(0)
        self._pace = Pace()
        self._under_way = 0
        self._clock = clock
        self._sleep = sleep

    def open(self) -> None:
        """For one more request at once."""
        self._places.release()

    async def close(self) -> None:
        """For one less, as soon as one is over."""
        await self._places.acquire()

    @contextlib.asynccontextmanager
    async def request(self) -> AsyncIterator[None]:
        """For one request. Raises ThrottledError, with nothing sent, where it would wait for long."""
        async with self._places:
            await self.rest()
            began = self._clock()
            self._under_way += 1
            try:
                yield
            except ThrottledError as refused:
                learn = self._pace.refused if refused.code in _USED_OVER_TIME else self._pace.rested
                self._pace = learn(self._clock(), refused.retry_after)
                raise
            else:
                self._pace = self._pace.after(self._clock(), self._clock() - began)
            finally:
                self._under_way -= 1

    async def rest(self) -> None:
        """Until something may be sent."""
        while (seconds := self._pace.wait(self._clock(), under_way=self._under_way)) > 0:
            if seconds > PATIENCE_SECONDS:
                raise ThrottledError("Dynamics asks us to wait.", retry_after=seconds, code="resting")
            await self._sleep(seconds)
