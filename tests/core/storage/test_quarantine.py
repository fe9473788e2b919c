"""The quarantine in real Table Storage: bodies are kept whole, each once, and listed newest first."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest
from azure.data.tables.aio import TableClient

from core.domain.quarantined import Quarantined, quarantine_receipt
from core.storage.quarantine import TableQuarantine

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
LARGEST = random.Random(7).randbytes(256 * 1024)  # nothing compresses it


def _item(number: int = 1, body: bytes = b"{") -> Quarantined:
    return Quarantined(
        receipt=quarantine_receipt("booth", body, {"n": str(number)}),
        action="booth",
        connection="contoso",
        organization="org",
        reason="The body is not valid JSON.",
        content_type="application/json",
        query={"n": str(number)},
        size=len(body),
        received_at=NOON + timedelta(minutes=number),
    )


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\x00\x1f", "ключ".encode(), b"a" * 262_144, LARGEST])
async def test_a_body_is_kept_whole(table: TableClient, body: bytes) -> None:
    """Byte by byte, up to the size that a capture may have."""
    quarantine, item = TableQuarantine(table), _item(body=body)
    assert await quarantine.add(item, body)
    found = await quarantine.item(item.receipt)
    assert found is not None
    assert found.entity == item
    assert await quarantine.body(item.receipt) == body


async def test_a_mended_body_stands_beside_the_one_that_was_sent(table: TableClient) -> None:
    """Both of the largest size; nothing that was sent is lost by mending it."""
    quarantine, item = TableQuarantine(table), _item(body=LARGEST)
    await quarantine.add(item, LARGEST)
    found = await quarantine.item(item.receipt)
    assert found is not None
    mended = LARGEST[::-1]
    replayed = item.model_copy(update={"state": "replayed"})
    assert await quarantine.change(replayed, found.etag, mended=mended)
    assert not await quarantine.change(item, found.etag, mended=b"late")
    assert await quarantine.body(item.receipt) == LARGEST
    assert await quarantine.body(item.receipt, mended=True) == mended


async def test_the_same_body_is_kept_once(table: TableClient) -> None:
    """However many send it at once."""
    quarantine = TableQuarantine(table)
    added = await asyncio.gather(*(quarantine.add(_item(), b"{") for _ in range(10)))
    assert sum(added) == 1
    assert len(await quarantine.newest(state=None, most=10, after=None)) == 1


async def test_the_list_is_newest_first_in_pages_and_by_state(table: TableClient) -> None:
    """A change shows in the list at once."""
    quarantine = TableQuarantine(table)
    items = [_item(number) for number in range(5)]
    for item in items:
        await quarantine.add(item, b"{")
    first = await quarantine.newest(state=None, most=3, after=None)
    rest = await quarantine.newest(state=None, most=3, after=first[-1][0])
    assert [item for _, item in (*first, *rest)] == items[::-1]
    found = await quarantine.item(items[2].receipt)
    assert found is not None
    await quarantine.change(items[2].model_copy(update={"state": "discarded"}), found.etag)
    assert [item.receipt for _, item in await quarantine.newest(state="discarded", most=3, after=None)] == [
        items[2].receipt
    ]
    assert len(await quarantine.newest(state="waiting", most=9, after=None)) == 4
