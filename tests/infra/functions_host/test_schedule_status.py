"""What a stored status means at the next start."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from infra.local.functions_host.ncrontab import schedule
from infra.local.functions_host.schedule_status import after_run, at_start, read_status

HOURLY, DAILY = schedule("0 0 * * * *"), schedule("0 0 0 * * *")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HALF_PAST = NOON + timedelta(minutes=30)


def test_the_first_start_waits_for_the_next_occurrence() -> None:
    """And says so, so that missing it is noticed."""
    status = at_start(None, HOURLY, now=HALF_PAST)
    assert status.next == NOON + timedelta(hours=1)
    assert at_start(status, HOURLY, now=NOON + timedelta(hours=5)) == status


def test_an_unchanged_schedule_keeps_what_was_due() -> None:
    """Past due when it is over."""
    status = after_run(NOON, HOURLY)
    assert at_start(status, HOURLY, now=NOON + timedelta(hours=5)).next == NOON + timedelta(hours=1)


@pytest.mark.parametrize(("hours_later", "midnights"), [(1, 1), (13, 2)])
def test_a_changed_schedule_counts_from_the_last_run_but_never_into_the_past(hours_later: int, midnights: int) -> None:
    """What is due by the new schedule lies ahead."""
    status = at_start(after_run(NOON, HOURLY), DAILY, now=NOON + timedelta(hours=hours_later))
    assert status.next == NOON.replace(hour=0) + timedelta(days=midnights)


def test_it_is_read_as_it_was_written() -> None:
    """And as .NET writes it: seven digits of a second, a start of time without a zone."""
    dates = ("0001-01-01T00:00:00", "2026-11-23T12:00:00.1234567Z", "2026-11-23T12:30:00+00:00")
    status = read_status(json.dumps(dict(zip(("Last", "Next", "LastUpdated"), dates, strict=True))).encode())
    assert status is not None
    assert status.next == NOON.replace(microsecond=123456)
    assert at_start(status, HOURLY, now=HALF_PAST).next == NOON + timedelta(hours=1)


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"Last": 1, "Next": 2, "LastUpdated": 3}', b"\xff"])
def test_what_cannot_be_read_is_no_status(text: bytes) -> None:
    """A broken blob does not stop a timer."""
    assert read_status(text) is None
