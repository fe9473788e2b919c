"""Whether a column holds a value already, whichever way Dataverse writes it."""

from datetime import UTC, datetime
from typing import Any

from core.domain.conversion.identifiers import normal_identifier
from core.domain.table import Column


def is_same(column: Column, one: Any, other: Any) -> bool:
    """Equal as the column's type understands it: `1` and `1.0`, `…:00Z` and `…:00.000Z`, `1,3` and `3,1`."""
    return bool(one == other) or _normal(column, one) == _normal(column, other)


def _normal(column: Column, content: Any) -> Any:
    if not isinstance(content, str):
        return content
    match column.type:
        case "DateTime":
            return _moment(content)
        case "MultiSelectPicklist":
            return frozenset(part.strip() for part in content.split(","))
        case "Uniqueidentifier" | "Lookup" | "Customer" | "Owner":
            return normal_identifier(content) or content
        case _:
            return content


def _moment(text: str) -> datetime | str:
    """In whole seconds of UTC; a day without a time stays a text."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    if moment.tzinfo is None:
        return text
    try:
        return moment.replace(microsecond=0).astimezone(UTC)
    except OverflowError:
        return text
