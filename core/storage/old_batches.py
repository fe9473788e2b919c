"""Batches that are over, taken away with what was uploaded for them. Blobs that others put there are theirs."""

from datetime import datetime

from core.domain.bulk_batch import BATCH_KEY, Batch
from core.storage.batches import TableBatches
from core.storage.bulk_contents import BlobContents


class OldBatches:
    def __init__(self, batches: TableBatches, contents: BlobContents) -> None:
        self._batches = batches
        self._contents = contents

    async def tidy(self, before: datetime, *, most: int) -> int:
        """Answers how many. One that is still open stays."""
        removed = 0
        for place, batch_id in await self._batches.older(before, most=most):
            found = await self._batches.read(batch_id, BATCH_KEY, Batch)
            if found and found.entity.finished_at is None:
                continue
            await self._contents.remove(f"batches/{batch_id}/")
            await self._batches.remove(batch_id, place)
            removed += 1
        return removed
