"""Route for who asked to see personal data in clear."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from core.api import cursor as cursors
from core.api.edge import CheckedRoute
from core.api.logs import prospect_index, usable_email
from core.api.paging import Cursor
from core.api.services import ServicesDependency

router = APIRouter(prefix="/audit", tags=["logs"], route_class=CheckedRoute)


class AuditEntry(BaseModel):
    """That somebody asked to see people in clear."""

    at: datetime
    who: Annotated[str, Field(description="The signed-in user; else the address, and the program.")]
    what: Annotated[str, Field(description="What was asked for, with its filters; an address is told by its hash.")]
    people: Annotated[int, Field(description="How many were shown.")]
    shown: Annotated[
        list[str], Field(description="Who: `delivery|` a receipt, `prospect|` an id, `email|` an address's hash.")
    ] = []


class AuditPage(BaseModel):
    """Newest first. With `receipt`, `prospect` or `email` a page may be short and have a cursor all the same."""

    items: list[AuditEntry]
    cursor: str | None = None


@router.get("", summary="Who asked to see personal data")
async def list_audit(
    services: ServicesDependency,
    month: Annotated[
        str | None,
        Query(
            pattern=r"^\d{4}-(0[1-9]|1[0-2])$",
            description="Such as 2026-05; this one by default.",
            examples=["2026-05"],
        ),
    ] = None,
    receipt: Annotated[str | None, Query(max_length=80, description="Who was shown this delivery.")] = None,
    prospect: Annotated[str | None, Query(max_length=200, description="Who was shown this person, by id.")] = None,
    email: Annotated[str | None, Query(max_length=320, description="Who was shown whoever has this address.")] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="How many at most.")] = 100,
    cursor: Cursor = None,
) -> AuditPage:
    """Newest first, of one month; of this one where none is given. Who saw Mara? `email` answers that."""
    about = [f"delivery|{receipt}"] if receipt else []
    about += [f"prospect|{prospect_index(prospect)}", f"prospect|{prospect}"] if prospect else []
    about += [await services.log_pages.email_index(usable_email(email))] if email else []
    of = month or f"{datetime.now(UTC):%Y-%m}"
    asked = {"audit": of, "about": "\n".join(about)}
    entries, after = await services.audit.newest(of, most=limit, after=cursors.read(cursor, asked), about=about)
    return AuditPage(items=[_view(entry) for _, entry in entries], cursor=cursors.written(after, asked))


def _view(entry: dict[str, Any]) -> AuditEntry:
    return AuditEntry.model_validate({**entry, "shown": str(entry.get("shown") or "").split()})
