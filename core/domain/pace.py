"""How busy one process keeps a connection's Dynamics with bulk work, once a limit has shown how busy it may be.

Dynamics limits the execution time of the last five minutes, and of a refusal says only how long to wait. What was used
up to then, over the time that it has to last for, is what can be had in the long run; at that pace the limit is met no
more. Numbers of Microsoft's are not relied on: others use the same environment. Arithmetic only; times are seconds of a
monotonic clock.
https://learn.microsoft.com/power-apps/developer/data-platform/api-limits
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import dropwhile
from typing import Final

WINDOW: Final = 300.0
_MARGIN: Final = 0.95
_GROWTH = 1.05  # of the pace, for each window in which no limit was met


@dataclass(frozen=True, slots=True)
class Pace:
    used: tuple[tuple[float, float], ...] = ()
    """When requests of the last window ended, and how long each took."""
    rate: float | None = None
    """Seconds of requests in a second; None: no limit has been met lately."""
    since: float = 0.0
    """When the rate began to hold, and what has been used since."""
    spent: float = 0.0
    rests_until: float = 0.0

    def wait(self, now: float) -> float:
        """How long nothing more is to be sent."""
        rest = self.rests_until - now
        return max(0.0, rest if self.rate is None else max(rest, self.since + self.spent / self.rate - now))

    def after(self, now: float, took: float) -> "Pace":
        """A request was answered."""
        lately = tuple(_within(self.used, now))
        paced = replace(self, used=(*lately, (now, took)), spent=self.spent + took)
        if self.rate is None or now < self.since + WINDOW:
            return paced
        return replace(paced, rate=self.rate * _GROWTH if lately else None, since=now, spent=0.0)

    def refused(self, now: float, retry_after: float) -> "Pace":
        """A request met a limit. Several that meet it at once learn it once."""
        until = max(self.rests_until, now + retry_after)
        used = tuple(_within(self.used, now))
        if now < self.rests_until or not used:
            return replace(self, rests_until=until)
        began = min(at - took for at, took in used)
        rate = _MARGIN * sum(took for _, took in used) / (until - began)
        return Pace(used, rate, since=until, spent=0.0, rests_until=until)


def _within(used: Iterable[tuple[float, float]], now: float) -> Iterable[tuple[float, float]]:
    return dropwhile(lambda each: each[0] <= now - WINDOW, used)
