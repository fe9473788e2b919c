"""How far a batch has come, counted from the rows of the log; what is over is counted once and remembered.

A chunk's deliveries came in at times of its own, a microsecond apart, so its rows stand together in the log's index.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from core.domain.bulk_batch import BATCH_KEY, Batch, Chunk, alive_key
from core.domain.capture import identity
from core.domain.delivery import Delivery, delivery_key
from core.sync.bulk_chunks import records_of
from core.sync.bulk_ports import Batches, BatchLog, Contents, Whole
from core.sync.ports import Change, Ledger, Versioned

READ_AT_ONCE = 32
COUNTED_AT_ONCE = 20  # chunks that are counted for one look at a batch
# What may become something else by a replay or a release is counted anew, when somebody looks after this time.
_CHANGING = ("failed", "held", "skipped")
# Whoever looks every moment must not keep those busy whom he is looking at.
_COUNTED_JUST_NOW = timedelta(seconds=1)
_CARRIED_OUT_COUNTED_AFTER = timedelta(seconds=5)
_COUNTED_ANEW_AFTER = timedelta(seconds=20)


class Settling:
    def __init__(
        self,
        *,
        batches: Batches,
        contents: Contents,
        ledger: Ledger,
        log: BatchLog,
        now: Callable[[], datetime],
    ) -> None:
        self._batches = batches
        self._contents = contents
        self._ledger = ledger
        self._log = log
        self._now = now

    async def settle(self, batch: Batch, found: Versioned[Chunk]) -> Chunk:
        """The chunk, counted; saved where that says something new."""
        before = found.entity
        after = await self._counted(batch, before)
        if has_moved := _counts(after) != _counts(before):
            after = after.model_copy(update={"moved_at": self._now()})
        if has_moved or before.state == "over":
            await self._batches.commit(batch.id, [Change(after.key, after, found.etag)])
        return after

    async def _counted(self, batch: Batch, chunk: Chunk) -> Chunk:
        outcomes, logged = await self._log.outcomes(
            batch.connection, batch.id, since=chunk.received_at, until=chunk.last_received_at
        )
        repeats = chunk.repeats
        if chunk.state == "taken" and chunk.may_repeat and outcomes.total() + chunk.not_taken < chunk.records:
            repeats = await self._repeats(batch, chunk, logged)
        is_over = chunk.state != "waiting" and outcomes.total() + repeats + chunk.not_taken >= chunk.records
        return chunk.model_copy(
            update={
                "outcomes": dict(outcomes),
                "repeats": repeats,
                "state": "over" if is_over else chunk.state,
                "counted_at": self._now(),
            }
        )

    async def _repeats(self, batch: Batch, chunk: Chunk, logged: set[str]) -> int:
        """Lines for which another delivery answers: one that was there before, or that completes a held one."""
        records = await records_of(self._contents, batch.id, chunk)
        named = [identity(batch.action, each.capture) for each in records if each.capture and not each.error]
        others = [name for name in dict.fromkeys(named) if name not in logged]
        found = await deliveries_of(self._ledger, batch.organization, others)
        ours = [each for each in found if each and self._is_of(each.entity, batch, chunk)]
        return len(named) - len(set(named)) + len(others) - len(ours)

    def _is_of(self, delivery: Delivery, batch: Batch, chunk: Chunk) -> bool:
        is_within = chunk.received_at <= delivery.received_at <= chunk.last_received_at
        return delivery.batch == batch.id and is_within

    async def look(self, whole: Whole) -> list[Chunk]:
        """The batch's chunks; those that may have gone on are counted anew, a bounded number of them at once."""
        moving = sorted((each for each in whole.chunks if self._may_have_changed(whole, each.entity)), key=_counted_at)
        anew = await asyncio.gather(*(self.settle(whole.batch.entity, each) for each in moving[:COUNTED_AT_ONCE]))
        by_key = {chunk.key: chunk for chunk in anew}
        return [by_key.get(each.entity.key, each.entity) for each in whole.chunks]

    def _may_have_changed(self, whole: Whole, chunk: Chunk) -> bool:
        lately = _CARRIED_OUT_COUNTED_AFTER if chunk.state == "waiting" else _COUNTED_JUST_NOW
        if chunk.counted_at and self._now() - chunk.counted_at < lately:
            return False
        if chunk.state == "waiting":
            return alive_key(chunk.key) in whole.alive
        if chunk.state == "taken":
            return True
        may_change = any(chunk.outcomes.get(name) for name in _CHANGING)
        return may_change and (chunk.counted_at is None or self._now() - chunk.counted_at > _COUNTED_ANEW_AFTER)

    async def finish(self, batch_id: str) -> Whole | None:
        """Closes the batch once everything of it is over; again where that was cut off. Answers one that is not."""
        whole = await self._batches.whole(batch_id)
        if whole is None or not is_over(whole, [each.entity for each in whole.chunks]):
            return whole
        if whole.batch.entity.finished_at is None:
            finished = whole.batch.entity.model_copy(update={"finished_at": self._now()})
            if not await self._batches.commit(batch_id, [Change(finished.key, finished, whole.batch.etag)]):
                return None
        await self._batches.close(batch_id)
        after = await self._batches.read(batch_id, BATCH_KEY, Batch)
        if after and after.entity.finished_at is None:  # somebody added to it in between
            await self._batches.enlist(after.entity)
        return None


def is_over(whole: Whole, chunks: Sequence[Chunk]) -> bool:
    """A batch that nothing has been added to yet has not begun."""
    if not whole.sources:
        return False
    return all(each.entity.is_split for each in whole.sources) and all(each.state == "over" for each in chunks)


def _counts(chunk: Chunk) -> tuple[dict[str, int], int, str]:
    return chunk.outcomes, chunk.repeats, chunk.state


def _counted_at(found: Versioned[Chunk]) -> tuple[bool, datetime]:
    at = found.entity.counted_at
    return at is not None, at or found.entity.received_at


async def deliveries_of(ledger: Ledger, organization: str, ids: Sequence[str]) -> list[Versioned[Delivery] | None]:
    found: list[Versioned[Delivery] | None] = []
    for start in range(0, len(ids), READ_AT_ONCE):
        some = (delivery_key(each) for each in ids[start : start + READ_AT_ONCE])
        found += await asyncio.gather(*(ledger.read(organization, key, Delivery) for key in some))
    return found
