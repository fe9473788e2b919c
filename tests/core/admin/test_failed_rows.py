"""The failed rows of a batch: as they were sent, in the order of the file, and nobody who was erased since."""

from datetime import datetime
from typing import Any

from core.admin.failed_rows import FailedRows
from core.domain.delivery import Delivery
from core.sync.bulk_actions import Asked
from tests.core.sync.bulk_office import Office, until_over
from tests.core.sync.test_bulk_office import TABLE
from tests.core.sync.worlds import NOON


class Log:
    """Everybody of the first chunks failed."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def failures(self, connection: str, batch: str, *, since: datetime, until: datetime) -> dict[str, str]:
        rows = self._office.rows.values()
        return {row.id: "why" for row in rows if since <= row.received_at <= until and row.batch == batch}


async def test_an_erased_person_is_in_no_file_any_more() -> None:
    """Though what was uploaded is still kept."""
    office = Office()
    await until_over(office, lambda: office.actions().begin("a0", Asked("told", content=TABLE), batch="b"))
    whole = await office.whole("b")
    assert whole
    first: Delivery = min(office.accepted.values(), key=lambda each: each.received_at)
    office.accepted[first.id] = first.model_copy(update={"erased_at": NOON})
    chunks = [each.entity.model_copy(update={"outcomes": {"failed": 3}}) for each in whole.chunks]
    ledger: Any = office
    failed = FailedRows(contents=office, log=Log(office), ledger=ledger)
    rows, after = await failed.page(whole.batch.entity, chunks, after="")
    assert [row.record.line for row in rows] == [3, 4, 5, 6, 7, 8, 9]
    assert rows[-1].record.raw == "bad,bad@x.example,1\n"
    assert after == ""
    behind, _ = await failed.page(whole.batch.entity, chunks, after=chunks[0].key)
    assert [row.record.line for row in behind] == [5, 6, 7, 8, 9]
