"""NCRONTAB: second, minute, hour, day, month, weekday."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.functions_host.ncrontab import ScheduleError, schedule

NOW = datetime(2026, 11, 23, 14, 30, 15, 500_000, tzinfo=UTC)  # a Monday


@pytest.mark.parametrize(
    ("text", "following"),
    [
        ("* * * * * *", "2026-11-23T14:30:16"),
        ("*/5 * * * * *", "2026-11-23T14:30:20"),
        ("0 * * * * *", "2026-11-23T14:31:00"),
        ("* * * * *", "2026-11-23T14:31:00"),
        ("0 */5 * * * *", "2026-11-23T14:35:00"),
        ("0 5/20 * * * *", "2026-11-23T14:45:00"),
        ("0 0 9-17 * * *", "2026-11-23T15:00:00"),
        ("0 0 9-17/4 * * *", "2026-11-23T17:00:00"),
        ("0 30 9 * * 1-5", "2026-11-24T09:30:00"),
        ("0 30 9 * Jan Mon", "2027-01-04T09:30:00"),
        ("0 0 0 1,15 * *", "2026-12-01T00:00:00"),
        ("0 0 0 13 * FRI", "2027-08-13T00:00:00"),
        ("0 0 0 29 2 *", "2028-02-29T00:00:00"),
        ("0 0 0 31 12 *", "2026-12-31T00:00:00"),
        ("0 0 0 * * 0", "2026-11-29T00:00:00"),
    ],
)
def test_what_comes_next(text: str, following: str) -> None:
    """Five fields start at the minute; day and weekday must both fit."""
    assert schedule(text).after(NOW) == datetime.fromisoformat(following).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "* * *", "60 * * * * *", "* * 24 * * *", "* * * 0 * *", "* * * * 13 *", "* * * * * 7", "* * * * * ?",
     "* * * L * *", "*/0 * * * * *", "9-5 * * * * *", "x * * * * *", "00:05:00",
     "1- * * * * *", "*/ * * * * *", "+5 * * * * *", "*-5 * * * * *", "1,,2 * * * * *", "1/2/3 * * * * *"],
)  # fmt: skip
def test_what_is_no_schedule_is_refused(text: str) -> None:
    """With a message that quotes it; `?`, `L`, `W` and time spans are not taken."""
    with pytest.raises(ScheduleError, match="the schedule"):
        schedule(text)


def test_a_schedule_that_never_comes_is_refused_when_asked() -> None:
    """There is no 30 February."""
    with pytest.raises(ScheduleError, match="never"):
        schedule("0 0 0 30 2 *").after(NOW)


@given(st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2040, 1, 1)))  # noqa: DTZ001
def test_the_next_is_always_later_and_nothing_lies_between(moment: datetime) -> None:
    """Starting anywhere before an occurrence finds that occurrence."""
    quarters = schedule("0 */15 * * * *")
    following = quarters.after(moment)
    assert following > moment
    assert (following.minute % 15, following.second, following.microsecond) == (0, 0, 0)
    assert (following - moment).total_seconds() <= 15 * 60
