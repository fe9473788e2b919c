"""How many deliveries of a connection wait: with its organisation, and with those that it pointed to before."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from core.domain.connection import Connection

COUNTED_MOST = 1000


class Counts(Protocol):
    async def waiting(self, organization: str, connection: str, *, most: int) -> int: ...


@dataclass(frozen=True, slots=True)
class Waiting:
    """Up to `COUNTED_MOST` each. What waits elsewhere goes on when the connection points back there."""

    here: int
    elsewhere: dict[str, int]


async def waiting(counts: Counts, connection: Connection) -> Waiting:
    places = (connection.partition, *connection.former_organizations)
    numbers = await asyncio.gather(*(counts.waiting(place, connection.id, most=COUNTED_MOST) for place in places))
    found = dict(zip(places, numbers, strict=True))
    return Waiting(found.pop(connection.partition), {place: number for place, number in found.items() if number})
