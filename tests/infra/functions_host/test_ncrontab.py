"""NCRONTAB: second, minute, hour, day, month, weekday."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.functions_host.ncrontab import Schedule, ScheduleError, schedule

NOW = datetime(2026, 11, 23, 14, 30, 15, 500_000, tzinfo=UTC)  # a Monday


@pytest.mark.parametrize(
    ("text", "following"),
    [
        ("* * * * * *", "2026-11-23T14:30:16"),
        ("*/5 * * * * *", "2026-11-23T14:30:20"),
        ("0 * * * * *", "2026-11-23T14:31:00"),
        ("* * * * *", "2026-11-23T14:31:00"),
        ("*/5 * * * *", "2026-11-23T14:35:00"),
        ("0 9 * * mon-fri", "2026-11-24T09:00:00"),
        ("0 */5 * * * *", "2026-11-23T14:35:00"),
        ("*/70 * * * * *", "2026-11-23T14:31:00"),
        ("0 5/20 * * * *", "2026-11-23T14:45:00"),
        ("0 0 9-17 * * *", "2026-11-23T15:00:00"),
        ("0 0 9-17/4 * * *", "2026-11-23T17:00:00"),
        ("0 0 1-3,9-17/4,22 * * *", "2026-11-23T17:00:00"),
        ("0 30 9 * * 1-5", "2026-11-24T09:30:00"),
        ("0 30 9 * Jan Mon", "2027-01-04T09:30:00"),
        ("0 30 9 * January MONDAY", "2027-01-04T09:30:00"),
        ("0 0 0 * sept-nov,FEB sat,Thurs", "2026-11-26T00:00:00"),
        ("0 0 0 1,15 * *", "2026-12-01T00:00:00"),
        ("0 0 0 31 * *", "2026-12-31T00:00:00"),
        ("0 0 0 13 * FRI", "2027-08-13T00:00:00"),
        ("0 0 0 29 2 *", "2028-02-29T00:00:00"),
        ("0 0 0 29 2 MON", "2044-02-29T00:00:00"),
        ("0 0 0 31 12 *", "2026-12-31T00:00:00"),
        ("0 0 0 * * 0", "2026-11-29T00:00:00"),
        ("  0   0 0\t* * 0 ", "2026-11-29T00:00:00"),
    ],
)
def test_what_comes_next(text: str, following: str) -> None:
    """Five fields start at the minute; day and weekday must both fit."""
    assert schedule(text).after(NOW) == datetime.fromisoformat(following).replace(tzinfo=UTC)


def test_an_occurrence_is_not_its_own_next() -> None:
    """The next is later, even when the moment lies on the schedule; a fraction of a second after it counts as after."""
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    daily = schedule("0 0 12 * * *")
    assert daily.after(noon) == daily.after(noon + timedelta(microseconds=1)) == noon + timedelta(days=1)
    assert daily.after(noon - timedelta(microseconds=1)) == noon


@pytest.mark.parametrize(
    "text",
    ["", "* * *", "* * * * * * *", "60 * * * * *", "* 60 * * * *", "* * 24 * * *", "* * * 0 * *", "* * * 32 * *",
     "* * * * 0 *", "* * * * 13 *", "* * * * * 7", "* * * * * ?", "* * * L * *", "* * * 15W * *", "* * * * * 5#2",
     "*/0 * * * * *", "9-5 * * * * *", "* * * * * fri-mon", "x * * * * *", "00:05:00", "0 00:05:00",
     "1- * * * * *", "-1 * * * * *", "*/ * * * * *", "*/-5 * * * * *", "+5 * * * * *", "*-5 * * * * *",
     "1,,2 * * * * *", ", * * * * *", "1, * * * * *", "1/2/3 * * * * *", "1_0 * * * * *", "٣ * * * * *",
     "1.5 * * * * *", "jan * * * * *", "* * * * mon *", "* * * * * mo", "* * * * * mondays", "@daily"],
)  # fmt: skip
def test_what_is_no_schedule_is_refused(text: str) -> None:
    """With a message that quotes it; `?`, `L`, `W`, `#` and time spans are not taken."""
    with pytest.raises(ScheduleError, match="the schedule"):
        schedule(text)


def test_a_schedule_that_never_comes_is_refused_when_asked() -> None:
    """There is no 30 February."""
    with pytest.raises(ScheduleError, match="never"):
        schedule("0 0 0 30 2 *").after(NOW)


def test_a_leap_day_is_found_across_a_century_without_one() -> None:
    """2100 has no 29 February, so that a weekday's leap day may be forty years away."""
    mondays = schedule("0 0 0 29 2 MON")
    assert mondays.after(datetime(2072, 3, 1, tzinfo=UTC)).year == 2112


