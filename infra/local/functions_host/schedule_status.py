"""When a timer ran last and comes next, as the host remembers it from one start to the next.

Duty: the status, its JSON, and what a stored one means today; no I/O. `status_store` keeps it.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from infra.local.functions_host.ncrontab import Schedule

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ScheduleStatus:
    last: datetime
    next: datetime
    updated: datetime

    def described(self) -> dict[str, str]:
        return {
            "Last": self.last.isoformat(),
            "Next": self.next.isoformat(),
            "LastUpdated": self.updated.isoformat(),
        }


def after_run(at: datetime, schedule: Schedule) -> ScheduleStatus:
    return ScheduleStatus(last=at, next=schedule.after(at), updated=at)


def at_start(stored: ScheduleStatus | None, schedule: Schedule, *, now: datetime) -> ScheduleStatus:
    """What is due next: what was stored, unless the schedule has changed since."""
    if stored is None:
        return ScheduleStatus(last=_NEVER, next=schedule.after(now), updated=now)
    counted_from = stored.updated if stored.last == _NEVER else stored.last
    due = schedule.after(counted_from)
    if due == stored.next:
        return stored
    return ScheduleStatus(last=_NEVER, next=due if due > now else schedule.after(now), updated=counted_from)


def read_status(text: bytes) -> ScheduleStatus | None:
    """None for what cannot be read."""
    try:
        given = json.loads(text)
        return ScheduleStatus(*(_moment(given[name]) for name in ("Last", "Next", "LastUpdated")))
    except (ValueError, KeyError, TypeError):
        return None


class StatusStore(Protocol):
    async def load(self) -> ScheduleStatus | None: ...

    async def save(self, status: ScheduleStatus) -> None: ...


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
