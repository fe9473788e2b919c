"""How long an answer takes, on the order of a benchmark: so much a request, a part of a batch, a row."""

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import ConfigDict, Field, with_config

_LONGEST_MS: Final = 600_000
_Milliseconds = Annotated[float, Field(ge=0, le=_LONGEST_MS)]


@with_config(ConfigDict(extra="forbid"))
@dataclass(slots=True)
class Latency:
    request_ms: _Milliseconds = 0.0
    row_ms: _Milliseconds = 0.0
    bulk_row_ms: _Milliseconds = 0.0
    """Instead of `row_ms`, for rows of CreateMultiple, UpdateMultiple and UpsertMultiple."""
    part_ms: _Milliseconds = 0.0
    """For each part of a $batch, beside its rows and the request's own."""

    def seconds(self, *, rows: int, bulk_rows: int, parts: int = 0) -> float:
        of_rows = rows * self.row_ms + bulk_rows * self.bulk_row_ms
        return (self.request_ms + parts * self.part_ms + of_rows) / 1000

    def reset(self) -> None:
        self.request_ms = self.row_ms = self.bulk_row_ms = self.part_ms = 0.0
