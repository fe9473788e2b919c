"""Failures by cause: what the log's rows say, counted."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from core.domain.cause import Cause

RECEIPTS_MOST = 5


@dataclass(frozen=True, slots=True)
class Failure:
    """One row of the log."""

    cause_id: str
    cause: Cause
    at: datetime
    receipt: str
    connection: str
    action: str


@dataclass(slots=True)
class FailureGroup:
    id: str
    cause: Cause
    first: datetime
    last: datetime
    count: int = 0
    connections: set[str] = field(default_factory=set)
    actions: set[str] = field(default_factory=set)
    receipts: list[str] = field(default_factory=list)

    def add(self, failure: Failure) -> None:
        self.count += 1
        self.first, self.last = min(self.first, failure.at), max(self.last, failure.at)
        self.connections.add(failure.connection)
        self.actions.add(failure.action)
        if len(self.receipts) < RECEIPTS_MOST:
            self.receipts.append(failure.receipt)


def failure_groups(failures: Iterable[Failure]) -> list[FailureGroup]:
    """The largest first; of equal ones, the one that failed last."""
    groups: dict[str, FailureGroup] = {}
    for failure in failures:
        fresh = FailureGroup(failure.cause_id, failure.cause, failure.at, failure.at)
        groups.setdefault(failure.cause_id, fresh).add(failure)
    return sorted(groups.values(), key=lambda group: (group.count, group.last), reverse=True)
