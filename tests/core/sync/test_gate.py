"""The gate of bulk requests: as many at once as there are slots, and none while Dynamics wants to be left alone."""

import asyncio

import pytest

from core.errors import RetryableError, ThrottledError
from core.sync.gate import PATIENCE_SECONDS, Gate


class Clock:
    """Time passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


@pytest.mark.parametrize("slots", [1, 2, 3])
async def test_as_many_at_once_as_there_are_slots(slots: int) -> None:
    """A chunk's request uses another chunk's slot as long as that one does not need it."""
    gate, under_way, most = Gate(), 0, 0

    async def request() -> None:
        nonlocal under_way, most
        async with gate.request():
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1

    for _ in range(slots):
        gate.open()
    await asyncio.gather(*(request() for _ in range(10)))
    assert most == slots


async def test_a_slot_is_given_back_only_when_its_request_is_over() -> None:
    """Else another instance would take it while two requests are still under way."""
    gate, answered, told = Gate(), asyncio.Event(), list[str]()

    async def request() -> None:
        async with gate.request():
            await answered.wait()
            told.append("answered")

    async def given_back() -> None:
        await gate.close()
        told.append("given back")

    gate.open()
    under_way = asyncio.create_task(request())
    await asyncio.sleep(0)
    giving = asyncio.create_task(given_back())
    for _ in range(5):
        await asyncio.sleep(0)
    answered.set()
    await asyncio.gather(under_way, giving)
    assert told == ["answered", "given back"]


async def test_after_a_refusal_everybody_waits() -> None:
    """The next request goes out when Dynamics wants to hear of us again, not before."""
    clock = Clock()
    gate = Gate(clock, clock.sleep)
    gate.open()
    with pytest.raises(ThrottledError):
        async with gate.request():
            raise ThrottledError("slower", retry_after=20.0)
    async with gate.request():
        assert clock.now == 120.0


async def test_who_would_wait_long_sends_nothing() -> None:
    """He comes again, and says when."""
    clock = Clock()
    gate = Gate(clock, clock.sleep)
    gate.open()
    with pytest.raises(ThrottledError):
        async with gate.request():
            raise ThrottledError("slower", retry_after=PATIENCE_SECONDS + 10)
    with pytest.raises(ThrottledError) as told:
        async with gate.request():
            pytest.fail("nothing is to be sent now")
    assert told.value.retry_after == PATIENCE_SECONDS + 10
    assert clock.now == 100.0


@pytest.mark.parametrize(("code", "waits"), [("0x80072321", True), ("0x80072322", True), ("0x80072326", False)])
async def test_only_what_is_used_over_time_sets_a_pace(code: str, *, waits: bool) -> None:
    """Four requests of a second fill what Dynamics takes in fourteen; too many at once say nothing of that."""
    clock = Clock()
    gate = Gate(clock, clock.sleep)
    gate.open()

    async def request() -> None:
        async with gate.request():
            clock.now += 1.0

    for _ in range(4):
        await request()
    with pytest.raises(ThrottledError):
        async with gate.request():
            raise ThrottledError("slower", retry_after=11.0, code=code)
    began = clock.now + 11.0
    for _ in range(4):
        await request()
    assert (clock.now - began > 4.0) is waits


async def test_other_failures_slow_nobody_down() -> None:
    """An outage is no limit."""
    clock = Clock()
    gate = Gate(clock, clock.sleep)
    gate.open()
    with pytest.raises(RetryableError):
        async with gate.request():
            raise RetryableError("down")
    async with gate.request():
        assert clock.now == 100.0
