"""A Dataverse row as it was read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

RowKey = tuple[str, str]  # table, row id


@dataclass(frozen=True, slots=True)
class Row:
    """A row with the columns that were asked for, under the names of the wire."""

    table: str
    id: str
    etag: str
    columns: Mapping[str, Any]

    @property
    def key(self) -> RowKey:
        return self.table, self.id

    @property
    def is_active(self) -> bool:
        return self.columns.get("statecode") == 0 and not self.columns.get("merged")

    def content(self, column: str) -> Any:
        """What a column holds; of a lookup, the id of the row it leads to."""
        lookup = self.columns.get(read_name(column))
        return self.columns.get(column) if lookup is None else lookup


def read_name(lookup: str) -> str:
    """Under which name a lookup column is read.

    https://learn.microsoft.com/power-apps/developer/data-platform/webapi/web-api-properties#lookup-properties
    """
    return f"_{lookup}_value"
