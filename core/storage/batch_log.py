"""What became of the lines of a batch, counted from the log's index."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from core.storage.log_pages import LogQuery, TableLogPages

_ROWS_MOST = 2_000  # a chunk holds fewer


class BatchLog:
    """Fits `sync.bulk_ports.BatchLog`, and `admin.failed_rows.Log`."""

    def __init__(self, pages: TableLogPages) -> None:
        self._pages = pages

    async def outcomes(
        self, connection: str, batch: str, *, since: datetime, until: datetime
    ) -> tuple[Counter[str], set[str]]:
        query = LogQuery([connection], {"batch": batch}, since=since, until=until)
        page = await self._pages.entries(query, after=None, most=_ROWS_MOST)
        counted = Counter(str(row["outcome"]) for row in page.rows)
        return counted, {str(row["delivery"]) for row in page.rows}

    async def failures(self, connection: str, batch: str, *, since: datetime, until: datetime) -> Mapping[str, str]:
        """The failed deliveries, with why."""
        query = LogQuery([connection], {"batch": batch, "outcome": "failed"}, since=since, until=until)
        page = await self._pages.page(query, most=_ROWS_MOST, after=None)
        return {str(row["delivery"]): str(row["reason"]) for row in page.rows}
