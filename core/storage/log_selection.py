"""What a selection means in the log: where the deliveries stand that it names."""

from collections.abc import Mapping, Sequence

from core.domain.delivery import Delivery
from core.domain.replay import Listed, Page, Selection
from core.domain.trail import Attempt
from core.storage.log_pages import LogQuery, TableLogPages
from core.storage.log_row import log_id, trail_of


class LogSelection:
    """Fits `admin.replays.Log`."""

    def __init__(self, pages: TableLogPages) -> None:
        self._pages = pages

    async def listed(
        self, selection: Selection, connections: Sequence[str], *, after: str | None, most: int
    ) -> tuple[Page, str | None]:
        """A page of them, and where the next one begins; None: there is no next one."""
        found = await self._pages.entries(_query(selection, connections), after=after, most=most)
        items = (Listed(organization=row["organization"], delivery=row["delivery"]) for row in found.rows)
        return Page(items=tuple(items)), found.after

    async def attempts(self, delivery: Delivery) -> tuple[Attempt, ...]:
        """Those that stand in its row; of an earlier revision they are the delivery's own already."""
        row = await self._pages.row([delivery.connection], log_id(delivery))
        if row is None or row.get("revision") != delivery.revision:
            return ()
        return trail_of(row).attempts


def _query(selection: Selection, connections: Sequence[str]) -> LogQuery:
    if selection.filter is None:
        return LogQuery(connections, {"cause": selection.cause})
    wanted = selection.filter
    named: Mapping[str, str] = {
        "outcome": wanted.outcome,
        "error_class": wanted.error_class.value if wanted.error_class else "",
        "cause": wanted.cause,
        "action": wanted.action,
        "form": wanted.form,
        "form_event": wanted.event,
        "batch": wanted.batch,
    }
    equal = {name: value for name, value in named.items() if value}
    return LogQuery(
        [each for each in connections if wanted.connection in ("", each)],
        equal,
        since=wanted.since,
        until=wanted.until,
    )
