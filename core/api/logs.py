"""Routes for the sync log."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from core.api.services import ServicesDependency
from core.domain.connection import ConfigurationId
from core.domain.delivery import Outcome

router = APIRouter(prefix="/logs", tags=["logs"])


class LogRow(BaseModel):
    """What became of one delivery."""

    id: str
    connection: str
    received_at: datetime | None = None
    delivery: str = ""
    trigger: str = ""
    action: str = ""
    event: str = ""
    form: str = ""
    activity: str = ""
    prospect: str = ""
    outcome: str = ""
    reason: str = ""
    table: str = ""
    record_id: str = ""
    record_url: str = ""
    error_class: str = ""
    error_code: str = ""
    error_column: str = ""
    warnings: list[str] = []
    attempts: int = 0
    duration_ms: int = 0
    mapping_version: int = 0
    repeats: int = 0
    explain: dict[str, Any] = {}


class LogPage(BaseModel):
    """Newest first. `cursor` leads to the next page; without one this was the last."""

    items: list[LogRow]
    cursor: str | None = None


@router.get("")
async def list_logs(  # one parameter a filter
    services: ServicesDependency,
    connection: Annotated[ConfigurationId | None, Query(description="Only this connection's rows.")] = None,
    outcome: Annotated[Outcome | None, Query()] = None,
    action: Annotated[str | None, Query(max_length=100)] = None,
    prospect: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str | None, Query(max_length=200, pattern=r"^[0-9a-f-]*$")] = None,
) -> LogPage:
    """One row for each delivery that is over, newest first."""
    wanted = {"outcome": outcome.value if outcome else None, "action": action, "prospect": prospect}
    filters = {name: value for name, value in wanted.items() if value}
    known = [connection] if connection else [each.id for each in await services.configuration.connections()]
    rows = await services.sync_log.page(known, filters=filters, most=limit, after=cursor)
    items = [_view(row) for row in rows]
    return LogPage(items=items, cursor=items[-1].id if len(items) == limit else None)


def _view(row: Mapping[str, Any]) -> LogRow:
    shown = {name: value for name, value in row.items() if name in LogRow.model_fields.keys() - {"id", "connection"}}
    shown["warnings"] = str(row.get("warnings") or "").splitlines()
    shown["explain"] = json.loads(row.get("explain") or "{}")
    return LogRow(id=row["RowKey"], connection=row["PartitionKey"], **shown)
