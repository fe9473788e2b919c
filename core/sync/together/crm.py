"""Dynamics: look-ups of all in one request, writes of all in two or three."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.domain.connection import Connection
from core.domain.delivery import Membership, RowWrite
from core.domain.matching import LookUp
from core.domain.references import Found, ReferenceQuery
from core.domain.search import Search
from core.domain.table import Table
from core.domain.trail import Call
from core.errors import RejectedRowError, ThrottledError
from core.sync.ports import BulkCrm, BulkCrms, Crm, Passing
from core.sync.together.rounds import Rounds
from core.telemetry import calls_noted, note_call

Rest = Callable[[ThrottledError], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Told:
    """What Dynamics said, and the calls it took, for everybody's drill-down."""

    answer: Any
    calls: tuple[Call, ...]


class CrmTogether:
    def __init__(self, crm: BulkCrm, rounds: Rounds, gate: Passing, rest: Rest) -> None:
        self._crm = crm
        self._rounds = rounds
        self._gate = gate
        self._rest = rest

    async def find(
        self,
        look_ups: Sequence[LookUp],
        columns: Mapping[str, Sequence[str]],
        references: Collection[ReferenceQuery] = (),
    ) -> Found:
        found: Found = _noted(await self._rounds.ask(self._find_all, Search(look_ups, columns, references)))
        return found

    async def write(self, writes: Sequence[RowWrite | Membership]) -> bool:
        written: bool = _noted(await self._rounds.ask(self._write_all, writes))
        return written

    async def table(self, name: str) -> Table:
        return await self._rounds.ask(self._tables, name)

    async def confirm_organization(self) -> None:
        await self._rounds.ask(self._confirm, None)

    async def _find_all(self, searches: Sequence[Search]) -> Sequence[_Told | Exception]:
        """A search that Dynamics refuses must not cost the others: in halves they go on. A limit is waited for."""
        with calls_noted() as calls:
            try:
                found = await self._found(searches)
            except RejectedRowError as refused:
                if len(searches) == 1:
                    return [refused]
            else:
                return [_Told(each, tuple(calls)) for each in found]
        middle = len(searches) // 2
        return [*await self._find_all(searches[:middle]), *await self._find_all(searches[middle:])]

    async def _found(self, searches: Sequence[Search]) -> Sequence[Found]:
        while True:
            try:
                return await self._crm.find_all(searches, self._gate)
            except ThrottledError as limit:
                await self._rest(limit)

    async def _write_all(self, pieces: Sequence[Sequence[RowWrite | Membership]]) -> Sequence[_Told | Exception]:
        with calls_noted() as calls:
            written = await self._crm.write_all(pieces, self._gate)
        return [each if isinstance(each, Exception) else _Told(each, tuple(calls)) for each in written]

    async def _tables(self, names: Sequence[str]) -> Sequence[Table]:
        read = {name: await self._crm.table(name) for name in dict.fromkeys(names)}
        return [read[name] for name in names]

    async def _confirm(self, asked: Sequence[None]) -> Sequence[None]:
        await self._crm.confirm_organization()
        return asked


def _noted(told: _Told) -> Any:
    for call in told.calls:
        note_call(call)
    return told.answer


class CrmsTogether:
    """`rest`: waits for a limit to pass, or raises what it is given where that takes long."""

    def __init__(self, crms: BulkCrms, rounds: Rounds, gate: Passing, rest: Rest) -> None:
        self._crms = crms
        self._rounds = rounds
        self._gate = gate
        self._rest = rest
        self._known: dict[str, CrmTogether] = {}

    async def crm(self, connection: Connection) -> Crm:
        if connection.id not in self._known:
            self._known[connection.id] = CrmTogether(
                await self._crms.crm(connection), self._rounds, self._gate, self._rest
            )
        return self._known[connection.id]

    def row_url(self, connection: Connection, table: str, row_id: str) -> str:
        return self._crms.row_url(connection, table, row_id)
