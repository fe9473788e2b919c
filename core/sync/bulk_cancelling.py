"""Cancelling a batch: what is not written yet is not written any more; what is written stays.

Lines that had not become deliveries never do, and are counted as not taken. Deliveries that nobody has decided on yet
end as `withdrawn`; one whose intent stands is carried out, for its write may be on its way.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from core.domain.bulk_batch import BATCH_KEY, Batch, Chunk
from core.domain.capture import identity
from core.domain.delivery import Delivery, Outcome, Result
from core.errors import InvalidInputError, RetryableError
from core.sync.attempt import Attempts
from core.sync.bulk_chunks import records_of
from core.sync.bulk_ports import Batches, BulkQueue, Contents
from core.sync.bulk_settling import READ_AT_ONCE, deliveries_of
from core.sync.ports import Change, Ledger, Versioned

TRIES_MOST = 20
_REASON = "The bulk action was cancelled before this was written."


class Running(Protocol):
    async def run(self, organization: str, delivery_ids: Sequence[str]) -> None: ...


class Cancelling:
    def __init__(
        self,
        *,
        batches: Batches,
        contents: Contents,
        queue: BulkQueue,
        ledger: Ledger,
        attempts: Attempts,
        bulk: Running,
        now: Callable[[], datetime],
    ) -> None:
        self._batches = batches
        self._contents = contents
        self._queue = queue
        self._ledger = ledger
        self._attempts = attempts
        self._bulk = bulk
        self._now = now

    async def cancel(self, batch_id: str) -> None:
        """Marks it; the chunks that are not over are then gone through, each by a message of its own."""
        for _ in range(TRIES_MOST):
            found = await self._batches.read(batch_id, BATCH_KEY, Batch)
            if found is None:
                raise InvalidInputError(f"There is no batch {batch_id}.", field="batch", status=404)
            if found.entity.cancelled_at or found.entity.finished_at:
                break
            cancelled = found.entity.model_copy(update={"cancelled_at": self._now()})
            if await self._batches.commit(batch_id, [Change(cancelled.key, cancelled, found.etag)]):
                break
        else:
            raise RetryableError("The batch is being changed by others. Try again.", detail=batch_id)
        await self._send(batch_id)

    async def _send(self, batch_id: str) -> None:
        whole = await self._batches.whole(batch_id)
        for chunk in whole.chunks if whole else ():
            if chunk.entity.state != "over":
                await self._queue.send({"batch": batch_id, "source": chunk.entity.source, "chunk": chunk.entity.number})

    async def withdraw(self, batch: Batch, found: Versioned[Chunk]) -> Versioned[Chunk]:
        """What of the chunk can still be stopped, is."""
        records = await records_of(self._contents, batch.id, found.entity)
        named = list(dict.fromkeys(identity(batch.action, each.capture) for each in records if each.capture))
        deliveries = await deliveries_of(self._ledger, batch.organization, named)
        open_ones = [each for each in deliveries if each and each.entity.batch == batch.id]
        for start in range(0, len(open_ones), READ_AT_ONCE):
            await asyncio.gather(*(self._stop(each) for each in open_ones[start : start + READ_AT_ONCE]))
        await self._carry_on([each.entity for each in open_ones if each.entity.state == "intent"])
        if found.entity.state != "waiting":
            return found
        not_taken = found.entity.records - len(open_ones)
        stopped = found.entity.model_copy(update={"state": "taken", "not_taken": not_taken, "moved_at": self._now()})
        etags = await self._batches.commit(batch.id, [Change(stopped.key, stopped, found.etag)])
        return Versioned(stopped, etags[0]) if etags else found

    async def _carry_on(self, decided: Sequence[Delivery]) -> None:
        """What they are about to write may be on its way; and their chunk does not come again to end them."""
        for organization in dict.fromkeys(each.organization for each in decided):
            await self._bulk.run(organization, [each.id for each in decided if each.organization == organization])

    async def _stop(self, found: Versioned[Delivery]) -> None:
        """Whoever decides on it at this moment is quicker, or finds it over. Its row of the log is written again where
        that was cut off.
        """
        if _is_stopped(found.entity):
            await self._attempts.conclude(found.entity)
        if found.entity.state != "received":
            return
        result = Result(outcome=Outcome.WITHDRAWN, reason=_REASON, finished_at=self._now())
        done = found.entity.model_copy(update={"state": "done", "result": result})
        if await self._ledger.commit(done.organization, [Change(done.key, done, found.etag)]):
            await self._attempts.conclude(done)


def _is_stopped(delivery: Delivery) -> bool:
    return delivery.result is not None and delivery.result.reason == _REASON
