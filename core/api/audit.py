"""Route for who asked to see personal data in clear."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from core.api import cursor as cursors
from core.api.edge import CheckedRoute
from core.api.services import ServicesDependency

router = APIRouter(prefix="/audit", tags=["logs"], route_class=CheckedRoute)


class AuditEntry(BaseModel):
    at: datetime
    who: str
    what: str
    people: int


class AuditPage(BaseModel):
    items: list[AuditEntry]
    cursor: str | None = None


@router.get("", summary="Who asked to see personal data")
async def list_audit(
    services: ServicesDependency,
    month: Annotated[str | None, Query(pattern=r"^\d{4}-(0[1-9]|1[0-2])$", examples=["2026-05"])] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> AuditPage:
    """Newest first, of one month; of this one where none is given."""
    asked = {"audit": month or f"{datetime.now(UTC):%Y-%m}"}
    entries = await services.audit.newest(asked["audit"], most=limit, after=cursors.read(cursor, asked))
    following = cursors.written(entries[-1][0], asked) if len(entries) == limit else None
    return AuditPage(items=[AuditEntry.model_validate(entry) for _, entry in entries], cursor=following)
