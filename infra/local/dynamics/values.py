"""One value of a column: what a client may send, how it is stored, how it is shown.

Duty: the type and range checks of every column type, with their errors. Which columns a request may set, `body` says.

https://learn.microsoft.com/dynamics365/customerengagement/on-premises/developer/webapi/web-api-types-operations
"""

import base64
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from infra.local.dynamics import errors
from infra.local.dynamics.schema import Column, Table

_INT32: Final = (-(2**31), 2**31 - 1)
_INT64: Final = (-(2**63), 2**63 - 1)
_EARLIEST: Final = datetime(1753, 1, 1, tzinfo=UTC)
# Tab, line feed and carriage return are fine. Half a surrogate pair is no character.
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_FRACTION_LIMIT: Final = 1e28  # what .NET's decimal holds
_MONEY_LIMIT: Final = 922337203685477.0
_EDM: Final = {
    "Integer": "Edm.Int32",
    "Picklist": "Edm.Int32",
    "State": "Edm.Int32",
    "Status": "Edm.Int32",
    "BigInt": "Edm.Int64",
    "Decimal": "Edm.Decimal",
    "Money": "Edm.Decimal",
    "Double": "Edm.Double",
    "Boolean": "Edm.Boolean",
    "DateTime": "Edm.DateTimeOffset",
    "Uniqueidentifier": "Edm.Guid",
    "Image": "Edm.Binary",
}


def stored_value(table: Table, column: Column, value: object) -> Any:
    """What the database keeps for a JSON value. Raises the documented error when it does not fit."""
    if value is None:
        return None
    return _READERS.get(column.kind, _text)(table, column, value)


def shown_value(column: Column, stored: Any) -> Any:
    """What an answer shows for a stored value."""
    if stored is not None and column.kind == "Boolean":
        return bool(stored)
    return stored


def moment_text(moment: datetime) -> str:
    """Dataverse keeps whole seconds."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def guid(text: str) -> str | None:
    """Lower-case, without braces; None when it is none."""
    try:
        return str(uuid.UUID(text)) if len(text) in {36, 38} else None
    except ValueError:
        return None


def _text(table: Table, column: Column, value: object) -> str | None:
    if not isinstance(value, str):
        raise _wrong_type(table, "Edm.String", value)
    if column.max_length is not None and _length(value) > column.max_length:
        raise errors.text_too_long(column.name, table.name, column.max_length)
    if found := _CONTROL.search(value):
        raise errors.text_has_control_characters(column.name, found.group())
    # An empty text and null are one thing to Dataverse.
    return value or None


def _length(text: str) -> int:
    """In UTF-16 units, as .NET and SQL Server count."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _whole(table: Table, column: Column, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong_type(table, _EDM[column.kind], value)
    low, high = _INT64 if column.kind == "BigInt" else _INT32
    if not _within(value, low, high):
        raise _wrong_type(table, _EDM[column.kind], value)
    _require_range(table, column, value)
    return value


def _fraction(table: Table, column: Column, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong_type(table, _EDM[column.kind], value)
    if abs(value) > (_MONEY_LIMIT if column.kind == "Money" else _FRACTION_LIMIT):
        raise _wrong_type(table, "Edm.Decimal", value)
    _require_range(table, column, value)
    return round(float(value), column.precision if column.precision is not None else 10)


def _require_range(table: Table, column: Column, value: float) -> None:
    if not _within(value, column.minimum, column.maximum):
        limits = f"the range {column.minimum} to {column.maximum}"
        raise errors.number_out_of_range(column.name, table.name, kind=column.kind, limits=limits)


def _within(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def _choice(table: Table, column: Column, value: object) -> int:
    number = _whole(table, column, value)
    if all(option.value != number for option in column.options):
        raise errors.option_unknown(column.name, table.name, value)
    return number


def _choices(table: Table, column: Column, value: object) -> str | None:
    """Several options, as `1,3`."""
    if not isinstance(value, str):
        raise _wrong_type(table, "Edm.String", value)
    if not value:
        return None
    known = {str(option.value) for option in column.options}
    chosen = [part.strip() for part in value.split(",")]
    if unknown := [part for part in chosen if part not in known]:
        raise errors.option_unknown(column.name, table.name, unknown[0])
    return ",".join(sorted(set(chosen), key=int))


def _boolean(table: Table, _column: Column, value: object) -> int:
    if not isinstance(value, bool):
        raise _wrong_type(table, "Edm.Boolean", value)
    return int(value)


def _moment(table: Table, column: Column, value: object) -> str:
    if column.is_date_only:
        return _date(table, value)
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) and "T" in value else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise _wrong_type(table, "Edm.DateTimeOffset", value)
    if moment < _EARLIEST:
        raise errors.date_out_of_range()
    return moment_text(moment)


def _date(table: Table, value: object) -> str:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) and len(value) == len("2026-05-04") else None
    except ValueError:
        day = None
    if day is None:
        raise _wrong_type(table, "Edm.Date", value)
    if day < _EARLIEST.date():
        raise errors.date_out_of_range()
    return day.isoformat()


def _guid(table: Table, _column: Column, value: object) -> str:
    found = guid(value) if isinstance(value, str) else None
    if found is None:
        raise _wrong_type(table, "Edm.Guid", value)
    return found


def _image(table: Table, _column: Column, value: object) -> str:
    try:
        base64.b64decode(value, validate=True) if isinstance(value, str) else int("")
    except ValueError:
        raise _wrong_type(table, "Edm.Binary", value) from None
    return str(value)


def _wrong_type(table: Table, edm: str, value: object) -> errors.DataverseError:
    return errors.payload(table.set_name, f"Cannot convert the literal '{value}' to the expected type '{edm}'.")


_READERS: Final[Mapping[str, Callable[[Table, Column, object], Any]]] = {
    "Integer": _whole,
    "BigInt": _whole,
    "Picklist": _choice,
    "State": _choice,
    "Status": _choice,
    "Decimal": _fraction,
    "Double": _fraction,
    "Money": _fraction,
    "Boolean": _boolean,
    "DateTime": _moment,
    "Uniqueidentifier": _guid,
    "MultiSelectPicklist": _choices,
    "Image": _image,
}
