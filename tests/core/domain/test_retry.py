"""When work is tried again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.retry import FIRST_WAIT, LONGEST_WAIT, next_try
from tests.builders import NOON


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 2), (1, 4), (2, 8), (3, 16), (8, 512), (9, 900), (10_000, 900)])
def test_waits_double_up_to_a_quarter_of_an_hour(attempts: int, seconds: int) -> None:
    """However often it was tried."""
    assert next_try(NOON, attempts) == NOON + timedelta(seconds=seconds)


@given(attempts=st.integers(0, 10**6), more=st.integers(0, 100), at_least=st.floats(0, 10**7))
def test_a_wait_never_falls_below_what_was_asked_for(attempts: int, more: int, at_least: float) -> None:
    """Nor does it ever shrink with another attempt."""
    wait = next_try(NOON, attempts, at_least=at_least) - NOON
    assert wait >= timedelta(seconds=at_least)
    assert FIRST_WAIT <= wait <= max(LONGEST_WAIT, timedelta(seconds=at_least))
    assert next_try(NOON, attempts + more, at_least=at_least) - NOON >= wait
