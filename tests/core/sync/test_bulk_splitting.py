"""A source is split once and whole, whatever the timer and other workers do to its entity meanwhile."""

import gc
import json
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from core.domain.bulk_batch import BATCH_KEY, CHUNK_RECORDS, Batch, Chunk, Source, source_key
from core.domain.sheet import Sheet
from core.sync.bulk_alive import Alives
from core.sync.bulk_ports import BlobFacts
from core.sync.bulk_splitting import Splitting
from core.sync.ports import Change, EntityT, Versioned
from tests.builders import NOON, ORGANIZATION
from tests.core.sync.worlds import World

BLOB = "batches/b/content"
PEOPLE = CHUNK_RECORDS + 3


@dataclass
class Batches:
    """One batch's entities; `before` happens between what a worker has read and what it commits."""

    world: World = field(default_factory=World)
    before: list[Callable[["Batches"], None]] = field(default_factory=list)

    async def read(self, batch_id: str, key: str, kind: type[EntityT]) -> Versioned[EntityT] | None:
        etag, entity = self.world.entities.get(key, (0, None))
        return Versioned(entity, str(etag)) if entity is not None else None

    async def commit(self, batch_id: str, changes: Sequence[Change]) -> tuple[str, ...] | None:
        if self.before and any(isinstance(change.entity, Chunk) for change in changes):
            self.before.pop(0)(self)
        return self.world.commit(changes)

    def put(self, key: str, entity: BaseModel) -> None:
        self.world.entities[key] = (self.world.tick(), entity)

    @property
    def source(self) -> Source:
        source: Source = self.world.entities[source_key("")][1]
        return source

    @property
    def chunks(self) -> list[Chunk]:
        return [entity for _, entity in self.world.entities.values() if isinstance(entity, Chunk)]


@dataclass
class Contents:
    blobs: dict[str, bytes]

    async def save(self, name: str, content: bytes) -> None:
        self.blobs[name] = content

    async def facts(self, name: str) -> BlobFacts | None:
        return BlobFacts("v", len(self.blobs[name]), "application/x-ndjson")

    async def stream(self, name: str, *, version: str = "") -> AsyncIterator[bytes]:
        yield self.blobs[name]


class Queue:
    async def send(self, message: Mapping[str, Any], *, after: float = 0.0) -> None: ...


class Nothing:
    """What reading uploaded content asks nothing of."""

    async def setup(self, connection_id: str) -> None: ...


def _prepared() -> Batches:
    batches = Batches()
    batch = Batch(
        id="b",
        action="booth",
        connection="contoso",
        organization=ORGANIZATION,
        asked_at=NOON,
        asked_by="somebody",
        told="t",
        next_at=NOON,
    )
    batches.put(BATCH_KEY, batch)
    batches.put(source_key(""), Source(key="", kind="content", blobs=(BLOB,), received_at=NOON, sent_at=NOON))
    return batches


def _lines() -> Iterator[str]:
    return (json.dumps({"prospect": {"fields": {"LastName": f"L{number}"}}}) for number in range(PEOPLE))


async def _split(batches: Batches, contents: Any = None, *, chunk_records: int = CHUNK_RECORDS) -> None:
    parts: Any = batches
    nothing: Any = Nothing()
    contents = contents or Contents({BLOB: "\n".join(_lines()).encode()})
    splitting = Splitting(
        batches=parts,
        contents=contents,
        queue=Queue(),
        stored=nothing,
        ledger=nothing,
        configuration=nothing,
        new_reader=Sheet,
        alives=Alives(batches=parts, now=lambda: NOON, patience=timedelta(hours=1)),
        refusing=nothing,
        now=lambda: NOON,
        chunk_records=chunk_records,
    )
    await splitting.run("b", "")


def _send_again(batches: Batches) -> None:
    """As the timer does, when a message has been long on its way."""
    source = batches.source
    batches.put(source.entity_key, source.model_copy(update={"sent": source.sent + 1}))


@pytest.mark.parametrize("times", [1, 3])
async def test_a_source_that_is_sent_again_while_it_is_read_is_read_to_its_end(times: int) -> None:
    """It used to be taken for split where it stood: everybody behind that was lost."""
    batches = _prepared()
    batches.before = [_send_again] * times
    await _split(batches)
    source = batches.source
    assert (source.is_split, source.refused, source.records, source.chunks) == (True, "", PEOPLE, 2)
    assert sorted(chunk.records for chunk in batches.chunks) == [PEOPLE - CHUNK_RECORDS, CHUNK_RECORDS]


async def test_a_source_that_another_has_come_further_with_is_left_to_him() -> None:
    """It is not taken for split, and the next message goes on where he stands."""
    batches = _prepared()

    def _another(batches: Batches) -> None:
        source = batches.source
        chunk = Chunk(source="", number=1, received_at=NOON, records=CHUNK_RECORDS, unreadable=0, sent_at=NOON)
        batches.put(chunk.key, chunk)
        batches.put(source.entity_key, source.model_copy(update={"records": CHUNK_RECORDS, "chunks": 1}))

    batches.before = [_another]
    await _split(batches)
    assert not batches.source.is_split
    await _split(batches)
    assert (batches.source.is_split, batches.source.records, batches.source.chunks) == (True, PEOPLE, 2)


@dataclass
class Endless:
    """So many people, made as they are read; what is saved is weighed and forgotten."""

    people: int
    as_json: bool
    saved: int = 0

    async def facts(self, name: str) -> BlobFacts | None:
        return BlobFacts("v", 1, "")

    async def stream(self, name: str, *, version: str = "") -> AsyncIterator[bytes]:
        yield b'{"prospects": [' if self.as_json else b"LastName,Email,Comments\n"
        line = (
            '{"LastName": "L%d", "Email": "%d@x.example", "Comments": "%s"}' if self.as_json else "L%d,%d@x.example,%s"
        )
        between = ",\n" if self.as_json else "\n"
        for first in range(0, self.people, 100):
            some = range(first, min(first + 100, self.people))
            yield (between * bool(first) + between.join(line % (n, n, "x" * 40) for n in some)).encode()
        yield b"]}" if self.as_json else b"\n"

    async def save(self, name: str, content: bytes) -> None:
        self.saved += len(content)


async def _peak(people: int, *, as_json: bool) -> int:
    contents, batches = Endless(people, as_json), _prepared()
    gc.collect()
    tracemalloc.start()
    try:
        await _split(batches, contents, chunk_records=25)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (batches.source.records, contents.saved > people) == (people, True)
    return peak


@pytest.mark.parametrize("as_json", [False, True], ids=["table", "json"])
async def test_memory_stays_the_same_however_long_the_file_is(*, as_json: bool) -> None:
    """Ten times the people take about as much: what is read goes, only what is told of the chunks adds up here."""
    await _peak(100, as_json=as_json)  # with what is made once
    small, large = await _peak(200, as_json=as_json), await _peak(2_000, as_json=as_json)
    assert large < 1.25 * small
