"""A delivery as the log's routes show it."""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field

from core.domain.trail import Attempt
from core.storage.log_pages import Row

RowT = TypeVar("RowT", bound="LogRow")


class LogRow(BaseModel):
    """What became of one delivery. What may be personal is masked, in sentences too."""

    id: str
    connection: str
    received_at: datetime | None = None
    finished_at: datetime | None = None
    delivery: Annotated[str, Field(description="The receipt that the sender was given.")] = ""
    trigger: Annotated[str, Field(description="`replay` once it has been replayed; else what brought it in.")] = ""
    replays: int = 0
    action: str = ""
    event: str = ""
    form: str = ""
    form_name: str = ""
    form_event: str = ""
    activity: str = ""
    prospect: Annotated[
        str, Field(description="The person's id at Captello, or the name for it here: it opens `/prospects/{id}`.")
    ] = ""
    person: str = ""
    outcome: Annotated[str, Field(description="Empty while it is on its way.")] = ""
    reason: str = ""
    dynamics_says: Annotated[str, Field(description="Dynamics' own words, where it refused the row.")] = ""
    table: str = ""
    record_id: str = ""
    record_url: str = ""
    error_class: str = ""
    error_code: str = ""
    error_column: str = ""
    cause: Annotated[str, Field(description="The group in `/failures` that it belongs to.")] = ""
    warnings: list[str] = []
    attempts: int = 0
    duration_ms: int = 0
    mapping_version: int = 0
    repeats: int = 0
    batch: str = ""
    replay: str = ""


class LogDetail(LogRow):
    """With why this row was chosen, what stood there before, each attempt, and each request to Dynamics."""

    state: Literal["received", "intent", "done"] = "done"
    explain: Annotated[dict[str, Any], Field(description="The match: rule, queries, candidates and their fate.")] = {}
    fix: Annotated[str, Field(description="What to do, where it failed.")] = ""
    before: Annotated[
        dict[str, Any], Field(description="What the columns held that were written, while the delivery is kept.")
    ] = {}
    tried: Annotated[
        list[Attempt], Field(description="Each attempt with its requests; no query values, no bodies.")
    ] = []


def log_view(row: Row, kind: type[RowT]) -> RowT:
    shown = {name: value for name, value in row.items() if name in LogRow.model_fields.keys() - {"id", "connection"}}
    shown["warnings"] = str(row.get("warnings") or "").splitlines()
    return kind(id=row["RowKey"], connection=row["PartitionKey"], **shown)
