"""Timer triggers: one loop for each function. What was missed while the host was down is made up once, as past due.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer
"""

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta

from azure.functions.meta import Datum

from infra.local.functions_host.errors import HostError
from infra.local.functions_host.functions import Function
from infra.local.functions_host.http_trigger import Write
from infra.local.functions_host.invocation import invoke
from infra.local.functions_host.ncrontab import Schedule, ScheduleError, schedule
from infra.local.functions_host.schedule_status import ScheduleStatus, StatusStore, after_run, at_start

_MONITORED_FROM = timedelta(minutes=1)

_log = logging.getLogger("host.timer")


def schedule_of(function: Function) -> Schedule:
    """Raises HostError, for a schedule that never comes as well."""
    try:
        read = schedule(function.trigger.text("schedule"))
        read.after(datetime.now(UTC))
    except ScheduleError as error:
        raise HostError(f"{function.name}: {error}") from None
    return read


def is_monitored(function: Function, read: Schedule, *, now: datetime) -> bool:
    """Not where that is switched off, and not for schedules that come more often than every minute."""
    first = read.after(now)
    return function.trigger.settings.get("useMonitor") is not False and read.after(first) - first >= _MONITORED_FROM


class TimerTrigger:
    def __init__(self, function: Function, read: Schedule, status: StatusStore | None, write: Write) -> None:
        self._function = function
        self._schedule = read
        self._store = status
        self._write = write
        self._status: ScheduleStatus | None = None

    async def run(self) -> None:
        """Runs until cancelled, one invocation at a time; what came meanwhile, comes once, at once."""
        await self._start()
        following = self._schedule.after(datetime.now(UTC))
        while True:
            await asyncio.sleep(max(0.0, (following - datetime.now(UTC)).total_seconds()))
            began = max(datetime.now(UTC), following)
            await self._fire(began)
            following = self._schedule.after(began)

    async def _start(self) -> None:
        now = datetime.now(UTC)
        if self._store:
            self._status = at_start(await self._store.load(), self._schedule, now=now)
            await self._store.save(self._status)
        is_past_due = self._status is not None and now > self._status.next
        if is_past_due or self._function.trigger.settings.get("runOnStartup"):
            await self._fire(now, is_past_due=is_past_due)

    async def _fire(self, at: datetime, *, is_past_due: bool = False) -> None:
        try:
            await self._write(await invoke(self._function, self._handed(is_past_due=is_past_due)))
        except Exception:  # noqa: BLE001 - whatever an app raises, the next occurrence comes
            _log.exception("%s failed; its schedule goes on", self._function.name)
        if self._store:
            self._status = after_run(at, self._schedule)
            await self._store.save(self._status)

    def _handed(self, *, is_past_due: bool) -> Datum:
        told = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": self._status.described() if self._status else None,
            "IsPastDue": is_past_due,
        }
        return Datum(json.dumps(told), "json")
