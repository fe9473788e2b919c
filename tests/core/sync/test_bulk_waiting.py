"""Chunks whose connection takes nothing now: they come again, ever less often, and never as several."""

from datetime import timedelta
from typing import Any

from core.domain.bulk_batch import Chunk
from core.sync.bulk_actions import Asked
from core.sync.bulk_messages import Step
from tests.core.sync.bulk_office import CHUNK, Office

TABLE = b"LastName,Email\nL1,l1@x.example\n"


async def _waiting() -> Office:
    """A batch of one chunk, split; its connection rests."""
    office = Office(rests=True)
    await office.actions().begin("a0", Asked("told", content=TABLE), batch="b")
    await _carried_out(office, office.messages.pop())
    return office


async def _carried_out(office: Office, message: dict[str, Any]) -> None:
    await office.process().carry_out(Step.model_validate(message), message_id="ours")


async def test_a_waiting_chunk_comes_again_with_what_it_has_waited() -> None:
    """Its message says how long, so that it is in less of a hurry each time; and it reads nothing meanwhile."""
    office = await _waiting()
    content, office.blobs = office.blobs, {}
    waits = []
    for _ in range(4):
        (message,) = office.messages
        office.messages.clear()
        await _carried_out(office, message)
        waits.append(office.messages[0]["waited"])
        office.time += timedelta(seconds=60)
    assert waits == [1, 3, 7, 15]
    office.rests, office.blobs = False, content
    await _carried_out(office, office.messages.pop())
    assert [row.state for row in office.rows.values()] == ["done"]


async def test_a_second_message_of_a_waiting_chunk_ends() -> None:
    """While one is on its way, whatever else names the chunk sends none of its own."""
    office = await _waiting()
    first = office.messages.pop() | {"waited": 30.0}
    await _carried_out(office, first)
    (awaited,) = office.messages
    await _carried_out(office, first)
    assert office.messages == [awaited]


async def test_the_timer_knows_that_a_message_is_on_its_way() -> None:
    """It sends none of its own until that one is overdue."""
    office = await _waiting()
    await _carried_out(office, office.messages.pop() | {"waited": 300.0})
    office.messages.clear()  # it is on its way
    office.time += timedelta(seconds=200)
    await office.resuming().resume()
    assert office.messages == []
    office.time += timedelta(seconds=300)
    await office.resuming().resume()
    assert len(office.messages) == 1
    (chunk,) = [found for _, found in office.entities.values() if isinstance(found, Chunk)]
    assert (chunk.state, chunk.sent) == ("waiting", 2)


async def test_whoever_is_done_calls_the_next_who_waits() -> None:
    """A slot is free then; the next would look for one much later. The batch is over without another look."""
    office = Office(rests=True)
    lines = "".join(f"L{number},l{number}@x.example\n" for number in range(3 * CHUNK))
    await office.actions().begin("a0", Asked("told", content=f"LastName,Email\n{lines}".encode()), batch="b")
    await _carried_out(office, office.messages.pop())
    chunks, office.messages = office.messages, []
    assert len(chunks) == 3
    for message in chunks:
        await _carried_out(office, message | {"waited": 300.0})
    first, *later = office.messages
    office.messages, office.rests = [], False
    office.time += timedelta(seconds=30)
    await _carried_out(office, first)
    while office.messages:
        (called,) = office.messages
        office.messages = []
        assert called["chunk"] in [each["chunk"] for each in later]
        await _carried_out(office, called)
    assert [row.state for row in office.rows.values()] == ["done"] * 3 * CHUNK
