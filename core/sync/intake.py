"""Receiving a delivery: one transaction makes it durable and gives it its place among those of its submission.

A repeat finds the delivery that came first, also where a held one took that over. What a submission's deliveries mean
for each other, `domain.submission` says.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.domain.action import SyncAction
from core.domain.capture import Capture, digest, identity
from core.domain.connection import Connection
from core.domain.delivery import Delivery, Due, Trigger, delivery_key
from core.domain.submission import Heard, Step, all_heard, asks_for_deliveries, heard_keys, next_step
from core.errors import RetryableError
from core.sync.ports import ABSENT, ANY, Change, Ledger, Versioned

REPEAT_WINDOW = timedelta(hours=24)
ROUNDS_MOST = 60


def new_delivery(
    capture: Capture,
    action: SyncAction,
    connection: Connection,
    *,
    now: datetime,
    due_at: datetime,
    trigger: Trigger = "capture",
    batch: str = "",
) -> Delivery:
    """`due_at`: when the timer may take it for forgotten."""
    return Delivery(
        id=identity(action.id, capture),
        organization=connection.partition,
        connection=connection.id,
        action=action.id,
        trigger=trigger,
        capture=capture,
        received_at=now,
        due_at=due_at,
        batch=batch,
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """What is known of a submission: under which names, and its deliveries that matter now."""

    heard: dict[str, Versioned[Heard] | None]
    earlier: tuple[Versioned[Delivery], ...]

    @property
    def all_heard(self) -> Heard:
        return all_heard(part.entity for part in self.heard.values() if part)

    def etag(self, delivery: Delivery) -> str:
        return next(each.etag for each in self.earlier if each.entity.id == delivery.id)

    def before(self, delivery: Delivery) -> Delivery:
        return next(each.entity for each in self.earlier if each.entity.id == delivery.id)


class Intake:
    def __init__(self, *, ledger: Ledger) -> None:
        self._ledger = ledger

    async def receive(self, delivery: Delivery) -> tuple[Versioned[Delivery], bool]:
        """The stored delivery that answers for this one, and whether this one had been delivered before."""
        nothing = _Place(dict.fromkeys(heard_keys(delivery)), ())
        if stored := await self._commit(nothing, next_step(delivery, Heard(), ())):
            return stored, False
        for _ in range(ROUNDS_MOST):
            first = await self._ledger.read(delivery.organization, delivery_key(delivery.id), Delivery)
            if first and not _completes(delivery, first.entity):
                if _is_repeat_of(delivery, first.entity):
                    return first, True
                delivery = _said_anew(delivery, first.entity)
                first = None
            place = await self._place(delivery, first)
            if absorber := next((each for each in place.earlier if delivery.id in each.entity.absorbed), None):
                return absorber, True
            if stored := await self._commit(place, next_step(delivery, place.all_heard, _entities(place))):
                return stored, False
        raise RetryableError("Too many deliveries of the same submission at once.", detail=delivery.id)

    async def _place(self, delivery: Delivery, same_id: Versioned[Delivery] | None) -> _Place:
        heard = await self._heard(delivery.organization, heard_keys(delivery))
        known = all_heard(part.entity for part in heard.values() if part)
        last_ones = known.deliveries if asks_for_deliveries(delivery, known) else ()
        wanted = dict.fromkeys((*known.holders, *last_ones))
        read = [self._ledger.read(delivery.organization, delivery_key(name), Delivery) for name in wanted]
        earlier = {each.entity.id: each for each in await asyncio.gather(*read) if each}
        if same_id:
            earlier[same_id.entity.id] = same_id
        names = {key for each in earlier.values() for key in heard_keys(each.entity)} - heard.keys()
        return _Place(heard | await self._heard(delivery.organization, tuple(sorted(names))), tuple(earlier.values()))

    async def _heard(self, organization: str, keys: tuple[str, ...]) -> dict[str, Versioned[Heard] | None]:
        read = await asyncio.gather(*(self._ledger.read(organization, key, Heard) for key in keys))
        return dict(zip(keys, read, strict=True))

    async def _commit(self, place: _Place, step: Step) -> Versioned[Delivery] | None:
        """None: somebody else received something of this submission first, or this very delivery."""
        delivery = step.delivery
        changes = await self._stored(place, delivery, is_new=step.is_new)
        for other in step.others:
            changes += await self._stored(place, other, is_new=False)
        changes += [Change(key, step.heard, part.etag if part else ABSENT) for key, part in place.heard.items()]
        etags = await self._ledger.commit(delivery.organization, changes)
        return Versioned(delivery, etags[0]) if etags else None

    async def _stored(self, place: _Place, after: Delivery, *, is_new: bool) -> list[Change]:
        """The delivery with its mark of open work; one that is taken up again leaves no older mark behind."""
        if is_new:
            return [Change(after.key, after, ABSENT), Change(after.due.key, after.due, ABSENT)]
        changes, before = [Change(after.key, after, place.etag(after))], place.before(after)
        if after.due.key != before.due.key:
            changes.append(Change(after.due.key, after.due, ABSENT))
            if await self._ledger.read(before.organization, before.due.key, Due):
                changes.append(Change(before.due.key, None, ANY))
        return changes


def _entities(place: _Place) -> list[Delivery]:
    return [each.entity for each in place.earlier]


def _completes(delivery: Delivery, first: Delivery) -> bool:
    """Senders that name a delivery after its submission say the same id when it is released."""
    return first.waits_for_release and not delivery.capture.is_held


def _is_repeat_of(delivery: Delivery, first: Delivery) -> bool:
    """A delivery id or a submission's id makes it the same for good; content alone only within a day."""
    named = delivery.capture.delivery_id or heard_keys(delivery)
    return bool(named) or delivery.received_at - first.received_at < REPEAT_WINDOW


def _said_anew(delivery: Delivery, first: Delivery) -> Delivery:
    """The same words after a day are said anew: their id follows from the earlier delivery."""
    anew = digest(delivery.id, first.received_at.isoformat())
    return delivery.model_copy(update={"id": anew})
