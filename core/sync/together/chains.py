"""Who of many runs after whom, and who is taken along.

Deliveries of one person run one after the other, in the order in which they came (`domain.sharing`); the others run
side by side. Whoever's turn it is takes those along that come right after him.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from core.domain.delivery import Delivery
from core.domain.sharing import followers, predecessors
from core.sync.ports import Ledger, Versioned

Begin = Callable[[], Awaitable[None]]
Run = Callable[[Versioned[Delivery], Sequence[Versioned[Delivery]]], Awaitable[Any]]


async def in_chains(
    ledger: Ledger, deliveries: Sequence[Versioned[Delivery]], run: Run, begin: Begin, *, with_companies: bool
) -> list[Any]:
    """What `run` answered or raised for each, once `begin` let it; it is given the delivery, and those that it may take
    along.

    Whoever has to wait for somebody does so without a word to anybody; who may have been taken along is read again
    then.
    """
    captures = [found.entity.capture for found in deliveries]
    before = predecessors(captures, with_companies=with_companies)
    following = followers(captures, before)
    takeable = {number for others in following for number in others}
    over = [asyncio.Event() for _ in deliveries]

    async def turn(number: int) -> Any:
        found = deliveries[number]
        try:
            for other in before[number]:
                await over[other].wait()
            await begin()
            if number in takeable:
                found = await ledger.read(found.entity.organization, found.entity.key, Delivery) or found
            return await run(found, [deliveries[other] for other in following[number]])
        finally:
            over[number].set()

    return await asyncio.gather(*map(turn, range(len(deliveries))), return_exceptions=True)
