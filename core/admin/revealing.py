"""Who a delivery is about, in clear, for somebody who asks to see it; that he asked is kept.

The log itself holds masked words only. The clear ones stand with the delivery, so nothing is shown of people whose
deliveries have been erased.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.domain.delivery import Delivery, Outcome, Result, delivery_key
from core.domain.masking import person_in_clear
from core.sync.ports import Ledger


class Audit(Protocol):
    async def note(self, *, who: str, what: str, at: datetime, people: int, shown: Sequence[str] = ()) -> None: ...


@dataclass(frozen=True, slots=True)
class Clear:
    """What the masked row says, in the words that were used."""

    person: str
    prospect: str
    activity: str
    reason: str
    words: str
    warnings: tuple[str, ...]


class Revealing:
    def __init__(self, *, ledger: Ledger, audit: Audit, now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._audit = audit
        self._now = now

    async def deliveries(
        self, wanted: Sequence[tuple[str, str]], *, who: str, what: str, shown: Sequence[str] = ()
    ) -> dict[str, Clear]:
        """By delivery id, of organisation and id. Raises when the asking cannot be kept: then nothing is shown."""
        receipts = [f"delivery|{receipt}" for _, receipt in wanted]
        await self.keep(who=who, what=what, people=len(wanted), shown=[*receipts, *shown])
        found = await asyncio.gather(*(self._ledger.read(place, delivery_key(id_), Delivery) for place, id_ in wanted))
        return {each.entity.id: _clear(each.entity) for each in found if each}

    async def keep(self, *, who: str, what: str, people: int, shown: Sequence[str] = ()) -> None:
        """`shown`: whose, by `delivery|…`, `prospect|…` and `email|…` (hashed), as the log's indexes name them."""
        await self._audit.note(who=who, what=what, at=self._now(), people=people, shown=shown)


def _clear(delivery: Delivery) -> Clear:
    capture, result = delivery.capture, delivery.result or Result(outcome=Outcome.SKIPPED)
    return Clear(
        person=person_in_clear(capture.prospect.fields),
        prospect=capture.prospect.id or "",
        activity=capture.submission.activity_id or "",
        reason=result.reason,
        words=result.words,
        warnings=result.warnings,
    )
