"""Questions of many workers go out together, and every worker gets his own answer."""

import asyncio
from collections.abc import Sequence

import pytest

from core.sync.precedence import Precedence
from core.sync.together.lane import Lane
from core.sync.together.rounds import Rounds


class Echo:
    """A way that answers what it was asked, and keeps what came together."""

    def __init__(self) -> None:
        self.came: list[list[int]] = []

    async def ask(self, asked: Sequence[int]) -> Sequence[int | Exception]:
        self.came.append(sorted(asked))
        await asyncio.sleep(0)
        return [ValueError(str(each)) if each < 0 else each * 10 for each in asked]


async def test_workers_in_step_stay_in_step() -> None:
    """A hundred workers with three questions each: three rounds, whatever they do in between."""
    rounds, echo = Rounds(Lane()), Echo()

    async def work(number: int) -> list[int]:
        answers = []
        for step in range(3):
            for _ in range(number % 4):
                await asyncio.sleep(0)
            answers.append(await rounds.ask(echo.ask, number + 1000 * step))
        return answers

    answers = await asyncio.gather(*(work(number) for number in range(100)))
    assert [len(each) for each in echo.came] == [100, 100, 100]
    assert answers == [[10 * (number + 1000 * step) for step in range(3)] for number in range(100)]


async def test_ways_of_one_round_go_out_side_by_side() -> None:
    """Nobody waits for another way's answer to be asked."""
    rounds, met = Rounds(Lane()), asyncio.Barrier(2)

    async def one(asked: Sequence[str]) -> Sequence[str]:
        await asyncio.wait_for(met.wait(), 5)
        return asked

    async def other(asked: Sequence[str]) -> Sequence[str]:
        await asyncio.wait_for(met.wait(), 5)
        return asked

    told = await asyncio.gather(rounds.ask(one, "a"), rounds.ask(other, "b"))
    assert list(told) == ["a", "b"]


async def test_what_goes_wrong_is_raised_where_it_was_asked() -> None:
    """One question's failure is its own; a way that fails fails everybody who took it, and nobody else."""
    rounds, echo = Rounds(Lane()), Echo()

    async def broken(_asked: Sequence[int]) -> Sequence[int]:
        raise OSError("broken")

    told = await asyncio.gather(
        rounds.ask(echo.ask, 1), rounds.ask(echo.ask, -2), rounds.ask(broken, 3), return_exceptions=True
    )
    assert told[0] == 10
    assert [type(each) for each in told[1:]] == [ValueError, OSError]


async def test_one_who_gives_up_keeps_nobody() -> None:
    """A cancelled question is answered to nobody; the others go on, and so do later rounds."""
    rounds, echo = Rounds(Lane()), Echo()
    impatient = asyncio.create_task(rounds.ask(echo.ask, 1))
    patient = asyncio.create_task(rounds.ask(echo.ask, 2))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == 20
    assert await rounds.ask(echo.ask, 3) == 30
    with pytest.raises(asyncio.CancelledError):
        await impatient


async def test_nobody_waits_for_a_round_that_was_ended() -> None:
    """When the process ends in the middle, everybody who asked is let go."""
    rounds, reached = Rounds(Lane()), asyncio.Event()

    async def ended(_asked: Sequence[int]) -> Sequence[int]:
        reached.set()
        raise asyncio.CancelledError

    waiting = [asyncio.create_task(rounds.ask(ended, number)) for number in range(3)]
    await reached.wait()
    told = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5)
    assert [type(each) for each in told] == [asyncio.CancelledError] * 3


async def test_nobody_waits_for_an_answer_that_will_not_come() -> None:
    """Where the process ends while answers are given out, those who have none yet end too."""
    precedence = Precedence()
    rounds, echo = Rounds(Lane(precedence)), Echo()
    with precedence.taken():  # answers are given out slowly
        workers = [asyncio.create_task(rounds.ask(echo.ask, number)) for number in range(30)]
        await asyncio.wait(workers, return_when=asyncio.FIRST_COMPLETED)
        others = asyncio.all_tasks() - {*workers, asyncio.current_task()}
        for task in others:
            task.cancel()
        ended = await asyncio.wait_for(asyncio.gather(*workers, return_exceptions=True), 5)

    given = [each for each in ended if isinstance(each, int)]
    assert 0 < len(given) < len(ended)
    assert all(isinstance(each, int | asyncio.CancelledError) for each in ended)
