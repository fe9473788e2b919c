"""Delta links: their place. The issue that needs them fills it; until then they are refused loudly.

https://learn.microsoft.com/power-apps/developer/data-platform/use-change-tracking-synchronize-data-external-systems

What is ready for it: every row has a version, deleted rows are kept by table, id, version and time (`_deleted`), and
tables know whether tracking is on.
"""

from infra.local.dynamics import errors
from infra.local.dynamics.exchange import Answer, Request
from infra.local.dynamics.schema import Table
from infra.local.dynamics.work import Work


def tracked_rows(_work: Work, table: Table, _request: Request, _base: str) -> Answer:
    if not table.has_change_tracking:
        raise errors.change_tracking_off(table.name)
    raise errors.not_simulated("change tracking yet")
