"""Bulk work leaves room for captures in the same process."""

import asyncio

import pytest

from core.sync.precedence import Precedence
from core.sync.together.lane import REQUESTS_MOST, WALKING_SECONDS, Lane
from core.sync.together.rounds import Rounds


async def test_between_two_turns_everybody_else_has_a_turn() -> None:
    """Twenty that wait in the lane at once let whoever does something else go on nineteen times at least."""
    lane, seen, others = Lane(), list[int](), 0

    async def bulk() -> None:
        await lane.turn()
        seen.append(others)

    working = asyncio.gather(*(bulk() for _ in range(20)))
    while not working.done():
        others += 1
        await asyncio.sleep(0)

    assert sorted(set(seen)) == seen


async def test_bulk_goes_at_a_walk_while_a_capture_is_under_way() -> None:
    """However much of it is ready, and only as long as the capture is."""
    precedence = Precedence()
    lane, clock = Lane(precedence), asyncio.get_running_loop().time

    with precedence.taken():
        began = clock()
        await asyncio.gather(*(lane.turn() for _ in range(10)))
        assert clock() - began >= 10 * WALKING_SECONDS

    assert not precedence.is_taken


async def test_a_capture_that_fails_gives_its_precedence_back() -> None:
    """One of two that are under way is still under way then."""
    precedence = Precedence()
    with precedence.taken():
        with pytest.raises(ZeroDivisionError), precedence.taken():
            _ = 1 / 0
        assert precedence.is_taken
    assert not precedence.is_taken


async def test_requests_to_storage_are_few_at_once() -> None:
    """Of all chunks of the process together; each that is over lets the next one pass."""
    lane, under_way, most = Lane(), 0, 0

    async def request() -> None:
        nonlocal under_way, most
        async with lane.request():
            under_way += 1
            most = max(most, under_way)
            for _ in range(50):
                await asyncio.sleep(0)
            under_way -= 1

    await asyncio.gather(*(request() for _ in range(40)))

    assert (most, under_way) == (REQUESTS_MOST, 0)


async def test_workers_do_not_begin_all_at_once() -> None:
    """Whatever else is ready comes in between, and all of them begin in the end."""
    rounds, began, others = Rounds(Lane()), list[int](), 0

    async def worker() -> None:
        await rounds.begin()
        began.append(others)

    working = asyncio.gather(*(worker() for _ in range(100)))
    while not working.done():
        others += 1
        await asyncio.sleep(0)

    at_once = max(began.count(moment) for moment in set(began))
    assert (len(began), at_once) == (100, 8)
