"""A slot for each chunk of bulk work: no more of them at once on a connection than its Dynamics bears.

Duty: to take a slot, keep it while the chunk runs, and give it back with what was learnt; several instances change the
same entity, each on condition of its ETag. How many there are, `domain.slots` reckons. Captures need none.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Final, Protocol

from core.domain.slots import LASTS, USUAL_MOST, Signals, Slots
from core.errors import SyncError
from core.logs import logger
from core.sync.gate import Gate
from core.sync.ports import ABSENT, Versioned

RENEWED_AFTER: Final = LASTS / 3

_log = logger("captello.slots")


class SlotStore(Protocol):
    async def read(self, connection_id: str) -> Versioned[Slots] | None: ...

    async def save(self, connection_id: str, slots: Slots, etag: str) -> bool:
        """False: somebody else changed them meanwhile."""
        ...


class Told(Protocol):
    def signals(self, connection_id: str) -> Signals:
        """What Dynamics told this process about a connection."""
        ...


class BulkSlots:
    def __init__(
        self,
        *,
        store: SlotStore,
        told: Told,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
        most: int = USUAL_MOST,
    ) -> None:
        self._store = store
        self._told = told
        self._now = now
        self._new_id = new_id
        self._most = most
        self._gates: dict[str, Gate] = {}

    async def is_free(self, connection_id: str) -> bool:
        """Whether there is a slot at the moment; it may be gone when it is to be taken."""
        found = await self._store.read(connection_id)
        return (found.entity if found else Slots()).taken("", self._now(), most=self._most) is not None

    @contextlib.asynccontextmanager
    async def held(self, connection_id: str) -> AsyncIterator[Gate | None]:
        """A slot for as long as the block lasts, and the gate that it opens; None when none is free: then try later."""
        holder, before = self._new_id(), self._told.signals(connection_id)
        if not await self._take(connection_id, holder):
            yield None
            return
        renewing = asyncio.create_task(self._keep(connection_id, holder))
        gate = self._gates.setdefault(connection_id, Gate())
        try:
            async with gate.with_slot():
                yield gate
        finally:
            renewing.cancel()
            await asyncio.wait([renewing])
            await self._give_back(connection_id, holder, before)

    async def _take(self, connection_id: str, holder: str) -> bool:
        return await self._change(connection_id, lambda slots: slots.taken(holder, self._now(), most=self._most))

    async def _keep(self, connection_id: str, holder: str) -> None:
        while True:
            await asyncio.sleep(RENEWED_AFTER.total_seconds())
            try:
                if not await self._change(connection_id, lambda slots: slots.renewed(holder, self._now())):
                    _log.warning("a slot of connection %s ended before its work", connection_id)
                    return
            except SyncError as error:
                _log.warning("a slot of connection %s was not renewed: %s", connection_id, error.message)

    async def _give_back(self, connection_id: str, holder: str, before: Signals) -> None:
        """What cannot be given back ends by itself."""
        signals = self._told.signals(connection_id)
        refused = signals.refusals > before.refusals
        try:
            await self._change(
                connection_id,
                lambda slots: slots.returned(holder, self._now(), signals, refused=refused, most=self._most),
            )
        except SyncError as error:
            _log.warning("a slot of connection %s was not given back: %s", connection_id, error.message)

    async def _change(self, connection_id: str, change: Callable[[Slots], Slots | None]) -> bool:
        """Until nobody comes in between; False when the change is not possible."""
        while True:
            found = await self._store.read(connection_id) or Versioned(Slots(), ABSENT)
            after = change(found.entity)
            if after is None:
                return False
            if await self._store.save(connection_id, after, found.etag):
                return True
