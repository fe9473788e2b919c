"""NCRONTAB schedules: six fields (second first; five are taken as starting with the minute), and when one comes next.

Refused here, though NCRONTAB takes it for something else: ranges that run backwards (it turns them round), a step of 0
(it takes 1), a schedule that never comes.
https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

_NAMES = {
    4: ["january", "february", "march", "april", "may", "june",
        "july", "august", "september", "october", "november", "december"],
    5: ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"],
}  # fmt: skip
_BOUNDS = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_PART = re.compile(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\d+))?", re.ASCII)
_SHORTEST_NAME = 3
_LONGEST_SEARCH = timedelta(days=366 * 41)  # 29 February on one weekday: 28 years, 40 over a century without leap day


class ScheduleError(ValueError):
    """The text is no schedule; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Schedule:
    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def after(self, moment: datetime) -> datetime:
        """The first occurrence later than this moment."""
        found = moment.replace(microsecond=0) + timedelta(seconds=1)
        latest = found + _LONGEST_SEARCH
        while found < latest:
            if not self._has_day(found):
                found = found.replace(hour=0, minute=0, second=0) + timedelta(days=1)
            elif found.hour not in self.hours:
                found = found.replace(minute=0, second=0) + timedelta(hours=1)
            elif found.minute not in self.minutes:
                found = found.replace(second=0) + timedelta(minutes=1)
            elif found.second not in self.seconds:
                found += timedelta(seconds=1)
            else:
                return found
        raise ScheduleError("the schedule never comes")

    def _has_day(self, moment: datetime) -> bool:
        weekday = moment.isoweekday() % 7  # Sunday is 0
        return moment.month in self.months and moment.day in self.days and weekday in self.weekdays


def schedule(text: str) -> Schedule:
    """Raises ScheduleError."""
    fields = text.split()
    if len(fields) == len(_BOUNDS) - 1:
        fields = ["0", *fields]
    if len(fields) != len(_BOUNDS):
        raise ScheduleError(
            f"the schedule {text!r} has {len(fields)} fields; it takes six: second minute hour day month weekday"
        )
    try:
        return Schedule(*(_field(field, number) for number, field in enumerate(fields)))
    except ValueError as error:
        raise ScheduleError(f"the schedule {text!r} cannot be read: {error}") from None


def _field(text: str, number: int) -> frozenset[int]:
    return frozenset(value for part in text.split(",") for value in _part(part, number))


def _part(text: str, number: int) -> range:
    part = _PART.fullmatch(text)
    if not part:
        raise ValueError(f"{text!r} is no part of a schedule")
    low, high = _BOUNDS[number]
    step = int(part["step"] or 1)
    if part["first"]:
        low = _value(part["first"], number)
        high = _value(part["last"], number) if part["last"] else (high if part["step"] else low)
    if low > high or step < 1:
        raise ValueError(f"{text!r} selects nothing")
    return range(low, high + 1, step)


def _value(text: str, number: int) -> int:
    low, high = _BOUNDS[number]
    for value, name in enumerate(_NAMES.get(number, ()), start=low):
        if len(text) >= _SHORTEST_NAME and name.startswith(text.lower()):
            return value
    if not text.isdecimal():
        raise ValueError(f"{text!r} is neither a number nor a name")
    value = int(text)
    if not low <= value <= high:
        raise ValueError(f"{value} is not between {low} and {high}")
    return value
