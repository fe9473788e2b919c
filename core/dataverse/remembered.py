"""What owners, campaigns and other named rows were found to be, remembered for a while by each connection's client.

Names of people and campaigns seldom change, and asking for them with every capture would cost Dynamics more than the
captures. What was not found is asked for again sooner: somebody is probably about to make it.
"""

from collections.abc import Callable, Collection

from core.domain.references import Answer, NotAnswered, ReferenceQuery, References
from core.domain.row import Row

FOUND_SECONDS, MISSED_SECONDS = 300.0, 20.0
_MOST = 2_000


class RememberedReferences:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: dict[ReferenceQuery, tuple[float, Answer]] = {}

    def known(self, queries: Collection[ReferenceQuery]) -> dict[ReferenceQuery, Answer]:
        now = self._clock()
        held = {query: self._known.get(query, (now, ())) for query in queries}
        return {query: rows for query, (until, rows) in held.items() if now < until}

    def remember(self, found: References) -> None:
        """Not what has to be asked for each time, nor a refusal; and never without bounds."""
        if len(self._known) > _MOST:
            self._known.clear()
        now = self._clock()
        for query, rows in found.items():
            if not query.fresh and not isinstance(rows, NotAnswered):
                self._known[query] = (now + (FOUND_SECONDS if rows else MISSED_SECONDS), rows)

    def forget(self, row_ids: Collection[str]) -> None:
        """Whatever leads to these rows: Dynamics says that one of them is gone, or disabled."""
        held = self._known.items()
        leading = [query for query, (_, rows) in held if not isinstance(rows, NotAnswered) and _leads_to(rows, row_ids)]
        for query in leading:
            del self._known[query]


def _leads_to(rows: Collection[Row], row_ids: Collection[str]) -> bool:
    return any(row.id in row_ids for row in rows)
