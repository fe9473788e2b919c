"""The pace that a limit has shown, beside a limit that counts as Dynamics does."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from core.domain.pace import WINDOW, Pace

BUDGET = 120.0


class Limited:
    """So many seconds of execution in any window; time is the caller's."""

    def __init__(self, budget: float) -> None:
        self.budget = budget
        self.executed: deque[tuple[float, float]] = deque()

    def retry_after(self, now: float) -> float:
        """0: the request is taken."""
        while self.executed and self.executed[0][0] <= now - WINDOW:
            self.executed.popleft()
        excess = sum(took for _, took in self.executed) - self.budget
        if excess < 0:
            return 0.0
        for at, took in self.executed:
            excess -= took
            if excess < 0:
                return at + WINDOW - now
        raise AssertionError


def _worked(requests: int, took: float, between: float) -> tuple[float, int]:
    """One worker's requests, one after the other: when the last was answered, how many were refused."""
    dynamics, pace, now, refused = Limited(BUDGET), Pace(), 0.0, 0
    for _ in range(requests):
        while True:
            now += pace.wait(now)
            if wait := dynamics.retry_after(now):
                pace, refused = pace.refused(now, wait), refused + 1
                continue
            break
        now += took
        dynamics.executed.append((now, took))
        pace = pace.after(now, took)
        now += between
    return now, refused


def test_who_meets_no_limit_never_waits() -> None:
    """However much is sent."""
    pace = Pace()
    for number in range(100):
        pace = pace.after(float(number), 0.9)
        assert pace.wait(float(number)) == 0


def test_after_a_refusal_nothing_is_sent_before_dynamics_wants_to_hear_of_us() -> None:
    """Of several refusals the longest wait holds; never shorter than was asked for."""
    pace = Pace().after(10.0, 5.0).refused(10.0, 30.0).refused(11.0, 40.0).refused(12.0, 5.0)
    assert pace.wait(12.0) == 39.0
    assert pace.wait(51.0) == 0.0


def test_a_limit_is_met_once_and_then_kept() -> None:
    """Four windows' worth of work meets the limit a few times, where going on at full speed would at every window's
    end and at each try in between; and it takes little longer than the limit makes it.
    """
    now, refused = _worked(requests=480, took=1.0, between=0.2)
    assert refused <= 2
    assert now <= 1.1 * (480 / BUDGET) * WINDOW


@given(took=st.floats(0.05, 5.0), between=st.floats(0.0, 2.0), windows=st.floats(0.5, 4.0))
def test_no_rhythm_is_refused_often(took: float, between: float, windows: float) -> None:
    """Whatever requests take."""
    _, refused = _worked(max(1, int(windows * BUDGET / took)), took, between)
    assert refused <= 2 + 2 * windows


def test_a_limit_of_long_ago_is_forgotten() -> None:
    """Others may have used what was missing then: who goes on tries a little more, who was idle tries everything."""
    pace = Pace().after(10.0, 10.0).refused(10.0, 20.0)
    assert pace.limit is not None
    busy = pace.after(WINDOW, 1.0).after(30.0 + WINDOW, 1.0)
    assert busy.limit is not None
    assert pace.limit.seconds < busy.limit.seconds < 1.1 * pace.limit.seconds
    assert pace.after(31.0 + WINDOW, 1.0).limit is None
