"""Takes a person out of the ledger: out of the deliveries that are over, and as a prospect.

What stands in Dynamics stays. The keys of addresses and names stay too: hashes, which hold nothing but who is at work.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from core.domain.capture import submission_name
from core.domain.delivery import Alias, Delivery, alias_key, delivery_key, prospect_key
from core.domain.erasure import erased, names_of
from core.domain.prospect import Prospect
from core.domain.submission import Heard, heard_keys, without_person
from core.errors import InvalidInputError, RetryableError
from core.sync.attempt import Attempts
from core.sync.ports import Change, Ledger

_ROUNDS_MOST = 10
Links = dict[str, str]


@dataclass(frozen=True, slots=True)
class Fate:
    """`open`: it is on its way, again or still. `row`: table and id of where it went in Dynamics."""

    word: Literal["erased", "gone", "open"]
    row: tuple[str, str] | None = None


class Erasing:
    def __init__(self, *, ledger: Ledger, attempts: Attempts, now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._attempts = attempts
        self._now = now

    async def delivery(self, organization: str, delivery_id: str) -> Fate:
        """With whom it speaks of, and its row in the log."""
        found = await self._ledger.read(organization, delivery_key(delivery_id), Delivery)
        if found is None:
            return Fate("gone")
        delivery = found.entity
        if delivery.state != "done":
            return Fate("open")
        row = (delivery.result.table, delivery.result.row_id) if delivery.result and delivery.result.row_id else None
        if delivery.erased_at is None:
            await self._forget_names(delivery)
            delivery = erased(delivery, self._now())
            if not await self._ledger.commit(organization, [Change(delivery.key, delivery, found.etag)]):
                return Fate("open")
        await self._attempts.conclude(delivery)
        return Fate("erased", row)

    async def prospect(self, organization: str, name: str) -> Links:
        """Which rows in Dynamics they were; nothing where nobody is known by that name."""
        for _ in range(_ROUNDS_MOST):
            found = await self._ledger.read(organization, prospect_key(name), Prospect)
            if found is None:
                return {}
            if found.entity.claimed_by:
                message = "Something is being written for this person: ask again."
                raise InvalidInputError(message, field="prospect_id", status=409)
            if await self._ledger.commit(organization, [Change(prospect_key(name), None, found.etag)]):
                return found.entity.links
        raise RetryableError("This person is being changed by others.")

    async def _forget_names(self, delivery: Delivery) -> None:
        """The prospect of its submission, and what says whose the submission is."""
        organization = delivery.organization
        for heard_key in heard_keys(delivery):
            if heard := await self._ledger.read(organization, heard_key, Heard):
                await self._ledger.commit(organization, [Change(heard_key, without_person(heard.entity), heard.etag)])
        key = alias_key(submission_name(delivery.capture, delivery.id))
        names = names_of(delivery)
        if alias := await self._ledger.read(organization, key, Alias):
            names.add(alias.entity.prospect_key.removeprefix(prospect_key("")))
            await self._ledger.commit(organization, [Change(key, None, alias.etag)])
        for name in sorted(names):
            await self.prospect(organization, name)
