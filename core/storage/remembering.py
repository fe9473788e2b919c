"""What was read a moment ago, and is read once however many ask for it at the same time.

What is forgotten while it is being read is not remembered afterwards, and whoever asks from then on reads anew.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Remembered:
    def __init__(self, clock: Callable[[], float], *, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._known: dict[str, tuple[float, Any]] = {}
        self._being_read: dict[str, asyncio.Task[Any]] = {}

    async def get(self, name: str, read: Callable[[], Coroutine[Any, Any, T | None]]) -> T | None:
        """What is absent is not remembered: it is usually about to be saved."""
        until, value = self._known.get(name, (0.0, None))
        if value is not None and self._clock() < until:
            return value  # type: ignore[no-any-return]  # it was stored below under the same name
        reading = self._being_read.get(name)
        if reading is None:
            reading = self._being_read[name] = asyncio.create_task(read())
            reading.add_done_callback(lambda task: self._keep(name, task))
        shared: Awaitable[T | None] = asyncio.shield(reading)  # one who gives up does not take it from the others
        return await shared

    def forget(self, name: str) -> None:
        self._known.pop(name, None)
        self._being_read.pop(name, None)

    def _keep(self, name: str, reading: asyncio.Task[Any]) -> None:
        if self._being_read.get(name) is not reading:
            return
        del self._being_read[name]
        if not reading.cancelled() and reading.exception() is None and reading.result() is not None:
            self._known[name] = (self._clock() + self._seconds, reading.result())
