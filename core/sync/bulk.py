"""Many captures of one action at once, each by the turn that a capture takes alone, with their requests put together.

So what section 6 of the product promises holds here too. Deliveries of one person are folded into one write
(`domain.folding`), or run one after the other; the others run side by side (`together.chains`). What is not done at the
end goes on by itself: each delivery is marked then, and a message or the timer finds it. Before that nothing is stored
of a delivery but its intent: whatever it came with, a message or a file, comes again when this process dies.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from core.domain.action import SyncAction
from core.domain.capture import Capture
from core.domain.connection import Connection, Pause
from core.domain.delivery import Delivery, Trigger, delivery_key
from core.domain.prospect import Prospect
from core.domain.subject import subject_key
from core.domain.submission import heard_keys
from core.errors import ThrottledError
from core.sync.attempt import Attempts
from core.sync.gate import Gate
from core.sync.intake import Intake, new_delivery
from core.sync.ports import (
    ABSENT,
    BulkCrms,
    BulkLog,
    BulkWakeQueue,
    Configuration,
    Ledger,
    Pauses,
    Versioned,
)
from core.sync.precedence import Precedence
from core.sync.reading import Presumed
from core.sync.together.chains import in_chains
from core.sync.together.crm import CrmsTogether
from core.sync.together.lane import Lane
from core.sync.together.ledger import LedgerTogether
from core.sync.together.reporting import LogTogether, PausesTogether, WakesTogether
from core.sync.together.rounds import Rounds
from core.sync.together.settings import SettingsTogether
from core.sync.turn import Turns

DEADLINE_SECONDS = 300.0
_LOOKED_AGAIN_AFTER = timedelta(minutes=5)
_SAMPLE = 16
_SOON, _SOON_MOST, _SHARE_OF_WAITED = timedelta(seconds=2), timedelta(minutes=1), 0.25


class Slots(Protocol):
    def held(self, connection_id: str) -> AbstractAsyncContextManager[Gate | None]:
        """A slot for bulk work on the connection while the block lasts, and the gate for its requests; None when there
        is none.
        """
        ...

    async def is_free(self, connection_id: str) -> bool:
        """Whether there is one at the moment; it may be gone when it is to be taken."""
        ...


@dataclass(frozen=True, slots=True)
class _Together:
    """What the deliveries of one run share."""

    ledger: LedgerTogether
    attempts: Attempts
    begin: Callable[[], Awaitable[None]]


class Bulk:
    def __init__(
        self,
        *,
        ledger: Ledger,
        configuration: Configuration,
        pauses: Pauses,
        crms: BulkCrms,
        sync_log: BulkLog,
        wake_queue: BulkWakeQueue,
        slots: Slots,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
        precedence: Precedence,
    ) -> None:
        self._ledger = ledger
        self._configuration = configuration
        self._pauses = pauses
        self._crms = crms
        self._sync_log = sync_log
        self._wake_queue = wake_queue
        self._slots = slots
        self._now = now
        self._new_id = new_id
        self._lane = Lane(precedence)

    async def accept(
        self,
        captures: Sequence[Capture],
        action: SyncAction,
        connection: Connection,
        *,
        batch: str,
        trigger: Trigger = "bulk",
        received_at: datetime | None = None,
    ) -> timedelta | None:
        """Runs the captures; those that were delivered before are carried on where they stand. When this returns None,
        each is done, or goes on by itself; else nothing has begun, and the same captures are to come again after that
        time. Raises what storage raises where nothing could be made sure: then they are to come again as well.

        `received_at`: when the first of them came in; each later one counts as received a microsecond later.
        """
        came_in = received_at or self._now()
        times = (came_in + timedelta(microseconds=number) for number in range(len(captures)))
        deliveries = [
            new_delivery(each, action, connection, now=time, due_at=time, trigger=trigger, batch=batch)
            for each, time in zip(captures, times, strict=True)
        ]
        if wait := await self.busy(connection.id):
            return wait
        async with self._slots.held(connection.id) as gate:
            if gate is None:
                return _soon()
            together = self._together(connection.id, gate, await self._presumed(action, deliveries))
            await self._run(together, await self._received(together, deliveries))
        return None

    async def busy(self, connection_id: str, *, waited: timedelta = timedelta()) -> timedelta | None:
        """After which time to come again, where the connection takes no bulk work now; asking costs little. Who has
        `waited` long is not in a hurry: there are many like him, and one of them always comes soon.
        """
        if wait := await self._held_for(connection_id):
            return wait
        return None if await self._slots.is_free(connection_id) else _soon(waited)

    async def run(self, organization: str, delivery_ids: Sequence[str]) -> None:
        """Carries deliveries on that were stored before; where there is no slot for them now, a little later."""
        ledger = LedgerTogether(self._ledger, Rounds(self._lane))
        keys = [delivery_key(each) for each in delivery_ids]
        read = await asyncio.gather(*(ledger.read(organization, key, Delivery) for key in keys))
        found = [each for each in read if each]
        for connection_id in dict.fromkeys(each.entity.connection for each in found):
            own = [each for each in found if each.entity.connection == connection_id]
            async with self._slots.held(connection_id) as gate:
                if gate is not None:
                    await self._run(self._together(connection_id, gate), own)
                    continue
            names = [each.entity.id for each in own]
            await self._wake_queue.wake_all(organization, names, after=_soon().total_seconds())

    async def _held_for(self, connection_id: str) -> timedelta | None:
        """How long nothing is sent on the connection, if so; what waits for somebody is looked at now and then."""
        setup, now = await self._configuration.setup(connection_id), self._now()
        hold = setup.hold(now) if setup else None
        if hold is None:
            return None
        return min(hold.until - now, _LOOKED_AGAIN_AFTER) if hold.until else _LOOKED_AGAIN_AFTER

    async def _presumed(self, action: SyncAction, deliveries: Sequence[Delivery]) -> Presumed:
        """Where nobody of a sample is known here, everybody is taken to be new: a wrong guess costs a look of its own,
        a right one saves one for each of them.
        """
        step = max(1, len(deliveries) // _SAMPLE)
        sample = {(each.organization, subject_key(each, action)) for each in deliveries[::step]}
        read = await asyncio.gather(*(self._ledger.read(*where, Prospect) for where in sample))
        return Presumed.KEYS if any(read) else Presumed.PERSON

    def _together(self, connection_id: str, gate: Gate, presumed: Presumed = Presumed.KEYS) -> _Together:
        rounds = Rounds(self._lane)
        pauses = PausesTogether(self._pauses, rounds)
        ledger = LedgerTogether(self._ledger, rounds)
        crms = CrmsTogether(self._crms, rounds, gate, self._resting(connection_id, gate, self._pauses))
        settings, now = SettingsTogether(self._configuration), self._now
        turns = Turns(
            ledger=ledger,
            configuration=settings,
            crms=crms,
            now=now,
            new_id=self._new_id,
            presumed=presumed,
            rest=self._resting(connection_id, gate, pauses),
        )
        attempts = Attempts(
            turns=turns,
            ledger=ledger,
            configuration=settings,
            pauses=pauses,
            crms=crms,
            sync_log=LogTogether(self._sync_log, rounds),
            wake_queue=WakesTogether(self._wake_queue, rounds),
            now=now,
        )
        return _Together(ledger, attempts, rounds.begin)

    def _resting(self, connection_id: str, gate: Gate, pauses: Pauses) -> Callable[[ThrottledError], Awaitable[None]]:
        """What a turn does that meets a limit: everybody hears of it, and it goes on in its place when that is over."""

        async def rest(limit: ThrottledError) -> None:
            until = self._now() + timedelta(seconds=limit.retry_after)
            await pauses.lengthen_pause(connection_id, Pause(reason=limit.message, code=limit.code, until=until))
            await gate.rest()

        return rest

    async def _received(self, together: _Together, deliveries: Sequence[Delivery]) -> list[Versioned[Delivery]]:
        """Those of a submission get their place among its others. For the rest the intent is the first that is stored:
        where the first of them is known already, they have come before, and stand where they stand.
        """
        ends = (*deliveries[:1], *deliveries[-1:])
        come_again = any([await self._ledger.read(each.organization, each.key, Delivery) for each in ends])
        place = self._placed_again if come_again else self._placed
        return list(await asyncio.gather(*(place(together.ledger, each) for each in deliveries)))

    async def _placed(self, ledger: Ledger, delivery: Delivery) -> Versioned[Delivery]:
        if heard_keys(delivery):
            found, _ = await Intake(ledger=ledger).receive(delivery)
            return found
        return Versioned(delivery.model_copy(update={"is_marked": False}), ABSENT)

    async def _placed_again(self, ledger: Ledger, delivery: Delivery) -> Versioned[Delivery]:
        stored = await ledger.read(delivery.organization, delivery.key, Delivery)
        return stored or await self._placed(ledger, delivery)

    async def _run(self, together: _Together, deliveries: Sequence[Versioned[Delivery]]) -> None:
        async def attempt(found: Versioned[Delivery], followers: Sequence[Versioned[Delivery]]) -> None:
            await together.attempts.attempt(found, followers, deadline=DEADLINE_SECONDS)

        makes_accounts = await self._makes_accounts(deliveries)
        run = in_chains(together.ledger, deliveries, attempt, together.begin, with_companies=makes_accounts)
        for how in await run:
            if how is not None:  # the others are over, or marked
                raise how

    async def _makes_accounts(self, deliveries: Sequence[Versioned[Delivery]]) -> bool:
        names = {found.entity.action for found in deliveries}
        actions = [await self._configuration.action(name) for name in names]
        return any(action and action.account and action.account.on_missing == "create" for action in actions)


def _soon(waited: timedelta = timedelta()) -> timedelta:
    """Those that find no slot do not all come back at once."""
    usual = min(max(waited * _SHARE_OF_WAITED, _SOON), _SOON_MOST)
    return usual * random.uniform(0.5, 1.5)  # noqa: S311  # spreads contenders
