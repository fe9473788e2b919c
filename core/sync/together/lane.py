"""The slow lane: bulk work of one process goes on a little at a time, so that captures in that process come through.

The event loop runs all that is ready before it looks for what has come in, and a capture waits some eighty times for
something to come in. Hundreds of turns that are ready at once would make each of those long. So whatever of bulk takes
more than a moment waits for its turn here, its requests to storage are few at a time, and while a capture is under way
all of it goes at a walk: slower, and never so slow that captures without end would stop it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from core.sync.precedence import Precedence

REQUESTS_MOST: Final = 8  # to storage, on their way at once
WALKING_SECONDS: Final = 0.005  # between two turns


class Lane:
    """Shared by all chunks that one process carries out."""

    def __init__(self, precedence: Precedence | None = None) -> None:
        self._precedence = precedence or Precedence()
        self._places = asyncio.Semaphore(REQUESTS_MOST)
        self._lock = asyncio.Lock()

    async def turn(self) -> None:
        """Until it is the caller's turn to take a few milliseconds. Between two turns all others have theirs."""
        async with self._lock:
            await asyncio.sleep(WALKING_SECONDS if self._precedence.is_taken else 0)

    @contextlib.asynccontextmanager
    async def request(self) -> AsyncIterator[None]:
        """For one request to storage; building it and reading its answer take their time too."""
        async with self._places:
            await self.turn()
            yield
