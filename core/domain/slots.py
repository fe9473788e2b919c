"""How much bulk work may be under way on one connection at once, on all instances together. Arithmetic only.

A slot is one request of bulk work at a time. Their number grows by one while all of them are in use and Dynamics
complains of nothing, and is halved when it does. A slot that is not renewed
ends: its host is gone. Captures need none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field

FIRST: Final = 2.0
LASTS: Final = timedelta(seconds=60)
# 1,200 s of execution in 300 s are four busy requests: three leave one to captures, whatever else a server allows.
USUAL_MOST: Final = 3


@dataclass(frozen=True, slots=True)
class Signals:
    """What Dynamics lately told this process about a connection."""

    dop_hint: int | None = None
    """How many requests at once it advises."""
    refusals: int = 0
    """How often it refused one for its limits, since the process began."""
    retry_after: float = 0.0
    """Seconds, as the last refusal said."""


class Held(BaseModel):
    model_config = ConfigDict(frozen=True)

    taken_at: datetime
    until: datetime


class Slots(BaseModel):
    """The slots of one connection, as they are stored."""

    model_config = ConfigDict(frozen=True)

    allowed: float = FIRST
    hint: int | None = None
    held: Mapping[str, Held] = Field(default_factory=dict)
    halved_at: datetime | None = None
    rests_until: datetime | None = None

    def places(self, most: int) -> int:
        """How many may be held; Dynamics' advice is about all requests, so one of those is left to captures."""
        advised = most if self.hint is None else self.hint - 1
        return max(1, int(min(self.allowed, most, advised)))

    def taken(self, holder: str, now: datetime, *, most: int) -> Self | None:
        """With one more slot held; None when there is none, or the connection rests."""
        alive = {name: held for name, held in self.held.items() if now < held.until and name != holder}
        if len(alive) >= self.places(most) or (self.rests_until is not None and now < self.rests_until):
            return None
        alive[holder] = Held(taken_at=now, until=now + LASTS)
        return self.model_copy(update={"held": alive})

    def renewed(self, holder: str, now: datetime) -> Self | None:
        """None: the slot ended meanwhile, and may be another's by now."""
        mine = self.held.get(holder)
        if mine is None or mine.until <= now:
            return None
        return self.model_copy(update={"held": {**self.held, holder: Held(taken_at=mine.taken_at, until=now + LASTS)}})

    def returned(self, holder: str, now: datetime, signals: Signals, *, refused: bool, most: int) -> Self:
        """With the slot given back, and what was learnt while it was held."""
        after = self.kept(holder, now, signals, refused=refused, most=most)
        return after.model_copy(update={"held": {name: held for name, held in after.held.items() if name != holder}})

    def kept(self, holder: str, now: datetime, signals: Signals, *, refused: bool, most: int) -> Self:
        """With what was learnt while the slot was held; it is held on, as if taken now."""
        mine = self.held.get(holder)
        hint = self.hint if signals.dop_hint is None else signals.dop_hint
        learnt: dict[str, object] = {}
        if refused:
            learnt = self._less(now, signals, since=mine.taken_at if mine else now)
        elif mine is not None and len(self.held) >= self.places(most):
            learnt = {"allowed": min(self.allowed + 1 / self.allowed, float(most))}
        held = {**self.held, holder: Held(taken_at=now, until=now + LASTS)} if mine else self.held
        return self.model_copy(update={"held": held, "hint": hint, **learnt})

    def _less(self, now: datetime, signals: Signals, *, since: datetime) -> dict[str, object]:
        """Half, once for what several slots met at the same time; and a rest."""
        until = now + timedelta(seconds=signals.retry_after)
        rest = {"rests_until": until if self.rests_until is None else max(until, self.rests_until)}
        if self.halved_at is not None and since <= self.halved_at:
            return {**rest}
        return {**rest, "allowed": max(1.0, self.allowed / 2), "halved_at": now}