_BOUNDS = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


@st.composite
def parts(draw: st.DrawFn, number: int) -> tuple[str, set[int]]:
    """A part of a field as text, and the values that it selects."""
    low, high = _BOUNDS[number]
    first = draw(st.integers(low, high))
    last = draw(st.integers(first, high))
    step = draw(st.integers(1, high + 5))
    kinds = [
        ("*", {*range(low, high + 1)}),
        (f"*/{step}", {*range(low, high + 1, step)}),
        (_spelled(first, number), {first}),
        (f"{_spelled(first, number)}/{step}", {*range(first, high + 1, step)}),
        (f"{_spelled(first, number)}-{last}", {*range(first, last + 1)}),
        (f"{first}-{_spelled(last, number)}/{step}", {*range(first, last + 1, step)}),
    ]
    return kinds[draw(st.integers(0, len(kinds) - 1))]


def _spelled(value: int, number: int) -> str:
    return _DAYS[value] if number == 5 else str(value)


@st.composite
def fields(draw: st.DrawFn, number: int) -> tuple[str, frozenset[int]]:
    listed = draw(st.lists(parts(number), min_size=1, max_size=3))
    return ",".join(text for text, _ in listed), frozenset[int]().union(*(values for _, values in listed))


@given(st.tuples(*(fields(number) for number in range(6))))
def test_a_field_selects_what_its_parts_say(written: tuple[tuple[str, frozenset[int]], ...]) -> None:
    """Whatever lists, ranges, steps and names are put together."""
    texts, values = zip(*written, strict=True)
    assert schedule(" ".join(texts)) == Schedule(*values)
    assert schedule(" ".join(texts[1:])) == Schedule(frozenset({0}), *values[1:])


@given(
    st.tuples(*(st.frozensets(st.integers(low, high), min_size=1, max_size=4) for low, high in _BOUNDS)),
    st.datetimes(min_value=datetime(2023, 12, 1), max_value=datetime(2028, 4, 1)),  # noqa: DTZ001
    st.integers(1, 3),
)
def test_the_next_is_the_one_that_a_slow_search_finds(
    sets: tuple[frozenset[int], ...], near: datetime, tries: int
) -> None:
    """From a moment just before, on and after an occurrence, nothing in between is left out."""
    seconds, minutes, hours, days, months, weekdays = sets
    wanted = Schedule(seconds, minutes, hours, days | {1}, months, weekdays)
    for moment in (near, *(slowly(wanted, near) - timedelta(seconds=1, microseconds=back) for back in range(tries))):
        assert wanted.after(moment) == slowly(wanted, moment)


def slowly(wanted: Schedule, moment: datetime) -> datetime:
    """Day after day, then every second of the day that its three fields name, in order."""
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    while True:
        if day.day in wanted.days and day.month in wanted.months and (day.weekday() + 1) % 7 in wanted.weekdays:
            for hour in sorted(wanted.hours):
                for minute in sorted(wanted.minutes):
                    for second in sorted(wanted.seconds):
                        if (found := day.replace(hour=hour, minute=minute, second=second)) > moment:
                            return found
        day += timedelta(days=1)
