"""Takes a delivery out of the ledger once nobody needs it any more, and gives up one that nobody will release.

What is open stays: on its way, waiting for a release, marked as work. What a person was told to be, and which row they
went to, stands in the prospect, which stays; so a delivery that comes again after its first copy was forgotten finds
the same row.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from core.domain.delivery import Delivery, Due, Outcome, delivery_key
from core.domain.submission import Heard, heard_keys, without_delivery
from core.sync.attempt import Attempts
from core.sync.ports import Change, Ledger

Fate = Literal["forgotten", "gone", "open"]


class Forgetting:
    def __init__(self, *, ledger: Ledger, attempts: Attempts, now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._attempts = attempts
        self._now = now

    async def forget(self, organization: str, delivery_id: str) -> Fate:
        """`open` also where it was taken up anew just now."""
        found = await self._ledger.read(organization, delivery_key(delivery_id), Delivery)
        if found is None:
            return "gone"
        delivery = found.entity
        if delivery.state != "done" or delivery.waits_for_release:
            return "open"
        if await self._ledger.read(organization, delivery.due.key, Due):
            return "open"
        changes = [Change(delivery.key, None, found.etag), *await self._unheard(delivery)]
        return "forgotten" if await self._ledger.commit(organization, changes) else "open"

    async def _unheard(self, delivery: Delivery) -> list[Change]:
        """What has been heard of its submission, without it."""
        keys = heard_keys(delivery)
        parts = [await self._ledger.read(delivery.organization, key, Heard) for key in keys]
        return [
            Change(key, await self._left_of(part.entity, key, delivery), part.etag)
            for key, part in zip(keys, parts, strict=True)
            if part
        ]

    async def _left_of(self, heard: Heard, key: str, delivery: Delivery) -> Heard | None:
        """Nothing, where no other delivery knows this name of the submission itself: it would not be found again."""
        left = without_delivery(heard, delivery.id)
        names = {*left.holders, *left.deliveries} if left else set()
        others = [
            await self._ledger.read(delivery.organization, delivery_key(name), Delivery) for name in sorted(names)
        ]
        return left if any(key in heard_keys(other.entity) for other in others if other) else None

    async def give_up(self, organization: str, delivery_id: str, *, reason: str) -> bool:
        """Ends a held capture as skipped. What comes of the submission later is a delivery of its own."""
        found = await self._ledger.read(organization, delivery_key(delivery_id), Delivery)
        if found is None:
            return False
        delivery, etag = found.entity, found.etag
        if delivery.state == "done" and delivery.waits_for_release and delivery.result:
            ended = {"outcome": Outcome.SKIPPED, "reason": reason, "finished_at": self._now()}
            result = delivery.result.model_copy(update=ended)
            delivery = delivery.model_copy(update={"result": result, "revision": delivery.revision + 1})
            if not await self._ledger.commit(organization, [Change(delivery.key, delivery, etag)]):
                return False  # it has just been released
        elif delivery.state != "done":
            return False
        await self._attempts.conclude(delivery)
        return True
