"""One connection's requests in this process: how many are in flight at most, and what Dynamics says of its limits.

https://learn.microsoft.com/power-apps/developer/data-platform/send-parallel-requests
"""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from typing import Final

from core.dataverse.failures import retry_after
from core.dataverse.protocol import Response
from core.domain.slots import Signals

# Dynamics serves 52 at once; two instances at full tilt leave it some for others.
AT_ONCE_MOST: Final = 24
_TOO_MANY: Final = 429


class Traffic:
    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE_MOST)
        self._signals = Signals()

    @property
    def signals(self) -> Signals:
        return self._signals

    @contextlib.asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """For one request, in the order in which they come."""
        async with self._places:
            yield

    def heard(self, response: Response) -> None:
        hint = response.headers.get("x-ms-dop-hint", "")
        if hint.isdecimal():
            self._signals = dataclasses.replace(self._signals, dop_hint=int(hint))
        if response.status == _TOO_MANY:
            refusals = self._signals.refusals + 1
            self._signals = dataclasses.replace(self._signals, refusals=refusals, retry_after=retry_after(response))
