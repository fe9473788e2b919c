"""Days and moments, from what people and systems write.

A column whose behaviour is DateOnly takes the day as it was written, whatever the zone; UserLocal takes the moment in
UTC, and what names no zone is in the connection's; TimeZoneIndependent takes the clock's face as it was written. A
day without a time begins at midnight. Seconds are whole; fractions are dropped.

Read are: year first (`2026-05-04`, `2026/5/4`, `20260504`), with dots (`4.5.2026`, day first), with a month's name, and
with `/` or `-` where only one order is possible (`25/12/2026`, `05/05/2026`). `03/04/2026` could be two days: it is
left out unless the row's `transform` says which comes first. Years have four digits.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from core.domain.conversion.months import MONTHS
from core.domain.conversion.outcome import Converted, Misfit, Rules, Transform, quoted
from core.domain.table import Column
from core.domain.values import FieldValue, as_text

_EARLIEST = date(1753, 1, 1)  # of SQL Server's, and so of Dataverse's
_LONGEST = 80
_HALF_DAY = 12

_TIME = re.compile(
    r"(?P<day>.*?)(?:\s*[T,]\s*|\s+(?:at|um|à|a las|alle|om)\s+|\s+)"
    r"(?P<hour>\d{1,2})[:h](?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d{1,9})?)?"
    r"(?:\s*(?P<half>[ap])\.?m\.?|\s*(?:Uhr|h))?\s*(?P<zone>Z|UTC|GMT|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)?",
    re.IGNORECASE | re.ASCII,
)
_YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})\.?|(\d{4})(\d{2})(\d{2})", re.ASCII)
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])\s?(\d{1,2})\2\s?(\d{4})", re.ASCII)
_WEEKDAY = re.compile(r"^[^\W\d]{2,12}\.?,\s*")
_DAY_MONTH_YEAR = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th|er|º|\.)?[\s-]*(?:de |of )?([^\W\d]+)\.?,?[\s-]*(?:de )?(\d{4})", re.IGNORECASE
)
_MONTH_DAY_YEAR = re.compile(r"([^\W\d]+)\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Written:
    """A day, and what was written of a time."""

    day: date
    clock: time | None = None
    zone: timezone | None = None


def as_date(column: Column, value: FieldValue, rules: Rules) -> Converted | Misfit:
    """The day or the moment that the column's behaviour asks for."""
    said = as_text(value)
    written = _written(said, rules.transform) if _is_text(value) and len(said) <= _LONGEST else _NOTHING
    if isinstance(written, str):
        return Misfit(f"{quoted(said)} {written}; {column.name} takes {_accepted(column)}.")
    if column.date_behavior == "DateOnly":
        return _day(column, said, written)
    return _moment(column, said, written, rules.time_zone)


def _is_text(value: FieldValue) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and len(value) == 1)


_NOTHING = "is not a date"
_AMBIGUOUS = 'could be two days (set the row\'s transform to "day_first" or "month_first" to settle it)'


def _accepted(column: Column) -> str:
    example = "2026-05-04" if column.date_behavior == "DateOnly" else "2026-05-04T13:05:00+02:00"
    return f"dates such as {example}, from {_EARLIEST} on"


def _day(column: Column, said: str, written: _Written) -> Converted | Misfit:
    if written.day < _EARLIEST:
        return Misfit(f"{quoted(said)} is out of range; {column.name} takes {_accepted(column)}.")
    lost = written.clock not in (None, time())
    return Converted(
        written.day.isoformat(), f"{column.name} takes a day; the time in {quoted(said)} was left out." if lost else ""
    )


def _moment(column: Column, said: str, written: _Written, time_zone: str) -> Converted | Misfit:
    local = datetime.combine(written.day, written.clock or time())
    try:
        if column.date_behavior == "TimeZoneIndependent":
            moment = local.replace(tzinfo=UTC)
        else:
            moment = local.replace(tzinfo=written.zone or ZoneInfo(time_zone)).astimezone(UTC)
    except OverflowError:
        moment = datetime.min.replace(tzinfo=UTC)
    if moment.date() < _EARLIEST:
        return Misfit(f"{quoted(said)} is out of range; {column.name} takes {_accepted(column)}.")
    return Converted(moment.strftime("%Y-%m-%dT%H:%M:%SZ"))


# --- What was written -------------------------------------------------------------------------------------------------


def _written(text: str, transform: Transform | None) -> _Written | str:
    """The day with its time, or what is the matter."""
    found = _TIME.fullmatch(text)
    day = _day_of(found["day"] if found else text, transform)
    if found is None or isinstance(day, str):
        return _Written(day) if isinstance(day, date) else day
    clock = _clock(found)
    return _NOTHING if clock is None else _Written(day, clock, _zone(found["zone"] or ""))


def _clock(found: re.Match[str]) -> time | None:
    hour, half = int(found["hour"]), (found["half"] or "").lower()
    if half and not 1 <= hour <= _HALF_DAY:
        return None
    if half:
        hour = hour % _HALF_DAY + (_HALF_DAY if half == "p" else 0)
    try:
        return time(hour, int(found["minute"]), int(found["second"] or 0))
    except ValueError:
        return None


def _zone(text: str) -> timezone | None:
    if text[:1] not in ("+", "-"):
        return UTC if text else None
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)


def _day_of(text: str, transform: Transform | None) -> date | str:
    """The one day that this can be, or what is the matter."""
    possible = list(dict.fromkeys(_possible_days(text.strip())))
    if not possible:
        return _NOTHING
    if len(possible) == 1:
        return possible[0]
    orders = {Transform.DAY_FIRST: possible[0], Transform.MONTH_FIRST: possible[1]}
    return orders.get(transform, _AMBIGUOUS) if transform else _AMBIGUOUS


def _possible_days(text: str) -> Iterable[date]:
    """Every day that this may mean; of two, the one with the day first comes first."""
    if found := _YEAR_FIRST.fullmatch(text):
        year, month, day = (found[1], found[3], found[4]) if found[1] else (found[5], found[6], found[7])
        yield from _dates(year, month, day)
    elif found := _YEAR_LAST.fullmatch(text):
        yield from _dates(found[4], found[3], found[1])
        if found[2] != ".":
            yield from _dates(found[4], found[1], found[3])
    else:
        yield from _named(_WEEKDAY.sub("", text, count=1))


def _named(text: str) -> Iterable[date]:
    if found := _DAY_MONTH_YEAR.fullmatch(text):
        yield from _dates(found[3], MONTHS.get(found[2].casefold(), 0), found[1])
    elif found := _MONTH_DAY_YEAR.fullmatch(text):
        yield from _dates(found[3], MONTHS.get(found[1].casefold(), 0), found[2])


def _dates(year: str, month: str | int, day: str) -> Iterable[date]:
    try:
        yield date(int(year), int(month), int(day))
    except ValueError:
        return
