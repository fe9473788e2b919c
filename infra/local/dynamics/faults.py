"""Unkindness on request: rules that tests order, and which of them meets a request.

Duty: the choice. What an unkind answer looks like is `unkind_answers`'; who asks at which moment, `app` and
`operations`.
"""

import random
import re
from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Kind(StrEnum):
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    GATEWAY_TIMEOUT = "gateway_timeout"
    UNAUTHORIZED = "unauthorized"
    SLOW = "slow"
    RESET_BEFORE = "reset_before"
    RESET_AFTER = "reset_after"
    TRUNCATED = "truncated"
    HTML = "html"
    ERROR = "error"
    ETAG_CHANGED = "etag_changed"
    HALF_BATCH = "half_batch"


class Stage(StrEnum):
    """The moment at which a rule is looked for."""

    REQUEST = "request"
    BATCH = "batch"
    PART = "part"
    OPERATION = "operation"


_STAGES = {Kind.ETAG_CHANGED: Stage.OPERATION, Kind.HALF_BATCH: Stage.BATCH}


class Rule(BaseModel):
    """Which requests, how often, and what happens to them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    method: str = ""
    path: str = ""
    """A pattern, searched for in the path with its query."""
    table: str = ""
    """Logical name or set name; a $batch meets it by any of its parts."""
    call: int = Field(default=1, ge=1)
    """The first matching call that it happens to."""
    times: int | None = Field(default=1, ge=1)
    """How many calls; null for all of them."""
    probability: float = Field(default=1.0, ge=0, le=1)
    seed: int = 0
    in_batch: bool = False
    """Meets single parts of a $batch instead of whole requests."""
    seconds: float = Field(default=0.0, ge=0)
    retry_after: int | None = None
    limit: Literal["requests", "time", "concurrency"] = "requests"
    status: int = Field(default=500, ge=400, le=599)
    code: str = "0x80040216"
    message: str = "An unexpected error occurred."

    @property
    def stage(self) -> Stage:
        return _STAGES.get(self.kind, Stage.PART if self.in_batch else Stage.REQUEST)


class _Ordered:
    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._calls = 0
        self._used = 0
        self._random = random.Random(rule.seed)  # noqa: S311  # repeatable is the point

    def meets(self, method: str, path: str, tables: Collection[str]) -> bool:
        rule = self.rule
        if rule.method not in {"", method} or not re.search(rule.path, path):
            return False
        return not rule.table or rule.table in tables

    def takes(self) -> bool:
        """Counts a call that was met."""
        self._calls += 1
        due = self._calls >= self.rule.call and self._random.random() < self.rule.probability
        if due:
            self._used += 1
        return due

    @property
    def is_spent(self) -> bool:
        return self.rule.times is not None and self._used >= self.rule.times


class Faults:
    def __init__(self) -> None:
        self._ordered: list[_Ordered] = []

    def order(self, rules: Sequence[Rule]) -> None:
        self._ordered += map(_Ordered, rules)

    def reset(self) -> None:
        self._ordered.clear()

    def waiting(self) -> list[Rule]:
        return [ordered.rule for ordered in self._ordered]

    def pick(self, stage: Stage, method: str, path: str, tables: Collection[str]) -> Rule | None:
        """The first rule that meets this; it is used up when it has done so often enough."""
        for ordered in self._ordered:
            if ordered.rule.stage is not stage or not ordered.meets(method, path, tables):
                continue
            if ordered.takes():
                if ordered.is_spent:
                    self._ordered.remove(ordered)
                return ordered.rule
        return None
