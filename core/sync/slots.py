"""Slots for bulk work: no more requests of it at once on a connection than its Dynamics bears.

Duty: to take slots, keep them while chunks run, and give them back with what was learnt; several instances change the
same entity, each on condition of its ETag. How many there are, `domain.slots` reckons. Captures need none.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Protocol

from core.domain.slots import LASTS, USUAL_MOST, Signals, Slots
from core.errors import SyncError
from core.logs import logger
from core.sync.gate import Gate
from core.sync.ports import ABSENT, Versioned

RENEWED_AFTER: Final = LASTS / 3
_CHUNKS_OF_A_SLOT: Final = 2

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


@dataclass(frozen=True, slots=True)
class _Slot:
    """One that this process holds, what it had been told when it took it, and who keeps it alive."""

    name: str
    before: Signals
    renewing: asyncio.Task[None]


@dataclass(slots=True)
class _Pool:
    """The slots that this process holds of one connection, and how many chunks use them. Two chunks share a slot: while
    one is busy with storage, the other talks to Dynamics.
    """

    gate: Gate
    slots: list[_Slot] = field(default_factory=list)
    chunks: int = 0

    @property
    def has_room(self) -> bool:
        return self.chunks < _CHUNKS_OF_A_SLOT * len(self.slots)


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
        self._pools: dict[str, _Pool] = defaultdict(lambda: _Pool(Gate()))

    async def is_free(self, connection_id: str) -> bool:
        """Whether there is one at the moment, or a share of one; it may be gone when it is to be taken."""
        if self._pools[connection_id].has_room:
            return True
        found = await self._store.read(connection_id)
        return (found.entity if found else Slots()).taken("", self._now(), most=self._most) is not None

    @contextlib.asynccontextmanager
    async def held(self, connection_id: str) -> AsyncIterator[Gate | None]:
        """A slot, or a share of one, for as long as the block lasts, and the gate that it opens; None when there is
        none: then try later.
        """
        pool = self._pools[connection_id]
        await self._take(connection_id, pool)
        if not pool.has_room:
            yield None
            return
        pool.chunks += 1
        try:
            yield pool.gate
        finally:
            pool.chunks -= 1
            await self._over(connection_id, pool)

    async def _over(self, connection_id: str, pool: _Pool) -> None:
        """A chunk is: what it learnt is told, and slots that no chunk is left for are given back."""
        while len(pool.slots) > pool.chunks:
            slot = pool.slots.pop()
            await pool.gate.close()  # once no request uses it
            slot.renewing.cancel()
            await asyncio.wait([slot.renewing])
            await self._tell(connection_id, slot, Slots.returned)
        if pool.slots:
            slot = pool.slots.pop(0)
            pool.slots.append(replace(slot, before=self._told.signals(connection_id)))
            await self._tell(connection_id, slot, Slots.kept)

    async def _take(self, connection_id: str, pool: _Pool) -> None:
        """One more, where there is one."""
        name, before = self._new_id(), self._told.signals(connection_id)
        if await self._change(connection_id, lambda slots: slots.taken(name, self._now(), most=self._most)):
            pool.slots.append(_Slot(name, before, asyncio.create_task(self._keep(connection_id, name))))
            pool.gate.open()

    async def _keep(self, connection_id: str, holder: str) -> None:
        while True:
            await asyncio.sleep(RENEWED_AFTER.total_seconds())
            try:
                if not await self._change(connection_id, lambda slots: slots.renewed(holder, self._now())):
                    _log.warning("a slot of connection %s ended before its work", connection_id)
                    return
            except SyncError as error:
                _log.warning("a slot of connection %s was not renewed: %s", connection_id, error.message)

    async def _tell(self, connection_id: str, slot: _Slot, how: Callable[..., Slots]) -> None:
        """What cannot be given back ends by itself."""
        signals = self._told.signals(connection_id)
        refused = signals.refusals > slot.before.refusals
        try:
            await self._change(
                connection_id,
                lambda slots: how(slots, slot.name, self._now(), signals, refused=refused, most=self._most),
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
