"""The rows of a batch that failed, as they were sent, with the reason from the log: to be mended and sent again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.domain.bulk_batch import Batch, Chunk, Record
from core.domain.capture import Capture, identity
from core.sync.bulk_chunks import records_of
from core.sync.bulk_ports import Contents
from core.sync.bulk_settling import deliveries_of
from core.sync.ports import Ledger

ROWS_MOST = 5_000


@dataclass(frozen=True, slots=True)
class FailedRow:
    record: Record
    reason: str


class Log(Protocol):
    async def failures(self, connection: str, batch: str, *, since: datetime, until: datetime) -> Mapping[str, str]:
        """The failed deliveries of the batch that were received in that time, with why."""
        ...


class FailedRows:
    def __init__(self, *, contents: Contents, log: Log, ledger: Ledger) -> None:
        self._contents = contents
        self._log = log
        self._ledger = ledger

    async def page(self, batch: Batch, chunks: Sequence[Chunk], *, after: str) -> tuple[list[FailedRow], str]:
        """Those of the chunks behind `after`, in the order of the file, and where the next page begins, if anywhere."""
        rows: list[FailedRow] = []
        for chunk in chunks:
            if chunk.key <= after or not chunk.outcomes.get("failed"):
                continue
            rows += await self._of(batch, chunk)
            if len(rows) >= ROWS_MOST:
                return rows, chunk.key
        return rows, ""

    async def _of(self, batch: Batch, chunk: Chunk) -> list[FailedRow]:
        reasons = await self._log.failures(
            batch.connection, batch.id, since=chunk.received_at, until=chunk.last_received_at
        )
        erased = await self._erased(batch, list(reasons))
        records = await records_of(self._contents, batch.id, chunk)
        named = ((identity(batch.action, record.capture or Capture()), record) for record in records)
        return [FailedRow(record, reasons[name]) for name, record in named if name in reasons and name not in erased]

    async def _erased(self, batch: Batch, names: list[str]) -> set[str]:
        """Of people who were erased since; what was uploaded is kept a while longer, and shown to nobody."""
        found = await deliveries_of(self._ledger, batch.organization, names)
        return {each.entity.id for each in found if each and each.entity.erased_at is not None}
