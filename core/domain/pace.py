"""How much bulk work one process sends to a connection's Dynamics, once a limit has shown how much it takes.

Dynamics limits the execution time of the last five minutes, and says only how long to wait. When it refuses,
what was used lately is what it takes, and how long that counts is the time from the first of it to the end of the wait.
Kept within that, the limit is met no more. Numbers of Microsoft's are not relied on: others use the same environment.
Arithmetic only; times are seconds of a monotonic clock.
https://learn.microsoft.com/power-apps/developer/data-platform/api-limits
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import dropwhile
from typing import Final

WINDOW: Final = 300.0
_GROWTH: Final = 1.05  # of what may be used, for each window in which no limit was met

_Used = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """So many seconds of requests in any such time."""

    seconds: float
    window: float
    since: float


@dataclass(frozen=True, slots=True)
class Pace:
    used: _Used = ()
    """When requests of the last window ended, and how long each took."""
    limit: Limit | None = None
    rests_until: float = 0.0

    def wait(self, now: float, *, under_way: int = 0) -> float:
        """How long nothing more is to be sent, with so many still unanswered."""
        rest = max(0.0, self.rests_until - now)
        return rest if self.limit is None else max(rest, self._until_it_fits(self.limit, now, under_way))

    def _until_it_fits(self, limit: Limit, now: float, under_way: int) -> float:
        recent = _since(self.used, now - limit.window)
        excess = _total(recent) + (under_way + 1) * _longest(self.used) - limit.seconds
        for at, took in recent:
            if excess <= 0:
                return 0.0
            excess -= took
            if excess <= 0:
                return max(0.0, at + limit.window - now)
        return 0.0

    def after(self, now: float, took: float) -> "Pace":
        """A request was answered."""
        lately = _since(self.used, now - WINDOW)
        paced = replace(self, used=(*lately, (now, took)))
        if self.limit is None or now < self.limit.since + WINDOW:
            return paced
        more = replace(self.limit, seconds=self.limit.seconds * _GROWTH, since=now)
        return replace(paced, limit=more if lately else None)

    def rested(self, now: float, retry_after: float) -> "Pace":
        """A request was refused, for what says nothing of how much Dynamics takes over time."""
        return replace(self, rests_until=max(self.rests_until, now + retry_after))

    def refused(self, now: float, retry_after: float) -> "Pace":
        """A request met the limit of what is used over time. Several that meet it at once learn it once."""
        until = max(self.rests_until, now + retry_after)
        used = _since(self.used, now - (self.limit.window if self.limit else WINDOW))
        if now < self.rests_until or not used:
            return replace(self, rests_until=until)
        # What was under way when the limit was reached went beyond it.
        seconds = max(_total(used) - _longest(used), _total(used) / 2)
        return replace(self, limit=Limit(seconds, until - used[0][0], since=until), rests_until=until)


def _since(used: Iterable[tuple[float, float]], moment: float) -> _Used:
    return tuple(dropwhile(lambda each: each[0] <= moment, used))


def _total(used: _Used) -> float:
    return sum(took for _, took in used)


def _longest(used: _Used) -> float:
    return max((took for _, took in used), default=0.0)
