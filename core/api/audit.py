"""Route for who asked to see personal data in clear."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from core.api.services import ServicesDependency

router = APIRouter(prefix="/audit", tags=["logs"])


class AuditEntry(BaseModel):
    at: datetime
    who: str
    what: str
    people: int


class AuditList(BaseModel):
    items: list[AuditEntry]


@router.get("", summary="Who asked to see personal data")
async def list_audit(
    services: ServicesDependency,
    month: Annotated[str | None, Query(pattern=r"^\d{4}-\d{2}$", examples=["2026-05"])] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> AuditList:
    """Newest first, of one month; of this one where none is given."""
    entries = await services.audit.newest(month or f"{datetime.now(UTC):%Y-%m}", most=limit)
    return AuditList(items=[AuditEntry.model_validate(entry) for entry in entries])
