"""Deliveries that are not over: the marks of open work lead to them."""

import asyncio
from datetime import UTC, datetime

from core.admin.places import Places
from core.domain.delivery import Delivery, delivery_key
from core.sync.ports import Ledger

MOST = 1_000
_AT_ONCE = 32


async def on_the_way(ledger: Ledger, places: Places, connections: list[str]) -> tuple[list[Delivery], bool]:
    """Those of these connections, and whether that is all of them."""
    found: list[Delivery] = []
    for organization in await places.organizations():
        marks = await ledger.due(organization, datetime.max.replace(tzinfo=UTC), most=MOST, connections=connections)
        for start in range(0, len(marks), _AT_ONCE):
            some = (delivery_key(mark.delivery) for mark in marks[start : start + _AT_ONCE])
            read = await asyncio.gather(*(ledger.read(organization, key, Delivery) for key in some))
            found += [each.entity for each in read if each and each.entity.state != "done"]
        if len(marks) >= MOST:
            return found, False
    return found, True
