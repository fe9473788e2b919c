"""Whether criteria fit somebody, and if not, which condition is the first that does not hold.

Values are read by the type of what they are compared with, as mappings read them: "1.200,50" is a number, "ja" is
yes, "4 May 2026" is a day. Texts are compared in any case. Of several answers one is enough; a blank equals nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import assert_never
from zoneinfo import ZoneInfo

from core.domain.conversion import Rules
from core.domain.conversion.booleans import as_boolean
from core.domain.conversion.dates import as_date
from core.domain.conversion.numbers import as_number
from core.domain.conversion.outcome import Content, Converted, Misfit
from core.domain.criteria import Comparison, Condition, Criteria, Operand, moment
from core.domain.table import Column
from core.domain.values import FieldValue, as_text, is_missing, normal_name

_NUMBER = Column(name="the value", type="Decimal", precision=10)
_YES_OR_NO = Column(name="the value", type="Boolean")
_DAY = Column(name="the value", type="DateTime", date_behavior="DateOnly")
_MOMENT = Column(name="the value", type="DateTime", date_behavior="UserLocal")


@dataclass(frozen=True, slots=True)
class Facts:
    """What conditions can be about. `form` is known by its id and its name."""

    field: Callable[[str], FieldValue]
    is_changed: Callable[[str], bool]
    captured_at: datetime
    form: tuple[str, ...] = ()
    event: str = ""
    rating: FieldValue = None
    tags: tuple[str, ...] = ()
    last_outcome: str = ""
    time_zone: str = "UTC"


def why_unfit(criteria: Criteria, facts: Facts) -> str:
    """What does not hold, in words; "" where the criteria fit."""
    for condition in criteria.all:
        if not fits(condition, facts):
            return condition.words
    if criteria.any and not any(fits(condition, facts) for condition in criteria.any):
        return f"one of these must hold: {'; '.join(condition.words for condition in criteria.any)}"
    return ""


def fits(condition: Condition, facts: Facts) -> bool:
    said = _said(condition, facts)
    match condition.comparison:
        case Comparison.IS_BLANK:
            return (not said) == condition.is_blank
        case Comparison.CHANGED:
            return facts.is_changed(condition.field or "") == condition.changed
        case Comparison.NOT:
            return not _any(_equals, said, condition.values, facts)
        case Comparison.EQUALS | Comparison.IN:
            return _any(_equals, said, condition.values, facts)
        case Comparison.CONTAINS:
            return _any(_equals if condition.about == "tags" else _contains, said, condition.values, facts)
        case Comparison.GREATER:
            return _any(_is_greater, said, condition.values, facts)
        case Comparison.LESS:
            return _any(_is_less, said, condition.values, facts)
        case _ as never:
            assert_never(never)


def _said(condition: Condition, facts: Facts) -> list[FieldValue | datetime]:
    """Every value that there is; blanks and placeholders are none."""
    match condition.about:
        case None:
            return _one_by_one(facts.field(condition.field or ""))
        case "captured_at":
            return [facts.captured_at]
        case "tags":
            return list(facts.tags)
        case "form":
            return list(facts.form)
        case "event":
            return _one_by_one(facts.event)
        case "rating":
            return _one_by_one(facts.rating)
        case "last_outcome":
            return _one_by_one(facts.last_outcome)
        case _ as never:
            assert_never(never)


def _one_by_one(value: FieldValue) -> list[FieldValue | datetime]:
    values: list[FieldValue] = [*value] if isinstance(value, list) else [value]
    return [each for each in values if not is_missing(each)]


Compare = Callable[["FieldValue | datetime", Operand, Facts], bool]


def _any(compare: Compare, said: Iterable[FieldValue | datetime], wanted: Iterable[Operand], facts: Facts) -> bool:
    wanted = tuple(wanted)
    return any(compare(value, operand, facts) for value in said for operand in wanted)


def _equals(value: FieldValue | datetime, operand: Operand, facts: Facts) -> bool:
    if isinstance(value, datetime):
        return _ordered(value, operand, facts) == 0
    if isinstance(operand, bool):
        return _content(as_boolean(_YES_OR_NO, value, Rules())) is operand
    if isinstance(operand, int | float):
        return _ordered(value, operand, facts) == 0
    if moment(operand) is not None and (order := _ordered(value, operand, facts)) is not None:
        return order == 0
    return normal_name(as_text(value)) == normal_name(operand)


def _contains(value: FieldValue | datetime, operand: Operand, _: Facts) -> bool:
    return not isinstance(value, datetime) and normal_name(as_text(operand)) in normal_name(as_text(value))


def _is_greater(value: FieldValue | datetime, operand: Operand, facts: Facts) -> bool:
    return _ordered(value, operand, facts) == 1


def _is_less(value: FieldValue | datetime, operand: Operand, facts: Facts) -> bool:
    return _ordered(value, operand, facts) == -1


def _ordered(value: FieldValue | datetime, operand: Operand, facts: Facts) -> int | None:
    """-1, 0 or 1 as the value comes before, with or after the operand; None where it cannot be read as such."""
    if not isinstance(operand, str):
        number = None if isinstance(value, datetime) else _content(as_number(_NUMBER, value, Rules()))
        return None if not isinstance(number, int | float) else (number > operand) - (number < operand)
    limit = moment(operand)
    if isinstance(limit, datetime):
        limit = limit if limit.tzinfo else limit.replace(tzinfo=ZoneInfo(facts.time_zone))
        at = value if isinstance(value, datetime) else _moment_of(value, facts.time_zone)
        return None if at is None else (at > limit) - (at < limit)
    day = _day_of(value, facts.time_zone)
    return None if day is None or limit is None else (day > limit) - (day < limit)


def _day_of(value: FieldValue | datetime, time_zone: str) -> date | None:
    if isinstance(value, datetime):
        return value.astimezone(ZoneInfo(time_zone)).date()
    day = _content(as_date(_DAY, value, Rules()))
    return date.fromisoformat(day) if isinstance(day, str) else None


def _moment_of(value: FieldValue, time_zone: str) -> datetime | None:
    at = _content(as_date(_MOMENT, value, Rules(time_zone=time_zone)))
    return datetime.fromisoformat(at) if isinstance(at, str) else None


def _content(read: Converted | Misfit) -> Content | None:
    return read.value if isinstance(read, Converted) else None
