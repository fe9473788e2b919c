"""What is old goes: a timer takes away what is kept no longer, a bounded part of it at a time.

The log's keys tell what is old, so a run looks at that and nothing else. Deliveries have no order of their own: they
are found by their rows in the log, window by window. What is open is never taken away; held captures that nobody
releases, and bodies that nobody mends, are ended first, with a row that says so.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from core.domain.automation import CHANGES_LAST
from core.domain.retention import Kept, OldRow, Retention
from core.errors import InvalidInputError, SyncError
from core.logs import logger
from core.sync.forgetting import Fate, Forgetting
from core.sync.ports import ABSENT, Change, Ledger
from core.sync.quarantining import Quarantine

AT_ONCE_MOST = 1_000  # rows of one connection, or things of one kind, in one run
PLACE = "retention"
_TOGETHER = 16

_log = logger("captello.retention")


class OldRows(Protocol):
    """Rows of the log that came in before some moment, the newest of them first."""

    async def rows(
        self, connection: str, *, before: datetime, since: datetime | None = None, after: str = "", most: int
    ) -> Sequence[OldRow]: ...

    async def held(self, connection: str, *, before: datetime, most: int) -> Sequence[OldRow]: ...

    async def remove(self, rows: Sequence[OldRow]) -> int: ...


class OldThings(Protocol):
    async def tidy(self, before: datetime, *, most: int) -> int:
        """Takes away what is over and older; answers how much."""
        ...


class Bodies(OldThings, Protocol):
    async def waiting(self, before: datetime, *, most: int) -> Sequence[str]:
        """Receipts of bodies that nobody has mended."""
        ...


class Places(Protocol):
    async def connections(self) -> list[str]: ...


CHANGES_KEPT = CHANGES_LAST + timedelta(days=1)


class Swept(BaseModel):
    """Up to when a connection's deliveries have been gone through; and within the window that is under way."""

    model_config = ConfigDict(frozen=True)

    until: datetime | None = None
    window_ends: datetime | None = None
    after: str = ""


@dataclass(frozen=True, slots=True)
class Stores:
    rows: OldRows
    bodies: Bodies
    batches: OldThings
    replays: OldThings
    audit: OldThings
    changes: OldThings  # what automations look through


class Tidying:
    def __init__(
        self,
        *,
        retention: Retention,
        stores: Stores,
        forgetting: Forgetting,
        quarantine: Quarantine,
        ledger: Ledger,
        places: Places,
        now: Callable[[], datetime],
        at_once: int = AT_ONCE_MOST,
    ) -> None:
        self._retention = retention
        self._stores = stores
        self._forgetting = forgetting
        self._quarantine = quarantine
        self._ledger = ledger
        self._places = places
        self._now = now
        self._at_once = at_once

    async def run(self) -> dict[str, int]:
        """How much of each kind went. A kind that cannot be tidied now does not keep the others."""
        kept, stores = self._retention, self._stores
        counted = {
            "held": await self._each_connection(kept.waiting, self._give_up_held),
            "unread": await self._kind(kept.waiting, self._give_up_unread),
            "deliveries": await self._each_connection(kept.deliveries, self._forget_deliveries),
            "log": await self._each_connection(kept.log, self._remove_rows),
        }
        others = {
            "quarantine": (kept.quarantine, stores.bodies),
            "bulk": (kept.bulk, stores.batches),
            "replays": (kept.replays, stores.replays),
            "audit": (kept.audit, stores.audit),
            "changes": (CHANGES_KEPT, stores.changes),
        }
        for name, (how_long, things) in others.items():
            counted[name] = await self._kind(how_long, partial(things.tidy, most=self._at_once))
        return {name: count for name, count in counted.items() if count}

    async def _each_connection(self, kept: Kept, step: Callable[[str, datetime], Awaitable[int]]) -> int:
        connections = await self._places.connections()
        return sum([await self._kind(kept, partial(step, each)) for each in connections])

    async def _kind(self, kept: Kept, step: Callable[[datetime], Awaitable[int]]) -> int:
        if kept is None:
            return 0
        try:
            return await step(self._now() - kept)
        except SyncError as error:
            _log.warning("what is old could not be taken away: %s [%s]", error.message, error.code)
            return 0

    # --- What waits in vain -----------------------------------------------------------------------------------------

    async def _give_up_held(self, connection: str, before: datetime) -> int:
        held = await self._stores.rows.held(connection, before=before, most=self._at_once)
        reason = f"It was held, and nobody released it {self._days}. A release that comes later is taken as new."
        ended = [await self._forgetting.give_up(row.organization, row.delivery, reason=reason) for row in held]
        return ended.count(True)

    async def _give_up_unread(self, before: datetime) -> int:
        receipts = await self._stores.bodies.waiting(before, most=self._at_once)
        return [await self._discarded(receipt) for receipt in receipts].count(True)

    async def _discarded(self, receipt: str) -> bool:
        try:
            await self._quarantine.discard(receipt, reason=f"Nobody mended it {self._days}.")
        except InvalidInputError:  # somebody has just replayed it
            return False
        return True

    @property
    def _days(self) -> str:
        assert self._retention.waiting is not None
        return f"within {self._retention.waiting.days} days"

    # --- Deliveries and their rows ----------------------------------------------------------------------------------

    async def _forget_deliveries(self, connection: str, before: datetime) -> int:
        """The next part of the window that ends `before`. One that is open is looked for again when its row goes."""
        found = await self._ledger.read(PLACE, f"swept|{connection}", Swept)
        swept = found.entity if found else Swept()
        ends = swept.window_ends or before
        rows = await self._stores.rows.rows(
            connection, before=ends, since=swept.until, after=swept.after, most=self._at_once
        )
        fates = await self._forgotten(rows)
        is_through = len(rows) < self._at_once
        after = Swept(until=ends) if is_through else Swept(until=swept.until, window_ends=ends, after=rows[-1].key)
        change = Change(f"swept|{connection}", after, found.etag if found else ABSENT)
        await self._ledger.commit(PLACE, [change])  # lost to another run: the same is gone through again
        return fates.count("forgotten")

    async def _remove_rows(self, connection: str, before: datetime) -> int:
        """With their deliveries, where these are still there. The row of one that is open stays with it."""
        rows = await self._stores.rows.rows(connection, before=before, most=self._at_once)
        fates = await self._forgotten(rows)
        return await self._stores.rows.remove([row for row, fate in zip(rows, fates, strict=True) if fate != "open"])

    async def _forgotten(self, rows: Sequence[OldRow]) -> list[Fate]:
        done: list[Fate] = []
        for start in range(0, len(rows), _TOGETHER):
            some = rows[start : start + _TOGETHER]
            done += await asyncio.gather(*(self._forgetting.forget(row.organization, row.delivery) for row in some))
        return done
