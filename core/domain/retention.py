"""How long everything is kept, and what is found to be old."""

from dataclasses import dataclass
from datetime import timedelta

Kept = timedelta | None  # None: for good


@dataclass(frozen=True, slots=True)
class Retention:
    """Counted from when something came in. A delivery is never kept longer than its row in the log."""

    log: Kept  # rows with their index entries and drill-down
    deliveries: Kept  # what was said, in clear: afterwards neither revealed nor replayed
    waiting: Kept  # held captures that nobody releases, unreadable bodies that nobody mends
    quarantine: Kept  # unreadable bodies that were replayed or discarded
    bulk: Kept  # batches that are over, with what was uploaded for them
    replays: Kept
    audit: Kept


@dataclass(frozen=True, slots=True)
class OldRow:
    """A row of the log, with the names of the indexes that have an entry for it."""

    connection: str
    key: str
    organization: str
    delivery: str
    outcome: str  # "" while the delivery is on its way
    etag: str
    indexes: tuple[str, ...] = ()
