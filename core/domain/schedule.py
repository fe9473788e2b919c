"""When an automation runs: once, or again and again between a start and an end, on days and at hours of a time zone.

Nothing is reckoned ahead: a moment is within the schedule or it is not, by the clock on the wall of its zone. So a day
of 23 or 25 hours needs no rule of its own, and a tick that comes late finds what it would have found in time.
"""

from datetime import datetime, time, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_LEAST, EVERY_MOST = 5, 7 * 24 * 60


class Window(BaseModel):
    """Hours of the day; one that ends before it begins goes over midnight, and belongs to the day it begins on."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    begins: Annotated[time, Field(alias="from")]
    ends: Annotated[time, Field(alias="to")]

    @model_validator(mode="after")
    def _has_hours(self) -> Self:
        if self.begins == self.ends:
            raise ValueError("a window that ends when it begins has no hours: leave it out for the whole day")
        if self.begins.tzinfo or self.ends.tzinfo:
            raise ValueError("the hours of a window are those of `time_zone`: leave the offset out")
        return self


class Schedule(BaseModel):
    """Dates without an offset are meant in the time zone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    runs: Literal["once", "continuously"] = "continuously"
    every_minutes: Annotated[int, Field(ge=EVERY_LEAST, le=EVERY_MOST)] = EVERY_LEAST
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    weekdays: Annotated[tuple[Weekday, ...], Field(min_length=1)] = _WEEKDAYS
    window: Window | None = None
    time_zone: str = "UTC"

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ValueError, OSError, KeyError):
            raise ValueError("a time zone is named as in Europe/Berlin or UTC") from None
        return name

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

    def is_due(self, now: datetime, *, last_run_at: datetime | None) -> bool:
        """Whether to run now. Ticks come every few minutes, and one a little early counts."""
        if not self.is_open(now):
            return False
        if last_run_at is None:
            return True
        return self.runs == "continuously" and now - last_run_at >= timedelta(minutes=self.every_minutes) - _EARLY

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


_EARLY = timedelta(minutes=1)  # a timer is never on the second
