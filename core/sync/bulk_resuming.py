"""What the timer does for bulk actions: sends again for what nobody is doing, counts, and closes what is over."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from core.domain.bulk_batch import Chunk, Source
from core.sync.bulk_alive import Alives
from core.sync.bulk_ports import Batches, BulkQueue, Whole
from core.sync.bulk_settling import Settling
from core.sync.ports import Change, Versioned

SENT_AT_ONCE = 64
_CUT_OFF = timedelta(hours=1)

Part = TypeVar("Part", Source, Chunk)


class Resuming:
    def __init__(
        self,
        *,
        batches: Batches,
        queue: BulkQueue,
        settling: Settling,
        alives: Alives,
        now: Callable[[], datetime],
    ) -> None:
        self._batches = batches
        self._queue = queue
        self._settling = settling
        self._alives = alives
        self._now = now

    async def resume(self) -> None:
        for batch_id, asked_at in (await self._batches.open_ids()).items():
            whole = await self._batches.whole(batch_id)
            if whole is None:
                if self._now() - asked_at > _CUT_OFF:  # before anything of it was stored; nobody was told it was
                    await self._batches.close(batch_id)
                continue
            await self._send(whole)
            await self._settling.look(whole)
            await self._settling.finish(batch_id)

    async def _send(self, whole: Whole) -> None:
        batch_id = whole.batch.entity.id
        for source in whole.sources:
            if not source.entity.is_split and self._is_forgotten(whole, source.entity.entity_key, source.entity):
                await self._again(batch_id, source.entity.entity_key, source, {"source": source.entity.key})
        is_cancelled = whole.batch.entity.cancelled_at is not None
        forgotten = (
            each
            for each in whole.chunks
            if each.entity.state == "waiting" or (is_cancelled and each.entity.state != "over")
            if self._is_forgotten(whole, each.entity.key, each.entity)
        )
        for _, chunk in zip(range(SENT_AT_ONCE), forgotten, strict=False):
            numbered = {"source": chunk.entity.source, "chunk": chunk.entity.number}
            await self._again(batch_id, chunk.entity.key, chunk, numbered)

    def _is_forgotten(self, whole: Whole, key: str, part: Source | Chunk) -> bool:
        return self._alives.is_forgotten(whole.alive, key, sent_at=part.sent_at, sent=part.sent)

    async def _again(self, batch_id: str, key: str, found: Versioned[Part], named: dict[str, Any]) -> None:
        sent = found.entity.model_copy(update={"sent_at": self._now(), "sent": found.entity.sent + 1})
        if await self._batches.commit(batch_id, [Change(key, sent, found.etag)]):
            await self._queue.send({"batch": batch_id, **named})
