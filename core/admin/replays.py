"""Replays: deliveries are taken up anew and go through the same line as every other.

First everything that is meant is listed in pages, then each page is taken up: so what fails again is not taken up
twice, and after a crash the timer goes on where the pages say. Taking up is one transaction with the mark of open
work; from then on the delivery completes by itself.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.domain.delivery import Delivery, Due, Intent, Result, delivery_key
from core.domain.replay import (
    Listed,
    MappingChoice,
    Page,
    Replay,
    Selection,
    Verdict,
    is_withdrawn,
    taken_up,
    verdict,
)
from core.domain.submission import Heard, all_heard, heard_keys
from core.domain.trail import Attempt
from core.errors import InvalidInputError, SyncError
from core.sync.ports import ABSENT, Change, Ledger, Versioned, WakeQueue
from core.sync.turn import Turns

PAGE = 500
FORESEEN_MOST = 100
AT_ONCE = 8
TRIES_MOST = 5
PREVIEWED_MOST = 20


class Log(Protocol):
    async def listed(
        self, selection: Selection, connections: Sequence[str], *, after: str | None, most: int
    ) -> tuple[Page, str | None]: ...

    async def attempts(self, delivery: Delivery) -> tuple[Attempt, ...]:
        """Those that stand in the row of a delivery that is over; none where its row has not been written yet."""
        ...


class Store(Protocol):
    async def create(self, replay: Replay) -> bool: ...

    async def read(self, replay_id: str) -> Versioned[Replay] | None: ...

    async def save(self, replay: Replay, etag: str) -> Versioned[Replay] | None: ...

    async def open(self) -> list[Replay]: ...

    async def save_page(self, replay_id: str, number: int, page: Page) -> None: ...

    async def page(self, replay_id: str, number: int) -> Page: ...


class Places(Protocol):
    """Where deliveries may stand."""

    async def connections(self) -> list[str]: ...

    async def organizations(self) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a replay would come to, of the first deliveries that it means."""

    verdicts: dict[str, int]
    previews: list[tuple[Delivery, Intent | Result | SyncError]]
    is_all: bool


