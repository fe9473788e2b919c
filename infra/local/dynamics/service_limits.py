"""Service protection: how much each user may ask of each web server, and what is refused beyond.

Duty: to count (requests and execution time in a sliding window, requests in flight) and to decide. Off until it is
ordered; what a refusal looks like is `throttling`'s. Time is the environment's, so that tests can let a window pass.

https://learn.microsoft.com/power-apps/developer/data-platform/api-limits
"""

import itertools
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, with_config

Limit = Literal["requests", "time", "concurrency"]
_Count = Annotated[int, Field(ge=1, le=1_000_000)]
_Seconds = Annotated[float, Field(gt=0, le=86_400)]
_PENALTY: Final = 1 / 60  # of the window, for each request that comes in spite of a refusal [K how much]


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class Limits:
    """As documented, unless ordered otherwise."""

    requests: _Count = 6000
    execution_seconds: _Seconds = 1200.0
    concurrent: _Count = 52
    window_seconds: _Seconds = 300.0
    dop_hint: _Count = 8
    servers: Annotated[int, Field(ge=1, le=16)] = 1
    """Each counts for itself. A client that sends no affinity cookie is sent to each in turn."""


DOCUMENTED: Final = Limits()


@dataclass(frozen=True, slots=True)
class Refusal:
    limit: Limit
    retry_after: float


@dataclass(slots=True)
class Usage:
    """What one user did on one server."""

    arrivals: deque[float] = field(default_factory=deque)
    executions: deque[tuple[float, float]] = field(default_factory=deque)
    executed: float = 0.0
    in_flight: int = 0
    refused: Limit | None = None
    refused_until: float = 0.0
    too_many_in_a_row: int = 0

    def forget_before(self, moment: float) -> None:
        while self.arrivals and self.arrivals[0] <= moment:
            self.arrivals.popleft()
        while self.executions and self.executions[0][0] <= moment:
            self.executed -= self.executions.popleft()[1]


class ServiceLimits:
    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.order(None)

    def order(self, limits: Limits | None) -> None:
        """None: nothing is refused. Counting begins anew, but for what is in flight."""
        self.limits = limits
        self.refusals: Counter[Limit] = Counter()
        self.busy_seconds = 0.0
        self.in_flight_most = 0
        self._usage: defaultdict[tuple[str, int], Usage] = defaultdict(Usage)
        self._turns = itertools.count()

    def server(self, affinity: int | None) -> int:
        """The one that the cookie names, else the next."""
        servers = (self.limits or DOCUMENTED).servers
        return next(self._turns) % servers if affinity is None else affinity % servers

    def usage(self, user: str, server: int) -> Usage:
        return self._usage[user, server]

    def admit(self, usage: Usage, now: float) -> Refusal | None:
        """Counts the request as in flight, or says why not."""
        usage.forget_before(now - (self.limits or DOCUMENTED).window_seconds)
        refusal = self.limits and (_still_refused(usage, now, self.limits) or _exceeded(usage, now, self.limits))
        if refusal:
            self.refusals[refusal.limit] += 1
            return refusal
        usage.arrivals.append(now)
        usage.in_flight += 1
        self.in_flight_most = max(self.in_flight_most, usage.in_flight)
        return None

    def leave(self, usage: Usage, now: float, *, executed: float) -> None:
        """Execution time counts when it is known: at the end."""
        usage.in_flight -= 1
        usage.executions.append((now, executed))
        usage.executed += executed
        self.busy_seconds += executed

    def remaining(self, usage: Usage) -> tuple[int, float]:
        """Requests and seconds of execution that are left."""
        limits = self.limits or DOCUMENTED
        return max(0, limits.requests - len(usage.arrivals)), max(0.0, limits.execution_seconds - usage.executed)


def _still_refused(usage: Usage, now: float, limits: Limits) -> Refusal | None:
    """Who goes on all the same waits longer."""
    if usage.refused is None or now >= usage.refused_until:
        usage.refused = None
        return None
    usage.refused_until += limits.window_seconds * _PENALTY
    return Refusal(usage.refused, usage.refused_until - now)


def _exceeded(usage: Usage, now: float, limits: Limits) -> Refusal | None:
    if usage.in_flight >= limits.concurrent:
        usage.too_many_in_a_row += 1
        return Refusal("concurrency", usage.too_many_in_a_row * limits.window_seconds * _PENALTY)
    usage.too_many_in_a_row = 0
    if len(usage.arrivals) >= limits.requests:
        return _refuse(usage, "requests", now, usage.arrivals[0] + limits.window_seconds)
    if usage.executed >= limits.execution_seconds:
        return _refuse(usage, "time", now, _enough_forgotten(usage, limits))
    return None


def _refuse(usage: Usage, limit: Limit, now: float, until: float) -> Refusal:
    usage.refused, usage.refused_until = limit, until
    return Refusal(limit, until - now)


def _enough_forgotten(usage: Usage, limits: Limits) -> float:
    """When so many executions have left the window that the rest is below the limit."""
    excess = usage.executed - limits.execution_seconds
    forgotten = itertools.accumulate(seconds for _, seconds in usage.executions)
    ended = (at for (at, _), seconds in zip(usage.executions, forgotten, strict=True) if seconds > excess)
    return next(ended, usage.executions[-1][0]) + limits.window_seconds
