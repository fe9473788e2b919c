"""Reading a source once, and splitting it into chunks that are stored, each with a message of its own.

Memory holds one chunk at a time, whatever the source's size. Cut off, it is done again: content gives the same chunks,
so those that stand are passed over, and prospects are gone through from where the last chunk ended.
"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from core.domain.bulk_batch import (
    BATCH_KEY,
    CHUNK_BYTES,
    CHUNK_RECORDS,
    Batch,
    Chunk,
    ReadAs,
    Record,
    Source,
    chunk_blob,
    source_key,
    with_identity,
)
from core.domain.capture import Capture
from core.domain.delivery import prospect_key
from core.domain.fitting import why_unfit
from core.domain.prospect import Prospect
from core.domain.sources import source_names
from core.domain.stored_prospect import capture_of, prospect_facts, stored_name
from core.errors import InvalidInputError
from core.logs import logger
from core.sync.bulk_actions import RECORDS_MOST, TRIES_MOST
from core.sync.bulk_alive import Alives
from core.sync.bulk_ports import Batches, BulkQueue, Contents, Stored
from core.sync.bulk_refusing import Refusing
from core.sync.ports import ABSENT, Change, Configuration, ConnectionSetup, Ledger, Versioned

_READ_AT_ONCE = 32
_LOOKED_AT_ONCE = 500
_FED_AT_ONCE = 32 * 1024  # bytes; a few hundredths of a second in which captures wait

_log = logger("captello.bulk")


class Reader(Protocol):
    """Makes records of a file as its bytes come in."""

    def feed(self, block: bytes) -> Sequence[Record]: ...

    def end(self) -> Sequence[Record]: ...

    @property
    def read_as(self) -> ReadAs: ...

    @property
    def warnings(self) -> tuple[str, ...]: ...


class Splitting:
    def __init__(
        self,
        *,
        batches: Batches,
        contents: Contents,
        queue: BulkQueue,
        stored: Stored,
        ledger: Ledger,
        configuration: Configuration,
        new_reader: Callable[[str, Sequence[str]], Reader],
        alives: Alives,
        refusing: Refusing,
        now: Callable[[], datetime],
        chunk_records: int = CHUNK_RECORDS,
    ) -> None:
        self._batches = batches
        self._contents = contents
        self._queue = queue
        self._stored = stored
        self._ledger = ledger
        self._configuration = configuration
        self._new_reader = new_reader
        self._alives = alives
        self._refusing = refusing
        self._now = now
        self._chunk_records = chunk_records

    async def run(self, batch_id: str, key: str) -> None:
        batch = await self._batches.read(batch_id, BATCH_KEY, Batch)
        found = await self._batches.read(batch_id, source_key(key), Source)
        if batch is None or found is None:
            _log.warning("batch %s was to be read but is not in the store", batch_id)
            return
        async with self._alives.at_work(batch_id, found.entity.entity_key) as is_ours:
            if is_ours and not found.entity.is_split:
                await self._split(batch.entity, found)

    async def _split(self, batch: Batch, found: Versioned[Source]) -> None:
        refused, source = "", None
        try:
            source = await self._in_chunks(batch, found)
        except InvalidInputError as error:
            refused = error.message
            source = await self._read_again(batch, found)
        if source is None:
            return
        refused = refused or ("" if source.entity.records else "It holds nobody.")
        if refused and await self._is_at_fault(batch, source.entity):
            await self._refusing.source(batch, source.entity, refused)
        after = source.entity.model_copy(update={"is_split": True, "refused": refused})
        await self._batches.commit(batch.id, [Change(after.entity_key, after, source.etag)])

    async def _is_at_fault(self, batch: Batch, source: Source) -> bool:
        """Not where nobody fits a filter now, or the batch was cancelled."""
        fits_nobody = source.kind == "filter" and not source.records
        return not fits_nobody and not await self._is_cancelled(batch)

    async def _read_again(self, batch: Batch, found: Versioned[Source]) -> Versioned[Source] | None:
        return await self._batches.read(batch.id, found.entity.entity_key, Source)

    async def _in_chunks(self, batch: Batch, found: Versioned[Source]) -> Versioned[Source] | None:
        """The source once everything of it stands in chunks. Whoever finds another at work leaves it to him: None."""
        work = _Work(found)
        async for records, position in self._groups(batch, work):
            if work.passed_over():
                continue
            if await self._is_cancelled(batch):
                raise InvalidInputError("It was cancelled while it was read.", field="batch")
            if not await self._store(batch, work, records, position):
                return None
        return work.source

    async def _is_cancelled(self, batch: Batch) -> bool:
        found = await self._batches.read(batch.id, BATCH_KEY, Batch)
        return found is None or found.entity.cancelled_at is not None

    async def _store(self, batch: Batch, work: "_Work", records: Sequence[Record], position: str) -> bool:
        source = work.source.entity
        if source.records + len(records) > RECORDS_MOST:
            raise InvalidInputError(f"It holds more than {RECORDS_MOST:,} lines: send several.", field="batch")
        chunk = _chunk(batch.id, source, records, now=self._now())
        lines = (record.model_dump_json(exclude_defaults=True) for record in records)
        await self._contents.save(chunk_blob(batch.id, chunk), "\n".join(lines).encode())
        read = {
            "records": source.records + len(records),
            "chunks": chunk.number,
            "position": position,
            "read_as": work.read_as,
            "warnings": work.warnings,
            "version": work.version,
        }
        if not await self._stored_chunk(batch, work, chunk, read):
            return False
        await self._queue.send({"batch": batch.id, "source": chunk.source, "chunk": chunk.number})
        return True

    async def _stored_chunk(self, batch: Batch, work: "_Work", chunk: Chunk, read: Mapping[str, Any]) -> bool:
        """False: somebody else has come further. That the timer has sent the source again meanwhile is no reason to
        stop.
        """
        for _ in range(TRIES_MOST):
            before = work.source
            after = before.entity.model_copy(update=dict(read))
            changes = [Change(after.entity_key, after, before.etag), Change(chunk.key, chunk, ABSENT)]
            if etags := await self._batches.commit(batch.id, changes):
                work.source = Versioned(after, etags[0])
                return True
            again = await self._read_again(batch, before)
            if again is None or again.etag == before.etag or _has_moved(before.entity, again.entity):
                return False
            work.source = again
        return False

    # --- Where records come from ------------------------------------------------------------------------------------

    def _groups(self, batch: Batch, work: "_Work") -> AsyncIterator[tuple[list[Record], str]]:
        match work.source.entity.kind:
            case "content":
                return self._of_content(batch, work)
            case "prospects":
                return self._of_prospects(batch, work)
            case "filter":
                return self._of_filter(batch, work)

    async def _of_content(self, batch: Batch, work: "_Work") -> AsyncIterator[tuple[list[Record], str]]:
        source = work.source.entity
        content_type = await self._pinned(work)
        reader = self._new_reader(content_type, mapped_names(await self._configuration.setup(batch.connection)))
        numbers = itertools.count(1)
        group: list[Record] = []
        size = 0
        async for read in self._read(work, reader):
            for record in read:
                group.append(with_identity(record, batch.id, source.key, next(numbers)))
                size += len(record.raw) if record.error else _size(record)
                if len(group) == self._chunk_records or size >= CHUNK_BYTES:
                    work.take(reader)
                    yield group, ""
                    group, size = [], 0
            await asyncio.sleep(0)  # captures in the same process have their turn
        work.take(reader)
        if group:
            yield group, ""

    async def _pinned(self, work: "_Work") -> str:
        """The content's type. A blob of somebody else's may not change between two readings of it."""
        source = work.source.entity
        name = source.blobs[0]
        facts = await self._contents.facts(name)
        if facts is None:
            raise InvalidInputError(f"There is no blob {name!r} in the container `bulk`.", field="blob")
        if source.version and source.version != facts.version:
            raise InvalidInputError(f"The blob {name!r} was changed while it was being read.", field="blob")
        work.version = facts.version
        return source.content_type or facts.content_type

    async def _read(self, work: "_Work", reader: Reader) -> AsyncIterator[Sequence[Record]]:
        names = work.source.entity.blobs
        for name in names:
            async for block in self._contents.stream(name, version=work.version if name == names[0] else ""):
                for at in range(0, len(block), _FED_AT_ONCE):
                    yield reader.feed(block[at : at + _FED_AT_ONCE])
        yield reader.end()

    async def _of_prospects(self, batch: Batch, work: "_Work") -> AsyncIterator[tuple[list[Record], str]]:
        content = b"".join([block async for block in self._contents.stream(work.source.entity.blobs[0])])
        ids = json.loads(content)
        for start in range(0, len(ids), self._chunk_records):
            some = ids[start : start + self._chunk_records]
            if start // self._chunk_records < work.source.entity.chunks:
                yield [], ""  # it stands already
                continue
            group: list[Record] = []
            for first in range(0, len(some), _READ_AT_ONCE):
                part = enumerate(some[first : first + _READ_AT_ONCE], start + first + 1)
                group += await asyncio.gather(*(self._one(batch, prospect, line) for line, prospect in part))
            yield group, ""

    async def _one(self, batch: Batch, prospect_id: str, line: int) -> Record:
        name = stored_name(prospect_id)
        found = await self._ledger.read(batch.organization, prospect_key(name), Prospect)
        if found is None:
            nobody = Capture(delivery_id=f"{batch.id}:{name}")
            return Record(line=line, capture=nobody, error="There is no such prospect here.", raw=prospect_id)
        return _record(batch, name, found.entity, line)

    async def _of_filter(self, batch: Batch, work: "_Work") -> AsyncIterator[tuple[list[Record], str]]:
        source = work.source.entity
        setup = await self._configuration.setup(batch.connection)
        zone = setup.connection.time_zone if setup else "UTC"
        position, line, group = source.position, source.records, list[Record]()
        while some := await self._stored.some(batch.organization, most=_LOOKED_AT_ONCE, after=position):
            for name, prospect in some:
                position = name
                facts = prospect_facts(prospect, now=batch.asked_at, time_zone=zone)
                if source.criteria and why_unfit(source.criteria, facts):
                    continue
                line += 1
                group.append(_record(batch, name, prospect, line))
                if len(group) == self._chunk_records:
                    yield group, position
                    group = []
        if group:
            yield group, position


def mapped_names(setup: ConnectionSetup | None) -> tuple[str, ...]:
    """What the connection's mappings call the fields, those within templates included."""
    rows = [row for mapping in setup.mappings.values() for row in mapping.rows] if setup else []
    return tuple(dict.fromkeys(name for row in rows if row.source for name in source_names(row.source)))