class Replays:
    def __init__(
        self,
        *,
        store: Store,
        log: Log,
        ledger: Ledger,
        places: Places,
        turns: Turns,
        wake_queue: WakeQueue,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._log = log
        self._ledger = ledger
        self._places = places
        self._turns = turns
        self._wake_queue = wake_queue
        self._now = now

    async def begin(self, replay_id: str, selection: Selection, mapping: MappingChoice, asked_by: str) -> bool:
        """False: this very replay was asked for before. Raises InvalidInputError when another one has the id."""
        asked = Replay(id=replay_id, selection=selection, mapping=mapping, asked_at=self._now(), asked_by=asked_by)
        if await self._store.create(asked):
            return True
        known = await self._store.read(replay_id)
        if known is None or (known.entity.selection, known.entity.mapping) != (selection, mapping):
            message = f"The replay {replay_id} was begun with other words: choose another id."
            raise InvalidInputError(message, field="id", status=409)
        return False

    async def run(self, replay_id: str, *, seconds: float) -> None:
        """Goes on with it for so long. Whoever finds that another is at work leaves it to him."""
        until = self._now().timestamp() + seconds
        found = await self._store.read(replay_id)
        while found and found.entity.state != "done" and self._now().timestamp() < until:
            step = self._list if found.entity.state == "listing" else self._take
            found = await self._store.save(await step(found.entity), found.etag)

    async def run_open(self, *, seconds: float) -> int:
        """What the timer does; answers how many were open."""
        every = await self._store.open()
        for replay in every:
            await self.run(replay.id, seconds=seconds / len(every))
        return len(every)

    async def foreseen(self, selection: Selection, mapping: MappingChoice) -> Foreseen:
        """What would come of it. Stores and writes nothing."""
        page, after = await self._page(selection, None, FORESEEN_MOST)
        found = [
            await self._ledger.read(each.organization, delivery_key(each.delivery), Delivery) for each in page.items
        ]
        judged = [(each.entity, await self._judged(each.entity, "")) for each in found if each]
        verdicts = Counter(word for _, word in judged) + Counter(gone=len(page.items) - len(judged))
        would = [
            taken_up(delivery, "dry-run", mapping, now=self._now()) for delivery, word in judged if word == "taken"
        ]
        previews = [(each, await self._preview(each)) for each in would[:PREVIEWED_MOST]]
        return Foreseen(dict(verdicts), previews, is_all=after is None)

    async def _preview(self, delivery: Delivery) -> Intent | Result | SyncError:
        try:
            return await self._turns.preview(delivery)
        except SyncError as error:
            return error

    # --- Listing ----------------------------------------------------------------------------------------------------

    async def _list(self, replay: Replay) -> Replay:
        page, after = await self._page(replay.selection, replay.after, PAGE)
        number = replay.pages
        if page.items:
            await self._store.save_page(replay.id, number, page)
            number += 1
        state = "listing" if after is not None else "taking"
        listed = replay.listed + len(page.items)
        return replay.model_copy(update={"pages": number, "after": after, "state": state, "listed": listed})

    async def _page(self, selection: Selection, after: str | None, most: int) -> tuple[Page, str | None]:
        if selection.receipts:
            return Page(items=tuple([await self._placed(receipt) for receipt in selection.receipts])), None
        return await self._log.listed(selection, await self._places.connections(), after=after, most=most)

    async def _placed(self, receipt: str) -> Listed:
        """Of one that stands nowhere, it is found out later that it is gone."""
        for organization in await self._places.organizations():
            if await self._ledger.read(organization, delivery_key(receipt), Delivery):
                return Listed(organization=organization, delivery=receipt)
        return Listed(organization="none", delivery=receipt)

    # --- Taking up --------------------------------------------------------------------------------------------------

    async def _take(self, replay: Replay) -> Replay:
        if replay.next_page >= replay.pages:
            return replay.model_copy(update={"state": "done"})
        page = await self._store.page(replay.id, replay.next_page)
        verdicts: Counter[str] = Counter(replay.verdicts)
        for start in range(0, len(page.items), AT_ONCE):
            some = page.items[start : start + AT_ONCE]
            verdicts.update(await asyncio.gather(*(self._take_one(each, replay) for each in some)))
        is_last = replay.next_page + 1 >= replay.pages
        state = "done" if is_last else "taking"
        return replay.model_copy(update={"verdicts": dict(verdicts), "next_page": replay.next_page + 1, "state": state})

    async def _take_one(self, listed: Listed, replay: Replay) -> Verdict:
        for _ in range(TRIES_MOST):
            found = await self._ledger.read(listed.organization, delivery_key(listed.delivery), Delivery)
            if found is None:
                return "gone"
            word, heard = await self._judged_with(found.entity, replay.id)
            if word != "taken" or replay.id in found.entity.replays:
                return word
            if await self._taken(found, heard, replay):
                return "taken"
        return "on_its_way"  # others are at work on it, again and again

    async def _judged(self, delivery: Delivery, replay_id: str) -> Verdict:
        return (await self._judged_with(delivery, replay_id))[0]

    async def _judged_with(self, delivery: Delivery, replay_id: str) -> tuple[Verdict, list[Change]]:
        """With the condition that nothing more is heard of the submission meanwhile."""
        word = verdict(delivery, replay_id)
        if word != "taken" or replay_id in delivery.replays:
            return word, []
        keys = heard_keys(delivery)
        read = [await self._ledger.read(delivery.organization, key, Heard) for key in keys]
        if is_withdrawn(delivery, all_heard(part.entity for part in read if part)):
            return "withdrawn", []
        return word, [Change(key, part.entity, part.etag) for key, part in zip(keys, read, strict=True) if part]

    async def _taken(self, found: Versioned[Delivery], heard: list[Change], replay: Replay) -> bool:
        logged = await self._log.attempts(found.entity)
        after = taken_up(found.entity, replay.id, replay.mapping, logged, now=self._now())
        mark: Due = after.due.model_copy(update={"woken_at": self._now()})
        changes = [Change(after.key, after, found.etag), Change(mark.key, mark, ABSENT), *heard]
        if not await self._ledger.commit(after.organization, changes):
            return False
        await self._wake_queue.wake(after.organization, after.id)
        return True
