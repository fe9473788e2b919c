"""What a column takes: one value of a request's body, checked as Dataverse checks it.

https://learn.microsoft.com/dynamics365/customer-engagement/web-api/web-api-types-operations
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from infra.local.dynamics import refusals
from infra.local.dynamics.tables import Column, Table

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_NUMBERS = {"Decimal", "Double", "Money"}


def stored_value(table: Table, column: Column, value: Any) -> Any:
    """The value as it is stored. Raises Refusal."""
    if value is None:
        return None
    match column.type:
        case "String" | "Memo" | "EntityName":
            return _text(table, column, value)
        case "Integer" | "BigInt":
            return _integer(table, column, value)
        case "Picklist" | "State" | "Status":
            return _option(table, column, value)
        case "Boolean":
            return int(_typed(table, column, value, bool))
        case "DateTime":
            return _moment(table, column, value)
        case "Uniqueidentifier":
            return guid(table, column.name, value)
        case "MultiSelectPicklist":
            return _options(table, column, value)
        case kind if kind in _NUMBERS:
            return _number(table, column, value)
        case _:
            raise refusals.unknown_payload_property(table.set_name, table.name, column.name)


def guid(table: Table, name: str, value: Any) -> str:
    if not isinstance(value, str) or not _GUID.fullmatch(value):
        raise _wrong_type(table, name, "Edm.Guid")
    return value.lower()


def _text(table: Table, column: Column, value: Any) -> str | None:
    text: str = _typed(table, column, value, str)
    if _CONTROL.search(text):
        raise refusals.control_characters(column.name)
    if column.max_length is not None and len(text.encode("utf-16-le", "surrogatepass")) // 2 > column.max_length:
        raise refusals.too_long(column.name, table.name, column.max_length)
    return text or None  # an empty text is stored as null


def _integer(table: Table, column: Column, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong_type(table, column.name, "Edm.Int32")
    _require_range(column, value, is_integer=True)
    return value


def _number(table: Table, column: Column, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong_type(table, column.name, "Edm.Decimal")
    _require_range(column, value, is_integer=False)
    return round(float(value), column.precision if column.precision is not None else 10)


def _require_range(column: Column, value: float, *, is_integer: bool) -> None:
    low, high = column.minimum, column.maximum
    if (low is not None and value < low) or (high is not None and value > high):
        raise refusals.out_of_range(column.name, is_integer=is_integer)


def _option(table: Table, column: Column, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong_type(table, column.name, "Edm.Int32")
    if value not in {option.value for option in column.options}:
        raise refusals.unknown_option(column.name, table.name, value)
    return value


def _options(table: Table, column: Column, value: Any) -> str:
    text: str = _typed(table, column, value, str)
    for part in text.split(","):
        _option(table, column, int(part) if part.strip().isdigit() else part)
    return text


def _moment(table: Table, column: Column, value: Any) -> str:
    text: str = _typed(table, column, value, str)
    try:
        if column.behavior == "DateOnly":
            return date.fromisoformat(text).isoformat()
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _wrong_type(
            table, column.name, "Edm.Date" if column.behavior == "DateOnly" else "Edm.DateTimeOffset"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _typed(table: Table, column: Column, value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        names: Mapping[type, str] = {str: "Edm.String", bool: "Edm.Boolean"}
        raise _wrong_type(table, column.name, names[kind])
    return value


def _wrong_type(table: Table, name: str, kind: str) -> refusals.Refusal:
    words = f"Cannot convert a value of '{name}' to the expected type '{kind}'."
    return refusals.bad_payload(table.set_name, words)