def _has_moved(before: Source, after: Source) -> bool:
    return after.is_split or after.chunks != before.chunks


class _Work:
    """Where reading a source stands, and what it found out."""

    def __init__(self, source: Versioned[Source]) -> None:
        self.source = source
        self.version = source.entity.version
        self.read_as = source.entity.read_as
        self.warnings = source.entity.warnings
        self._left = source.entity.chunks if source.entity.kind != "filter" else 0

    def passed_over(self) -> bool:
        """Whether the next chunk stands already."""
        self._left -= 1
        return self._left >= 0

    def take(self, reader: Reader) -> None:
        self.read_as, self.warnings = reader.read_as, reader.warnings


def _record(batch: Batch, name: str, prospect: Prospect, line: int) -> Record:
    return Record(line=line, capture=capture_of(name, prospect, delivery_id=f"{batch.id}:{name}"))


def _size(record: Record) -> int:
    """About how long the record is, from what takes most of it."""
    capture = record.capture
    if capture is None:
        return 0
    return 200 + sum(len(name) + len(str(value)) for name, value in capture.prospect.fields.items())


def _chunk(batch: str, source: Source, records: Sequence[Record], *, now: datetime) -> Chunk:
    captures = [record.capture for record in records if record.capture and not record.error]
    return Chunk(
        source=source.key,
        number=source.chunks + 1,
        received_at=source.received_at + timedelta(microseconds=source.records),
        records=len(records),
        unreadable=len(records) - len(captures),
        may_repeat=any(_may_repeat(capture, batch) for capture in captures),
        moved_at=now,
        sent_at=now,
    )


def _may_repeat(capture: Capture, batch: str) -> bool:
    """Its delivery, or its submission, may have been heard of before."""
    is_named_by_us = (capture.delivery_id or "").startswith(f"{batch}:")
    return not is_named_by_us or bool(capture.submission.activity_id or capture.submission.hold_request_id)
