"""Moments as people give them: with an offset or without, and on the first and last day of the calendar."""

from datetime import UTC, datetime


def in_utc(moment: datetime) -> datetime:
    """Without an offset it is meant in UTC. One that lies outside the calendar in UTC becomes its first or last."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return _FIRST if moment.year == _FIRST.year else _LAST


_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
