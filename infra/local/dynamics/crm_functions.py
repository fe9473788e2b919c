"""Query functions of Microsoft.Dynamics.CRM → SQL.

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/reference/queryfunctions

Duty: those that a synchronisation uses; the rest is refused by name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from infra.local.dynamics import errors
from infra.local.dynamics.collation import fold
from infra.local.dynamics.filter_tree import Literal
from infra.local.dynamics.schema import FRACTION_KINDS, TEXT_KINDS, WHOLE_KINDS, Column
from infra.local.dynamics.sql import Sql
from infra.local.dynamics.values import moment_text

_MAX_TEXT: Final = 850


@dataclass(frozen=True, slots=True)
class Asked:
    """One call: the column, as SQL, and the parameters."""

    column: Column
    sql: str
    parameters: Mapping[str, Literal]
    now: datetime
    user_id: str

    def one(self, name: str = "PropertyValue") -> Any:
        return self._given(name)

    def many(self) -> list[Any]:
        values = self._given("PropertyValues")
        if not isinstance(values, list):
            raise errors.query_invalid("PropertyValues must be a collection.")
        return [self._stored(value) for value in values]

    @property
    def term(self) -> str:
        return f"fold({self.sql})" if self.column.kind in TEXT_KINDS else self.sql

    def _given(self, name: str) -> Any:
        if name not in self.parameters:
            raise errors.query_invalid(f"The parameter {name} is missing.")
        return self.parameters[name].value

    def _stored(self, value: object) -> Any:
        """Values come as texts, whatever the column holds."""
        try:
            return _STORED.get(self.column.kind, _text)(value)
        except (TypeError, ValueError):
            raise errors.query_invalid(f"The value '{value}' does not fit {self.column.name}.") from None


def _text(value: object) -> str:
    if len(str(value)) > _MAX_TEXT:
        raise errors.query_invalid(f"A value is longer than {_MAX_TEXT} characters.")
    return str(fold(str(value)))


_STORED: Final[Mapping[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(WHOLE_KINDS, int),
    **dict.fromkeys(FRACTION_KINDS, float),
    "Boolean": lambda value: int(str(value).lower() in {"true", "1"}),
}


def _in(asked: Asked) -> Sql:
    values = asked.many()
    return Sql(f"{asked.term} IN ({', '.join('?' * len(values))})", tuple(values))


def _not_in(asked: Asked) -> Sql:
    return _in(asked).wrapped("NOT (", ")")


def _between(asked: Asked) -> Sql:
    values = asked.many()
    if len(values) != 2:  # noqa: PLR2004  # a lower and an upper end
        raise errors.query_invalid("Between takes two values.")
    return Sql(f"{asked.term} BETWEEN ? AND ?", tuple(values))


def _not_between(asked: Asked) -> Sql:
    return _between(asked).wrapped("NOT (", ")")


def _is_caller(asked: Asked) -> Sql:
    return Sql(f"{asked.sql} = ?", (asked.user_id,))


def _is_not_caller(asked: Asked) -> Sql:
    return Sql(f"{asked.sql} <> ?", (asked.user_id,))


def _contain_values(asked: Asked) -> Sql:
    """A multi-select column holds `1,3`; any of the values is enough."""
    values = [f"%,{value},%" for value in asked.many()]
    terms = [f"(',' || {asked.sql} || ',') LIKE ?"] * len(values)
    return Sql(f"({' OR '.join(terms)})", tuple(values))


def _contain_no_values(asked: Asked) -> Sql:
    return _contain_values(asked).wrapped("NOT ", "")


def _span(unit: str, *, past: bool) -> Callable[[Asked], Sql]:
    """LastXDays, NextXHours and so on. Days are whole ones: from the start of the first."""

    def condition(asked: Asked) -> Sql:
        length = timedelta(**{unit: float(asked.one())})
        whole = _day(asked.now) if unit == "days" else asked.now
        if past:
            return _moments(asked, whole - length, asked.now)
        return _moments(asked, asked.now, whole + length + (timedelta(days=1) if unit == "days" else timedelta()))

    return condition


def _older(unit: str) -> Callable[[Asked], Sql]:
    def condition(asked: Asked) -> Sql:
        limit = asked.now - timedelta(**{unit: float(asked.one())})
        return Sql(f"{asked.sql} < ?", (_moment(asked, limit),))

    return condition


def _day_after(days: int) -> Callable[[Asked], Sql]:
    def condition(asked: Asked) -> Sql:
        start = _day(asked.now) + timedelta(days=days)
        return _moments(asked, start, start + timedelta(days=1) - timedelta(seconds=1))

    return condition


def _on(asked: Asked) -> Sql:
    start = _given_day(asked)
    return _moments(asked, start, start + timedelta(days=1) - timedelta(seconds=1))


def _on_or_after(asked: Asked) -> Sql:
    return Sql(f"{asked.sql} >= ?", (_moment(asked, _given_day(asked)),))


def _on_or_before(asked: Asked) -> Sql:
    return Sql(f"{asked.sql} < ?", (_moment(asked, _given_day(asked) + timedelta(days=1)),))


def _given_day(asked: Asked) -> datetime:
    try:
        return datetime.fromisoformat(str(asked.one())[:10]).replace(tzinfo=UTC)
    except ValueError:
        raise errors.query_invalid(f"'{asked.one()}' is not a date.") from None


def _day(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _moments(asked: Asked, start: datetime, end: datetime) -> Sql:
    return Sql(f"{asked.sql} BETWEEN ? AND ?", (_moment(asked, start), _moment(asked, end)))


def _moment(asked: Asked, moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}" if asked.column.is_date_only else moment_text(moment)


FUNCTIONS: Final[Mapping[str, Callable[[Asked], Sql]]] = {
    "In": _in,
    "NotIn": _not_in,
    "Between": _between,
    "NotBetween": _not_between,
    "EqualUserId": _is_caller,
    "NotEqualUserId": _is_not_caller,
    "ContainValues": _contain_values,
    "DoesNotContainValues": _contain_no_values,
    "LastXDays": _span("days", past=True),
    "LastXHours": _span("hours", past=True),
    "NextXDays": _span("days", past=False),
    "NextXHours": _span("hours", past=False),
    "OlderThanXDays": _older("days"),
    "OlderThanXHours": _older("hours"),
    "OlderThanXMinutes": _older("minutes"),
    "Today": _day_after(0),
    "Yesterday": _day_after(-1),
    "Tomorrow": _day_after(1),
    "On": _on,
    "OnOrAfter": _on_or_after,
    "OnOrBefore": _on_or_before,
}
