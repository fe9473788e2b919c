"""Somebody else, who saves a row just before the request that is about it.

Duty: which row a request is about, and the change. Whether somebody meddles, the rules of `faults` say.
"""

from dataclasses import dataclass, field

from infra.local.dynamics.addresses import row_key, segments
from infra.local.dynamics.callers import Caller
from infra.local.dynamics.database import VERSION, Row
from infra.local.dynamics.environment import Environment
from infra.local.dynamics.exchange import Request
from infra.local.dynamics.schema import Table
from infra.local.dynamics.seeding import touch
from infra.local.dynamics.work import Work

Target = tuple[Table, Row]


@dataclass(slots=True)
class Meddling:
    """What was done to rows during one request."""

    environment: Environment
    _saved: list[tuple[Table, str, int]] = field(default_factory=list)

    def target(self, caller: Caller, request: Request) -> Target | None:
        """The row that is addressed, by id or by alternate key; None when there is none."""
        first = segments(request.below_root or "")[0]
        table = self.environment.schema.sets.get(first.name)
        if table is None or not first.arguments:
            return None
        work = Work(self.environment, caller, self.environment.clock.now())
        row = work.find(table, row_key(table, first.arguments))
        return None if row is None else (table, row)

    def save(self, target: Target) -> None:
        table, row = target
        touch(self.environment, table, row[table.id])
        self._saved.append((table, row[table.id], self.environment.database.version))

    def stand(self) -> None:
        """Somebody else's change is not undone with the change set that it made fail."""
        for table, row_id, version in self._saved:
            row = self.environment.database.fetch(table, row_id)
            if row is not None and row[VERSION] < version:
                touch(self.environment, table, row_id)
