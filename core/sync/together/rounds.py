"""Requests of many workers, sent together in rounds.

Workers run side by side. What they ask for waits until nobody has anything to do but wait; then everything that was
asked goes out at once, each way with all its questions, and the answers come back together. So workers stay in step
by themselves, and hundreds of questions need as many requests as one. Which way combines what, its owners say.
"""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from core.sync.together.lane import Lane

AskedT = TypeVar("AskedT")
AnswerT = TypeVar("AnswerT")
# Answers in the order of the questions; an exception is raised where the question was asked.
Way = Callable[[Sequence[AskedT]], Awaitable[Sequence[AnswerT | Exception]]]

# A reply travels through a few rounds of the event loop (a gather, a task) before its worker asks again.
_QUIET_LOOPS = 6
_GIVEN_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class _Question:
    way: Way[Any, Any]
    asked: Any
    reply: asyncio.Future[Any]


class Rounds:
    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self._waiting: list[_Question] = []
        self._rounds: asyncio.Task[None] | None = None
        self._context = contextvars.copy_context()  # a round is nobody's own: it runs as whoever began them all

    async def ask(self, way: Way[AskedT, AnswerT], asked: AskedT) -> AnswerT:
        """The answer, when the round that takes the question along is over. Raises what the way answers or raises."""
        reply: asyncio.Future[AnswerT] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Question(way, asked, reply))
        if self._rounds is None or self._rounds.done():
            self._rounds = asyncio.create_task(self._run(), context=self._context.copy())
        return await reply

    async def begin(self) -> None:
        """What a worker asks first: so not all of them begin at the same moment."""
        await self.ask(_nothing, None)

    async def _run(self) -> None:
        while self._waiting:
            await self._quiet()
            questions, self._waiting = self._waiting, []
            by_way: dict[Way[Any, Any], list[_Question]] = {}
            for question in questions:
                by_way.setdefault(question.way, []).append(question)
            try:
                answered = await asyncio.gather(*(_answers(way, group) for way, group in by_way.items()))
                for group, answers in zip(by_way.values(), answered, strict=True):
                    await self._give(group, answers)
            except BaseException:  # the process ends: nobody waits for what will not come
                for question in (*questions, *self._waiting):
                    question.reply.cancel()
                raise

    async def _give(self, group: Sequence[_Question], answers: Sequence[Any]) -> None:
        """A few at a time: each worker goes on at once."""
        for number, (question, answer) in enumerate(zip(group, answers, strict=True)):
            if number % _GIVEN_AT_ONCE == 0:
                await self.lane.turn()
            if question.reply.done():  # whoever asked has been cancelled
                continue
            if isinstance(answer, Exception):
                question.reply.set_exception(answer)
            else:
                question.reply.set_result(answer)

    async def _quiet(self) -> None:
        """Until nobody has asked anything more for a while."""
        seen, quiet = -1, 0
        while quiet < _QUIET_LOOPS:
            quiet = quiet + 1 if len(self._waiting) == seen else 0
            seen = len(self._waiting)
            await asyncio.sleep(0)


async def _answers(way: Way[Any, Any], group: Sequence[_Question]) -> Sequence[Any]:
    try:
        return await way([question.asked for question in group])
    except Exception as error:  # noqa: BLE001  # whatever went wrong, it is raised at everybody who asked
        return [error] * len(group)


async def _nothing(asked: Sequence[None]) -> Sequence[None]:
    return asked
