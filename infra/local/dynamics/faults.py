"""Unkindness on request: rules that tests order, and which of them meets a request.

Duty: the choice. What an unkind answer looks like is `unkind_answers`'; who asks at which moment, `app` and
`operations`.
"""

import random
import re
from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from infra.local.dynamics.service_limits import Limit


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
    CUT_BATCH = "cut_batch"


class Stage(StrEnum):
    """The moment at which a rule is looked for."""

    REQUEST = "request"
    BATCH = "batch"
    PART = "part"
    OPERATION = "operation"


_STAGES: Final = {
    Kind.ETAG_CHANGED: Stage.OPERATION,
    Kind.HALF_BATCH: Stage.BATCH,
    Kind.CUT_BATCH: Stage.BATCH,
}
_OF_PARTS: Final = frozenset({Kind.THROTTLED, Kind.UNAVAILABLE, Kind.GATEWAY_TIMEOUT, Kind.HTML, Kind.ERROR})
_FIRST_ERROR: Final = 400


class Rule(BaseModel):
    """Which requests, how often, and what happens to them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    method: str = Field(default="", pattern="^[A-Z]*$")
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
    part: int | None = Field(default=None, ge=1)
    """The first part of a $batch, from 1 on, that is not carried out any more; the second half, unless given."""
    seconds: float = Field(default=0.0, ge=0)
    """How late the answer comes."""
    retry_after: int | None = Field(default=None, ge=0)
    limit: Limit = "requests"
    status: int = Field(default=500, ge=200, le=599)
    """Below 400 only for a page of HTML, such as one to sign in at."""
    code: str = "0x80040216"
    message: str = "An unexpected error occurred."

    @property
    def stage(self) -> Stage:
        return _STAGES.get(self.kind, Stage.PART if self.in_batch else Stage.REQUEST)

    @field_validator("path")
    @classmethod
    def _pattern(cls, path: str) -> str:
        try:
            re.compile(path)
        except re.error as problem:
            raise ValueError(f"no pattern: {problem}") from problem
        return path

    @model_validator(mode="after")
    def _has_an_effect(self) -> Self:
        """An order that would do nothing is a mistake of the test, which would prove nothing."""
        mistakes = {
            "this kind happens to whole requests, not to parts": self.in_batch and self.kind not in _OF_PARTS,
            "part is for half_batch and cut_batch": self.part is not None and self.stage is not Stage.BATCH,
            "seconds are for whole requests": self.seconds > 0 and self.stage is not Stage.REQUEST,
            "slow needs seconds": self.kind is Kind.SLOW and not self.seconds,
            "a status below 400 is for html": self.status < _FIRST_ERROR and self.kind is not Kind.HTML,
        }
        for mistake in (text for text, made in mistakes.items() if made):
            raise ValueError(mistake)
        return self

    def first_lost(self, count: int) -> int:
        """Of so many parts, counted from 0, the first that is not carried out."""
        return count // 2 if self.part is None else self.part - 1


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
