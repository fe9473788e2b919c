"""When an automation runs: once, or again and again between a start and an end, on days and at hours of a time zone.

Nothing is reckoned ahead: a moment is within the schedule or it is not, by the clock on the wall of its zone. So a day
of 23 or 25 hours needs no rule of its own, and a tick that comes late finds what it would have found in time.
"""

import re
from datetime import datetime, time, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from core.domain.connection import known_zone

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_LEAST, EVERY_MOST = 5, 7 * 24 * 60
_HOUR = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")
_EARLY = timedelta(minutes=EVERY_LEAST) / 2  # half the time between two ticks: each belongs to the nearest moment


def _as_hour(value: object) -> object:
    """The end of a day is the beginning of the next."""
    if isinstance(value, time):
        return value
    if not isinstance(value, str) or not _HOUR.fullmatch(text := "00:00" if value == "24:00" else value):
        raise ValueError("an hour is a text such as 08:00, on the clock of `time_zone`")
    return text


def _as_date(value: object) -> object:
    if isinstance(value, str | datetime) or value is None:
        return value
    raise ValueError("a date is a text such as 2026-05-04, or 2026-05-04T08:00")


Hour = Annotated[time, BeforeValidator(_as_hour)]
Date = Annotated[datetime | None, BeforeValidator(_as_date)]
Weekdays = Annotated[
    tuple[Weekday, ...],
    Field(min_length=1),
    AfterValidator(lambda given: tuple(day for day in _WEEKDAYS if day in given)),
]


class Window(BaseModel):
    """Hours of the day; one that ends before it begins goes over midnight, and belongs to the day it begins on."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    begins: Annotated[Hour, Field(alias="from")]
    ends: Annotated[Hour, Field(alias="to")]

    @model_validator(mode="after")
    def _has_hours(self) -> Self:
        if self.begins == self.ends:
            raise ValueError("a window that ends when it begins has no hours: leave it out for the whole day")
        return self


class Schedule(BaseModel):
    """Dates without an offset are meant in the time zone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    runs: Literal["once", "continuously"] = "continuously"
    every_minutes: Annotated[int, Field(ge=EVERY_LEAST, le=EVERY_MOST)] = EVERY_LEAST
    starts_at: Date = None
    ends_at: Date = None
    weekdays: Weekdays = _WEEKDAYS
    window: Window | None = None
    time_zone: Annotated[str, AfterValidator(known_zone)] = "UTC"

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.starts_at and self.ends_at and self._moment(self.ends_at) <= self._moment(self.starts_at):
            raise ValueError("`ends_at` is not after `starts_at`")
        return self

    def is_open(self, now: datetime) -> bool:
        """Whether it may run at this moment."""
        if self.starts_at and now < self._moment(self.starts_at):
            return False
        return not self._has_ended(now) and self._is_in_hours(now.astimezone(ZoneInfo(self.time_zone)))

    def due(self, now: datetime, *, last: datetime | None) -> datetime | None:
        """For which of its moments to run now, if for any. The first is its first tick; the others lie `every_minutes`
        apart, however late their ticks come.
        """
        if not self.is_open(now):
            return None
        if last is None:
            return now
        every = timedelta(minutes=self.every_minutes)
        passed = (now - last + _EARLY) // every
        return last + passed * every if passed > 0 and self.runs == "continuously" else None

    def is_over(self, now: datetime, *, has_run: bool) -> bool:
        """Whether it never runs again."""
        return self._has_ended(now) or (self.runs == "once" and has_run)

    def _has_ended(self, now: datetime) -> bool:
        return self.ends_at is not None and now >= self._moment(self.ends_at)

    def _is_in_hours(self, local: datetime) -> bool:
        at, window = local.time(), self.window
        if window is None:
            return _WEEKDAYS[local.weekday()] in self.weekdays
        if window.begins < window.ends:
            return window.begins <= at < window.ends and _WEEKDAYS[local.weekday()] in self.weekdays
        day = local if at >= window.begins else local - timedelta(days=1)
        return (at >= window.begins or at < window.ends) and _WEEKDAYS[day.weekday()] in self.weekdays

    def _moment(self, at: datetime) -> datetime:
        """An hour that the clock skips, or shows twice, is taken as before the change."""
        return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(self.time_zone))
