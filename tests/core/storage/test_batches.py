"""Batches in real tables and blobs: lists, pages, conditions, streams."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from azure.data.tables.aio import TableClient
from azure.storage.blob.aio import ContainerClient

from core.domain.bulk_batch import Alive, Batch, Chunk, Source, alive_key
from core.errors import InvalidInputError
from core.storage.batches import TableBatches
from core.storage.bulk_contents import BlobContents
from core.storage.old_batches import OldBatches
from core.sync.ports import ABSENT, ANY, Change

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def batch(name: str, *, hour: int = 0) -> Batch:
    at = NOON + timedelta(hours=hour)
    return Batch(id=name, action="booth", connection="c", organization="o", asked_at=at, told="t", next_at=at)


@pytest.fixture
async def container(storage: str) -> AsyncIterator[ContainerClient]:
    async with ContainerClient.from_connection_string(
        storage, f"c{uuid.uuid4().hex}", max_single_get_size=1000, max_chunk_get_size=1000
    ) as client:
        await client.create_container()
        yield client


@pytest.fixture
def contents(container: ContainerClient) -> BlobContents:
    async def given() -> ContainerClient:
        return container

    return BlobContents(given)


async def test_a_batch_is_read_with_all_its_parts_in_order(table: TableClient) -> None:
    """And stored once: the second who creates it is told."""
    batches, made = TableBatches(table), batch("expo")
    source = Source(kind="content", received_at=NOON, sent_at=NOON)
    chunks = [Chunk(source="", number=number, received_at=NOON, records=1, sent_at=NOON) for number in (2, 11, 1)]
    assert await batches.commit("expo", [Change(made.key, made, ABSENT), Change(source.entity_key, source, ABSENT)])
    assert await batches.commit("expo", [Change(made.key, made, ABSENT)]) is None
    await batches.commit("expo", [Change(each.key, each, ABSENT) for each in chunks])
    await batches.commit("expo", [Change(alive_key(chunks[0].key), Alive(at=NOON), ANY)])
    whole = await batches.whole("expo")
    assert whole
    assert [each.entity.number for each in whole.chunks] == [1, 2, 11]
    assert (whole.batch.entity, whole.alive) == (made, {alive_key(chunks[0].key): NOON})
    assert await batches.whole("unheard-of") is None


async def test_lists_are_newest_first_and_name_what_is_open(table: TableClient) -> None:
    """Parts of an upload that has not begun are in none of them, but are found when they are old."""
    batches = TableBatches(table)
    for hour in range(3):
        await batches.enlist(batch(f"b{hour}", hour=hour))
    await batches.note_parts("never-begun", NOON + timedelta(hours=5))
    first, after = await batches.newest(most=2, after=None)
    second, end = await batches.newest(most=2, after=after)
    assert (first, second, end) == (["b2", "b1"], ["b0"], None)
    await batches.close("b1")
    assert (await batches.open_ids()).keys() == {"b0", "b2"}


async def test_parts_that_nothing_came_of_go_when_they_are_old(table: TableClient, contents: BlobContents) -> None:
    """They hold people's data too."""
    batches = TableBatches(table)
    await batches.note_parts("never-begun", NOON)
    await contents.save("batches/never-begun/parts/000001", b"LastName")
    old = OldBatches(batches, contents)
    assert await old.tidy(NOON - timedelta(days=1), most=10) == 0
    assert await old.tidy(NOON + timedelta(days=1), most=10) == 1
    assert await contents.sizes("batches/") == {}


async def test_a_blob_is_streamed_in_blocks_and_only_as_it_was(contents: BlobContents) -> None:
    """Changed or taken away meanwhile, it is refused in words."""
    await contents.save("x.csv", b"a" * 3500)
    facts = await contents.facts("x.csv")
    assert facts
    blocks = [len(block) async for block in contents.stream("x.csv", version=facts.version)]
    assert blocks == [1000, 1000, 1000, 500]
    await contents.save("x.csv", b"b")
    with pytest.raises(InvalidInputError, match="changed"):
        [block async for block in contents.stream("x.csv", version=facts.version)]
    with pytest.raises(InvalidInputError, match="no blob"):
        [block async for block in contents.stream("y.csv")]
    assert await contents.facts("y.csv") is None
