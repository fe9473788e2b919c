"""What goes wrong, and at which requests: in an order that a test gives, or by chance from a seed."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from typing_extensions import override


class Kind(StrEnum):
    """What happens to a request. Under those called `after` the other side has done what it was asked."""

    ERROR = "error"  # answered with `status`, and not passed on
    RESET_BEFORE = "reset before"
    RESET_AFTER = "reset after"  # the reply is lost
    TRUNCATED = "truncated after"  # the reply breaks off
    SLOW = "slow after"  # the reply is held back for `seconds`
    KILL_BEFORE = "kill before"  # of the process that sent it
    KILL_AFTER = "kill after"


@dataclass(frozen=True, slots=True)
class Fault:
    kind: Kind
    status: int = 500
    retry_after: int | None = None
    seconds: float = 0.0

    @override
    def __str__(self) -> str:
        return f"{self.kind} {self.status}" if self.kind is Kind.ERROR else self.kind


class Faults(Protocol):
    def meet(self, request: str) -> Fault | None:
        """What happens to this request: method and address without its query, such as `GET http://…/SyncLedger()`."""
        ...


class NoFaults:
    def meet(self, request: str) -> Fault | None:
        return None


@dataclass
class At:
    """One fault, at the request of this number among those whose text the pattern is found in."""

    fault: Fault
    number: int
    on: str = ""
    met: int = 0

    def meet(self, request: str) -> Fault | None:
        self.met += bool(re.search(self.on, request))
        if self.met != self.number or not re.search(self.on, request):
            return None
        return self.fault


@dataclass
class ByChance:
    """Up to `most` faults among the requests that the pattern is found in. The same requests meet the same faults."""

    seed: int
    faults: Sequence[Fault]
    rate: float
    most: int
    on: str = ""
    _choice: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._choice = random.Random(self.seed)

    def meet(self, request: str) -> Fault | None:
        if not self.most or not re.search(self.on, request) or self._choice.random() >= self.rate:
            return None
        self.most -= 1
        return self._choice.choice(self.faults)
