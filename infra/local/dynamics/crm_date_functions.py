"""Query functions of Microsoft.Dynamics.CRM about dates → SQL; the environment's clock says what day it is, in UTC.

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/reference/queryfunctions

Duty: all of them but those of fiscal years. Weeks begin on Sunday, as in an English organisation.
"""

from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final

from infra.local.dynamics import errors
from infra.local.dynamics.crm_call import Asked, Function
from infra.local.dynamics.sql import Sql
from infra.local.dynamics.values import moment_text

Shift = Callable[[datetime, int], datetime]
_DAY: Final = timedelta(days=1)
_DATES: Final = frozenset({"DateTime"})


def _later(**unit: int) -> Shift:
    return lambda start, count: start + count * timedelta(**unit)


def _months_later(start: datetime, count: int) -> datetime:
    year, month = divmod(start.year * 12 + start.month - 1 + count, 12)
    return start.replace(year=year, month=month + 1, day=min(start.day, monthrange(year, month + 1)[1]))


def _years_later(start: datetime, count: int) -> datetime:
    return _months_later(start, 12 * count)


def _day(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _shifted(asked: Asked, start: datetime, shift: Shift, sign: int) -> datetime:
    """By as much as the call says."""
    count = asked.value
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise errors.query_invalid("PropertyValue must be a positive whole number.")
    try:
        return shift(start, sign * count)
    except (ValueError, OverflowError):
        raise errors.query_invalid(f"PropertyValue {count} leads out of the calendar.") from None


def _last(shift: Shift, *, whole_days: bool = True) -> Callable[[Asked], Sql]:
    """LastXDays and so on: from the start of the first day until now."""

    def condition(asked: Asked) -> Sql:
        start = _shifted(asked, _day(asked.now) if whole_days else asked.now, shift, -1)
        return _within(asked, start, asked.now)

    return condition


def _next(shift: Shift, *, whole_days: bool = True) -> Callable[[Asked], Sql]:
    """NextXDays and so on: from now until the end of the last day."""

    def condition(asked: Asked) -> Sql:
        end = _shifted(asked, _day(asked.now) + _DAY if whole_days else asked.now, shift, 1)
        return _before(asked, end, since=asked.now)

    return condition


def _older(shift: Shift) -> Callable[[Asked], Sql]:
    return lambda asked: _before(asked, _shifted(asked, asked.now, shift, -1))


def _seven_days(sign: int) -> Callable[[Asked], Sql]:
    def condition(asked: Asked) -> Sql:
        if sign < 0:
            return _within(asked, _day(asked.now) - 7 * _DAY, asked.now)
        return _before(asked, _day(asked.now) + 8 * _DAY, since=asked.now)

    return condition


def _period(start: Callable[[datetime], datetime], shift: Shift, offset: int) -> Callable[[Asked], Sql]:
    """Yesterday, ThisMonth, NextYear and so on: all of it."""

    def condition(asked: Asked) -> Sql:
        first = shift(start(_day(asked.now)), offset)
        return _before(asked, shift(first, 1), since=first)

    return condition


def _week(day: datetime) -> datetime:
    return day - day.isoweekday() % 7 * _DAY


def _month(day: datetime) -> datetime:
    return day.replace(day=1)


def _year(day: datetime) -> datetime:
    return day.replace(month=1, day=1)


def _on(asked: Asked) -> Sql:
    day = _given_day(asked)
    return _before(asked, day + _DAY, since=day)


def _on_or_after(asked: Asked) -> Sql:
    return Sql(f"{asked.sql} >= ?", (_stored(asked, _given_day(asked)),))


def _on_or_before(asked: Asked) -> Sql:
    return _before(asked, _given_day(asked) + _DAY)


def _given_day(asked: Asked) -> datetime:
    given = asked.value
    try:
        day = given if isinstance(given, date) else datetime.fromisoformat(str(given))
    except ValueError:
        raise errors.query_invalid(f"'{given}' is not a date.") from None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _within(asked: Asked, start: datetime, end: datetime) -> Sql:
    return Sql(f"{asked.sql} BETWEEN ? AND ?", (_stored(asked, start), _stored(asked, end)))


def _before(asked: Asked, end: datetime, *, since: datetime | None = None) -> Sql:
    if since is None:
        return Sql(f"{asked.sql} < ?", (_stored(asked, end),))
    return Sql(f"{asked.sql} >= ? AND {asked.sql} < ?", (_stored(asked, since), _stored(asked, end)))


def _stored(asked: Asked, moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}" if asked.column.is_date_only else moment_text(moment)


_HOURS, _MINUTES = _later(hours=1), _later(minutes=1)
_DAYS, _WEEKS = _later(days=1), _later(weeks=1)
_COUNTED: Final[Mapping[str, Callable[[Asked], Sql]]] = {
    "LastXHours": _last(_HOURS, whole_days=False),
    "LastXDays": _last(_DAYS),
    "LastXWeeks": _last(_WEEKS),
    "LastXMonths": _last(_months_later),
    "LastXYears": _last(_years_later),
    "NextXHours": _next(_HOURS, whole_days=False),
    "NextXDays": _next(_DAYS),
    "NextXWeeks": _next(_WEEKS),
    "NextXMonths": _next(_months_later),
    "NextXYears": _next(_years_later),
    "OlderThanXMinutes": _older(_MINUTES),
    "OlderThanXHours": _older(_HOURS),
    "OlderThanXDays": _older(_DAYS),
    "OlderThanXWeeks": _older(_WEEKS),
    "OlderThanXMonths": _older(_months_later),
    "OlderThanXYears": _older(_years_later),
    "On": _on,
    "OnOrAfter": _on_or_after,
    "OnOrBefore": _on_or_before,
}
_BY_THE_CLOCK: Final[Mapping[str, Callable[[Asked], Sql]]] = {
    "Today": _period(_day, _DAYS, 0),
    "Yesterday": _period(_day, _DAYS, -1),
    "Tomorrow": _period(_day, _DAYS, 1),
    "Last7Days": _seven_days(-1),
    "Next7Days": _seven_days(1),
    "ThisWeek": _period(_week, _WEEKS, 0),
    "LastWeek": _period(_week, _WEEKS, -1),
    "NextWeek": _period(_week, _WEEKS, 1),
    "ThisMonth": _period(_month, _months_later, 0),
    "LastMonth": _period(_month, _months_later, -1),
    "NextMonth": _period(_month, _months_later, 1),
    "ThisYear": _period(_year, _years_later, 0),
    "LastYear": _period(_year, _years_later, -1),
    "NextYear": _period(_year, _years_later, 1),
}
DATE_FUNCTIONS: Final[Mapping[str, Function]] = {
    **{name: Function(function, _DATES) for name, function in _BY_THE_CLOCK.items()},
    **{name: Function(function, _DATES, "PropertyValue") for name, function in _COUNTED.items()},
}
