"""Carrying out one chunk: its lines become deliveries, those that could not be read become failed rows of the log.

A chunk may be taken twice, by two at once, or half: each line is the same delivery every time. Once all are durable it
is `taken`, and needs nobody any more: deliveries go on by themselves.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from core.domain.action import SyncAction
from core.domain.bulk_batch import BATCH_KEY, Batch, Chunk, Record, chunk_blob, chunk_key
from core.domain.capture import Capture
from core.domain.connection import Connection
from core.domain.delivery import ErrorClass, Outcome, Result, Trigger
from core.errors import MisconfiguredConnectionError
from core.logs import logger
from core.sync.bulk_alive import Alives
from core.sync.bulk_ports import Batches, BulkQueue, Contents, Whole
from core.sync.intake import new_delivery
from core.sync.ports import Change, Configuration, SyncLog, Versioned

UNREADABLE_LINE = "unreadable_line"
_WRITTEN_AT_ONCE = 16

_log = logger("captello.bulk")


_SOONER = timedelta(seconds=2)  # queues count whole seconds, and their clocks are their own


class Accepting(Protocol):
    async def accept(
        self,
        captures: Sequence[Capture],
        action: SyncAction,
        connection: Connection,
        *,
        batch: str,
        trigger: Trigger = "bulk",
        received_at: datetime | None = None,
    ) -> timedelta | None:
        """After which time the same captures are to come again; None: that is not needed."""
        ...

    async def busy(self, connection_id: str, *, waited: timedelta = ...) -> timedelta | None:
        """After which time to come again, where the connection takes no bulk work now."""
        ...


class Cancelling(Protocol):
    async def withdraw(self, batch: Batch, found: Versioned[Chunk]) -> Versioned[Chunk]: ...


class Settling(Protocol):
    async def settle(self, batch: Batch, found: Versioned[Chunk]) -> Chunk: ...

    async def finish(self, batch_id: str) -> Whole | None:
        """The batch where it is not over."""
        ...


async def records_of(contents: Contents, batch: str, chunk: Chunk) -> list[Record]:
    content = b"".join([block async for block in contents.stream(chunk_blob(batch, chunk))])
    return [Record.model_validate_json(line) for line in content.split(b"\n")]


def _is_wanted(batch: Batch, chunk: Chunk) -> bool:
    return chunk.state == "waiting" and batch.cancelled_at is None


class Chunks:
    def __init__(
        self,
        *,
        batches: Batches,
        contents: Contents,
        configuration: Configuration,
        bulk: Accepting,
        sync_log: SyncLog,
        settling: Settling,
        cancelling: Cancelling,
        alives: Alives,
        queue: BulkQueue,
        now: Callable[[], datetime],
    ) -> None:
        self._batches = batches
        self._contents = contents
        self._queue = queue
        self._configuration = configuration
        self._bulk = bulk
        self._sync_log = sync_log
        self._settling = settling
        self._cancelling = cancelling
        self._alives = alives
        self._now = now

    async def run(self, batch_id: str, source: str, number: int, *, waited: timedelta = timedelta()) -> None:
        """Raises SyncError where it has to be done again. `waited`: how long for its connection."""
        batch, found = await self._read(batch_id, chunk_key(source, number))
        if batch is None or found is None:
            _log.warning("chunk %d of batch %s was to be carried out but is not in the store", number, batch_id)
            return
        if _is_wanted(batch.entity, found.entity):  # hundreds wait at times: they look before they read anything
            wait = await self._bulk.busy(batch.entity.connection, waited=waited)
            if wait is not None:
                await self._wait(batch_id, found.entity.key, wait, waited)
                return
        async with self._alives.at_work(batch_id, found.entity.key) as is_ours:
            if is_ours and found.entity.state != "over":
                await self._carry_out(batch.entity, found, waited)

    async def _wait(self, batch_id: str, key: str, wait: timedelta, waited: timedelta) -> None:
        """A message comes later instead of this one, unless one is on its way already."""
        while (found := await self._batches.read(batch_id, key, Chunk)) and found.entity.state == "waiting":
            chunk = found.entity
            if chunk.sent_at > self._now() + _SOONER:
                return
            awaited = chunk.model_copy(update={"sent_at": self._now() + wait})
            if await self._batches.commit(batch_id, [Change(key, awaited, found.etag)]):
                seconds = (waited + wait).total_seconds()
                again = {"batch": batch_id, "source": chunk.source, "chunk": chunk.number, "waited": seconds}
                await self._queue.send(again, after=wait.total_seconds())
                return

    async def _carry_out(self, batch: Batch, found: Versioned[Chunk], waited: timedelta) -> None:
        if _is_wanted(batch, found.entity):
            wait = await self._take(batch, found.entity)
            if wait is not None:
                await self._wait(batch.id, found.entity.key, wait, waited)
                return
        again, chunk = await self._read(batch.id, found.entity.key)
        if again is None or chunk is None:
            return
        if again.entity.cancelled_at is not None:
            chunk = await self._cancelling.withdraw(again.entity, chunk)
        if (await self._settling.settle(again.entity, chunk)).state == "over":
            unfinished = await self._settling.finish(batch.id)
            if unfinished is not None:
                await self._call_next(unfinished)

    async def _call_next(self, whole: Whole) -> None:
        """A slot is free: one of those that wait for one comes now, not when it meant to look again."""
        waiting = (each for each in whole.chunks if _is_wanted(whole.batch.entity, each.entity))
        found = next((each for each in waiting if each.entity.sent_at > self._now() + _SOONER), None)
        if found is None:
            return
        called = found.entity.model_copy(update={"sent_at": self._now()})
        if await self._batches.commit(whole.batch.entity.id, [Change(called.key, called, found.etag)]):
            await self._queue.send({"batch": whole.batch.entity.id, "source": called.source, "chunk": called.number})

    async def _read(self, batch_id: str, key: str) -> tuple[Versioned[Batch] | None, Versioned[Chunk] | None]:
        return await asyncio.gather(
            self._batches.read(batch_id, BATCH_KEY, Batch), self._batches.read(batch_id, key, Chunk)
        )

    async def _take(self, batch: Batch, chunk: Chunk) -> timedelta | None:
        """After which time to try again, where its connection does not take it now."""
        action = await self._configuration.action(batch.action)
        setup = await self._configuration.setup(batch.connection)
        if action is None or setup is None:
            raise MisconfiguredConnectionError("The batch's action is not configured any more.", detail=batch.id)
        records = await records_of(self._contents, batch.id, chunk)
        readable = [record.capture for record in records if record.capture and not record.error]
        unreadable = [record for record in records if record.error]
        behind = chunk.received_at + timedelta(microseconds=len(readable))
        wait = await self._bulk.accept(
            readable,
            action,
            setup.connection,
            batch=batch.id,
            trigger=batch.trigger,
            received_at=chunk.received_at,
        )
        if wait is None:
            await self._log_unreadable(batch, unreadable, action, setup.connection, behind)
            await self._mark_taken(batch.id, chunk.key)
        return wait

    async def _mark_taken(self, batch_id: str, key: str) -> None:
        """Whatever else was noted of it meanwhile."""
        while found := await self._batches.read(batch_id, key, Chunk):
            taken = found.entity.model_copy(update={"state": "taken", "moved_at": self._now()})
            if found.entity.state != "waiting" or await self._batches.commit(
                batch_id, [Change(key, taken, found.etag)]
            ):
                return

    async def _log_unreadable(
        self,
        batch: Batch,
        records: Sequence[Record],
        action: SyncAction,
        connection: Connection,
        received_at: datetime,
    ) -> None:
        """Failed rows of the log; there is no delivery behind them that could be replayed."""
        for start in range(0, len(records), _WRITTEN_AT_ONCE):
            some = enumerate(records[start : start + _WRITTEN_AT_ONCE], start)
            await asyncio.gather(
                *(
                    self._log_one(batch, record, action, connection, received_at + timedelta(microseconds=number))
                    for number, record in some
                )
            )

    async def _log_one(
        self, batch: Batch, record: Record, action: SyncAction, connection: Connection, received_at: datetime
    ) -> None:
        delivery = new_delivery(
            record.capture or Capture(),
            action,
            connection,
            now=received_at,
            due_at=received_at,
            trigger=batch.trigger,
            batch=batch.id,
        )
        result = Result(
            outcome=Outcome.FAILED,
            reason=f"Line {record.line}: {record.error}",
            error_class=ErrorClass.DATA,
            error_code=UNREADABLE_LINE,
            finished_at=self._now(),
        )
        failed = delivery.model_copy(update={"state": "done", "result": result})
        await self._sync_log.write(failed, row_url="")
