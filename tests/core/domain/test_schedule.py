"""When automations run, by the clock on the wall of their time zone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from core.domain.schedule import Schedule

BERLIN, NEPAL, LORD_HOWE, CHATHAM = "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Chatham"
OFFICE = {"from": "08:00", "to": "18:00"}
NIGHT = {"from": "22:00", "to": "06:00"}
EARLY = {"from": "02:00", "to": "03:00"}


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _schedule(**settings: Any) -> Schedule:
    return Schedule.model_validate(settings)


@pytest.mark.parametrize(
    ("zone", "window", "now", "is_open"),
    [
        (BERLIN, OFFICE, "2026-03-28T07:00", True),  # 08:00, the last day of winter time
        (BERLIN, OFFICE, "2026-03-28T06:59", False),
        (BERLIN, OFFICE, "2026-03-29T06:00", True),  # 08:00, the first of summer time
        (BERLIN, OFFICE, "2026-03-29T05:59", False),
        (BERLIN, OFFICE, "2026-10-25T07:00", True),  # 08:00, winter time again
        (BERLIN, OFFICE, "2026-10-25T06:59", False),
        (BERLIN, EARLY, "2026-03-28T01:30", True),
        (BERLIN, EARLY, "2026-03-29T00:59", False),  # 01:59, and then it is 03:00: this day has no such hour
        (BERLIN, EARLY, "2026-03-29T01:00", False),
        (BERLIN, EARLY, "2026-10-25T00:30", True),  # 02:30 the first time
        (BERLIN, EARLY, "2026-10-25T01:30", True),  # and the second
        (BERLIN, EARLY, "2026-10-25T02:00", False),
        (NEPAL, OFFICE, "2026-05-04T02:15", True),  # 45 minutes beside the hour
        (NEPAL, OFFICE, "2026-05-04T02:14", False),
        (LORD_HOWE, OFFICE, "2026-04-03T21:00", True),  # +11; the next night the clock goes back half an hour
        (LORD_HOWE, OFFICE, "2026-04-04T21:29", False),
        (LORD_HOWE, OFFICE, "2026-04-04T21:30", True),
        (LORD_HOWE, OFFICE, "2026-04-03T20:59", False),
        (CHATHAM, OFFICE, "2026-05-03T19:15", True),  # +12:45
        (CHATHAM, OFFICE, "2026-05-03T19:14", False),
        (BERLIN, NIGHT, "2026-05-04T20:00", True),
        (BERLIN, NIGHT, "2026-05-05T03:59", True),
        (BERLIN, NIGHT, "2026-05-05T04:00", False),
        (BERLIN, NIGHT, "2026-05-05T19:59", False),
    ],
)
def test_hours_are_those_on_the_wall(zone: str, window: dict[str, str], now: str, is_open: bool) -> None:  # noqa: FBT001
    """On days of 23, 24 and 25 hours, in zones beside the hour, over midnight."""
    assert _schedule(time_zone=zone, window=window).is_open(_at(now)) is is_open


@pytest.mark.parametrize(
    ("weekdays", "window", "now", "is_open"),
    [
        (["mon"], None, "2026-05-03T21:59", False),  # Sunday 23:59 in Berlin
        (["mon"], None, "2026-05-03T22:00", True),
        (["mon"], None, "2026-05-04T22:00", False),
        (["fri"], NIGHT, "2026-05-08T20:00", True),  # Friday 22:00
        (["fri"], NIGHT, "2026-05-09T03:59", True),  # Saturday 05:59 belongs to Friday's night
        (["fri"], NIGHT, "2026-05-08T03:59", False),  # Friday 05:59 belongs to Thursday's
        (["sat"], NIGHT, "2026-05-09T03:59", False),
    ],
)
def test_days_begin_at_their_own_midnight(weekdays: list[str], window: Any, now: str, is_open: bool) -> None:  # noqa: FBT001
    """A night belongs to the day it begins on."""
    assert _schedule(time_zone=BERLIN, weekdays=weekdays, window=window).is_open(_at(now)) is is_open


@pytest.mark.parametrize(
    ("settings", "now", "last", "due"),
    [
        ({}, "2026-05-04T12:00", None, "2026-05-04T12:00"),
        ({}, "2026-05-04T12:00", "2026-05-04T11:55", "2026-05-04T12:00"),
        ({}, "2026-05-04T12:00:04", "2026-05-04T12:00", None),  # a second tick for the same moment
        ({}, "2026-05-04T12:04:59", "2026-05-04T12:00", "2026-05-04T12:05"),  # a tick before its time
        ({}, "2026-05-04T12:07:20", "2026-05-04T12:00", "2026-05-04T12:05"),  # one after it
        ({}, "2026-05-04T12:10", "2026-05-04T12:05", "2026-05-04T12:10"),  # does not put off the next
        ({"every_minutes": 60}, "2026-05-04T12:00", "2026-05-04T11:05", None),
        ({"every_minutes": 60}, "2026-05-04T12:00:00", "2026-05-04T11:00:30", "2026-05-04T12:00:30"),
        ({"every_minutes": 60}, "2026-05-06T12:10", "2026-05-04T11:00", "2026-05-06T12:00"),  # two days late, once
        ({"runs": "once"}, "2026-05-04T12:00", None, "2026-05-04T12:00"),
        ({"runs": "once"}, "2026-05-04T12:00", "2026-05-01T12:00", None),
        ({"starts_at": "2026-05-04T14:00", "time_zone": BERLIN}, "2026-05-04T11:59", None, None),
        ({"starts_at": "2026-05-04T14:00", "time_zone": BERLIN}, "2026-05-04T12:00", None, "2026-05-04T12:00"),
        ({"starts_at": "2026-05-04T14:00:00+02:00"}, "2026-05-04T12:00", None, "2026-05-04T12:00"),
        ({"ends_at": "2026-05-04T14:00", "time_zone": BERLIN}, "2026-05-04T12:00", None, None),
    ],
)
def test_it_is_due_for_moments_that_lie_evenly(
    settings: dict[str, Any], now: str, last: str | None, due: str | None
) -> None:
    """A tick that is early or late is for the moment beside it, and moves none of those that follow. Ticks that did not
    come are made up for by one run.
    """
    found = _schedule(**settings).due(_at(now), last=_at(last) if last else None)
    assert found == (_at(due) if due else None)


@given(
    every=st.sampled_from([5, 7, 30, 60, 1440]),
    late=st.lists(st.integers(min_value=0, max_value=140), min_size=600, max_size=600),
)
def test_jitter_costs_no_cycle(every: int, late: list[int]) -> None:
    """However late each tick is, within two minutes: in two days it runs as often as the minutes say."""
    schedule, last, ran = _schedule(every_minutes=every), None, 0
    for number, seconds in enumerate(late):
        now = _at("2026-05-04T12:01") + timedelta(minutes=5 * number, seconds=seconds)
        if due := schedule.due(now, last=last):
            last, ran = due, ran + 1
    assert abs(ran - (599 * 5 // every + 1)) <= 1


def test_it_is_over_after_its_end_or_its_only_run() -> None:
    """And never before."""
    ends = _schedule(ends_at="2026-05-04T12:00:00Z")
    assert [ends.is_over(_at(f"2026-05-04T{hour}:00"), has_run=True) for hour in (11, 12)] == [False, True]
    once = _schedule(runs="once")
    assert [once.is_over(_at("2026-05-04T12:00"), has_run=ran) for ran in (False, True)] == [False, True]


@pytest.mark.parametrize(
    "wrong",
    [
        {"every_minutes": 4},
        {"every_minutes": 7 * 24 * 60 + 1},
        {"weekdays": []},
        {"weekdays": ["monday"]},
        {"window": {"from": "08:00", "to": "08:00"}},
        {"window": {"from": "08:00+02:00", "to": "18:00"}},
        {"time_zone": "Berlin"},
        {"time_zone": "../../etc/passwd"},
        {"time_zone": ""},
        {"time_zone": "localtime"},
        {"time_zone": "posixrules"},
        {"time_zone": "Factory"},
        {"window": {"from": 28800, "to": "18:00"}},
        {"window": {"from": "08:00", "to": "25:00"}},
        {"window": {"from": "00:00", "to": "24:00"}},
        {"starts_at": 5},
        {"ends_at": 1e9},
        {"starts_at": "2026-05-04T12:00", "ends_at": "2026-05-04T12:00"},
        {"starts_at": "2026-05-04T12:00:00+02:00", "ends_at": "2026-05-04T10:00", "time_zone": "UTC"},
        {"hourly": True},
    ],
)
def test_what_makes_no_schedule_is_refused(wrong: dict[str, Any]) -> None:
    """When it is saved, and not when it should run."""
    with pytest.raises(ValidationError):
        _schedule(**wrong)


@given(
    minutes=st.integers(0, 400 * 24 * 60),
    zone=st.sampled_from([BERLIN, NEPAL, LORD_HOWE, CHATHAM, "UTC", "America/St_Johns"]),
    window=st.sampled_from([OFFICE, NIGHT, EARLY]),
)
def test_a_window_and_its_reverse_share_the_day(minutes: int, zone: str, window: dict[str, str]) -> None:
    """At every moment exactly one of them is open, in every zone, also when the clock changes."""
    now = _at("2026-01-01T00:00") + timedelta(minutes=minutes)
    reverse = {"from": window["to"], "to": window["from"]}
    assert _schedule(time_zone=zone, window=window).is_open(now) != _schedule(time_zone=zone, window=reverse).is_open(
        now
    )


def test_a_day_ends_at_24_and_is_named_once() -> None:
    """`24:00` is the midnight behind the day; a weekday that is said twice, or out of order, is one of the week."""
    late = _schedule(window={"from": "18:00", "to": "24:00"}, weekdays=["tue", "mon", "tue"])
    assert late.weekdays == ("mon", "tue")
    evening = [_at(f"2026-05-05T{at}") for at in ("17:59", "18:00", "23:59")]  # a Tuesday
    assert [late.is_open(at) for at in (*evening, _at("2026-05-06T00:00"))] == [False, True, True, False]


def test_an_hour_that_is_none_is_refused_in_words_about_hours() -> None:
    """A number of seconds is no hour, and the offset is not what is wrong with it."""
    with pytest.raises(ValidationError, match="a text such as 08:00") as refused:
        _schedule(window={"from": 28800, "to": "18:00"})
    assert refused.value.errors()[0]["loc"] == ("window", "from")
