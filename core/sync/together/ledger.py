"""The ledger: reads side by side, commits packed into transactions of as many as they take."""

import asyncio
import itertools
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from core.domain.delivery import Due
from core.errors import SyncError
from core.sync.ports import Change, EntityT, Ledger, Versioned
from core.sync.together.packing import packed
from core.sync.together.rounds import Rounds

_TOO_LARGE = {"RequestBodyTooLarge", "ContentLengthExceeded", "413"}

Committed = tuple[str, ...] | Exception | None


class LedgerTogether:
    def __init__(self, ledger: Ledger, rounds: Rounds) -> None:
        self._ledger = ledger
        self._rounds = rounds

    async def read(self, organization: str, key: str, kind: type[EntityT]) -> Versioned[EntityT] | None:
        found: Versioned[Any] | None = await self._rounds.ask(self._read_all, (organization, key, kind))
        return found

    async def commit(self, organization: str, changes: Sequence[Change]) -> tuple[str, ...] | None:
        return await self._rounds.ask(self._commit_all, (organization, changes))

    async def due(
        self, organization: str, before: datetime, *, most: int, connections: Collection[str] = ()
    ) -> list[Due]:
        return await self._ledger.due(organization, before, most=most, connections=connections)

    async def _read_all(
        self, asked: Sequence[tuple[str, str, type[Any]]]
    ) -> Sequence[Versioned[Any] | Exception | None]:
        wanted = list(dict.fromkeys(asked))
        read = await asyncio.gather(*(self._read(*each) for each in wanted), return_exceptions=True)
        found = dict(zip(wanted, map(_raised, read), strict=True))
        return [found[each] for each in asked]

    async def _read(self, organization: str, key: str, kind: type[Any]) -> Versioned[Any] | None:
        async with self._rounds.lane.request():
            return await self._ledger.read(organization, key, kind)

    async def _commit_all(self, asked: Sequence[tuple[str, Sequence[Change]]]) -> Sequence[Committed]:
        by_organization: dict[str, list[int]] = {}
        for number, (organization, _) in enumerate(asked):
            by_organization.setdefault(organization, []).append(number)
        answers: dict[int, Committed] = {}
        for organization, numbers in by_organization.items():
            commits = [asked[number][1] for number in numbers]
            answers |= zip(numbers, await self._committed(organization, commits), strict=True)
        return [answers[number] for number in range(len(asked))]

    async def _committed(self, organization: str, commits: Sequence[Sequence[Change]]) -> Sequence[Committed]:
        transactions = packed(commits)
        done = await asyncio.gather(
            *(self._transaction(organization, [commits[number] for number in some]) for some in transactions)
        )
        answers: dict[int, Committed] = {}
        for some, told in zip(transactions, done, strict=True):
            answers |= zip(some, told, strict=True)
        return [answers[number] for number in range(len(commits))]

    async def _transaction(self, organization: str, commits: Sequence[Sequence[Change]]) -> list[Committed]:
        """One whose condition does not hold, or that is too large, must not cost the others: in halves they go on."""
        try:
            async with self._rounds.lane.request():
                etags = await self._ledger.commit(organization, [change for changes in commits for change in changes])
        except SyncError as error:
            if len(commits) == 1 or error.code not in _TOO_LARGE:
                return [error] * len(commits)
            etags = None
        if etags is not None:
            return list(_shared_out(etags, commits))
        if len(commits) == 1:
            return [None]
        middle = len(commits) // 2
        halves = await asyncio.gather(
            self._transaction(organization, commits[:middle]), self._transaction(organization, commits[middle:])
        )
        return [*halves[0], *halves[1]]


def _shared_out(etags: Sequence[str], commits: Sequence[Sequence[Change]]) -> Sequence[tuple[str, ...]]:
    ends = [0, *itertools.accumulate(map(len, commits))]
    return [tuple(etags[start:end]) for start, end in itertools.pairwise(ends)]


def _raised(answer: Any) -> Any:
    """An answer that can be given; what ends the process is never one."""
    if isinstance(answer, BaseException) and not isinstance(answer, Exception):
        raise answer
    return answer
