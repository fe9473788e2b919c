"""When work that could not be finished is tried again. Waits grow, and never fall below what Dynamics asked for."""

from datetime import datetime, timedelta

FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=15)


def next_try(now: datetime, attempts: int, *, at_least: float = 0.0) -> datetime:
    """When to try after `attempts` failed ones; `at_least` is in seconds."""
    growing = min(FIRST_WAIT * (1 << min(attempts, 16)), LONGEST_WAIT)
    return now + max(growing, timedelta(seconds=at_least))
