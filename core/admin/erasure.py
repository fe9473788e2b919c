"""Erases one person everywhere here: as a prospect, in deliveries, in the log with its indexes, in the quarantine.

It can be asked for again, and goes on where it was cut off: the log leads to what is left, and the prospect goes last.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from core.admin.on_the_way import on_the_way
from core.admin.places import Places
from core.domain.delivery import prospect_key
from core.domain.erasure import names_of
from core.domain.prospect import Prospect
from core.domain.retention import OldRow
from core.errors import InvalidInputError
from core.sync.erasing import Erasing
from core.sync.ports import Ledger

_AT_ONCE_MOST = 200
_DELIVERIES_MOST = 2_000


class Rows(Protocol):
    async def of_prospect(self, connection: str, name: str, *, most: int) -> Sequence[OldRow]: ...

    async def strip(self, row: OldRow) -> None:
        """Takes the person out of a row whose delivery was forgotten."""
        ...


class Bodies(Protocol):
    async def remove(self, receipt: str) -> bool: ...


@dataclass(slots=True)
class Erased:
    deliveries: int = 0
    bodies: int = 0
    rows: set[tuple[str, str, str]] = field(default_factory=set)  # organisation, table, row id: still in Dynamics
    is_all: bool = True


class Erasure:
    def __init__(self, *, ledger: Ledger, places: Places, rows: Rows, bodies: Bodies, erasing: Erasing) -> None:
        self._ledger = ledger
        self._places = places
        self._rows = rows
        self._bodies = bodies
        self._erasing = erasing

    async def erase(self, names: Sequence[str]) -> Erased:
        """Raises InvalidInputError while captures of the person are on their way."""
        connections = await self._places.connections()
        await self._refuse_under_way(names, connections)
        done = Erased()
        for organization in await self._places.organizations():
            for name in names:
                links = await self._known(organization, name)
                done.rows |= {(organization, table, row_id) for table, row_id in links.items()}
        for connection in connections:
            for name in names:
                await self._erase_rows(connection, name, done)
        if done.is_all:
            for organization in await self._places.organizations():
                for name in names:
                    await self._erasing.prospect(organization, name)
        return done

    async def _refuse_under_way(self, names: Sequence[str], connections: list[str]) -> None:
        waiting, _ = await on_the_way(self._ledger, self._places, connections)
        theirs = [each for each in waiting if names_of(each) & set(names)]
        if theirs:
            message = (
                f"{len(theirs)} captures of this person are on their way: erase the person when they are over, or "
                "withdraw them in Captello first."
            )
            raise InvalidInputError(message, field="prospect_id", status=409)

    async def _known(self, organization: str, name: str) -> dict[str, str]:
        found = await self._ledger.read(organization, prospect_key(name), Prospect)
        return found.entity.links if found else {}

    async def _erase_rows(self, connection: str, name: str, done: Erased) -> None:
        """A row that was erased is no longer found by the name, so each look finds what is left."""
        while rows := await self._rows.of_prospect(connection, name, most=_AT_ONCE_MOST):
            fates = [await self._erase_row(row, done) for row in rows]
            if "open" in fates or done.deliveries >= _DELIVERIES_MOST:
                done.is_all = False
                return

    async def _erase_row(self, row: OldRow, done: Erased) -> str:
        fate = await self._erasing.delivery(row.organization, row.delivery)
        if fate.row:
            done.rows.add((row.organization, *fate.row))
        if fate.word == "gone":
            await self._rows.strip(row)
        if fate.word != "open":
            done.deliveries += 1
            done.bodies += await self._bodies.remove(row.delivery)
        return fate.word
