"""Values as people see them: the FormattedValue annotation, for an English user with the organisation's euro."""

from datetime import date, datetime
from typing import Any

from infra.local.dynamics.metadata_files import ENGLISH
from infra.local.dynamics.schema import CHOICE_KINDS, Column


def formatted_value(column: Column, stored: Any) -> str | None:
    """None for what has no formatted form: plain text, ids."""
    if column.kind in CHOICE_KINDS:
        return "; ".join(_label(column, part) for part in str(stored).split(","))
    match column.kind:
        case "Money":
            return f"€{stored:,.{2 if column.precision is None else column.precision}f}"
        case "Decimal" | "Double":
            return f"{stored:,.{column.precision or 0}f}"
        case "Integer" | "BigInt":
            return f"{stored:,}"
        case "DateTime":
            return _moment(column, stored)
    return None


def _label(column: Column, value: str) -> str:
    labels = [option.labels for option in column.options if str(option.value) == value]
    return labels[0].get(ENGLISH, value) if labels else value


def _moment(column: Column, stored: str) -> str:
    day = date.fromisoformat(stored[:10])
    text = f"{day.month}/{day.day}/{day.year}"
    if column.is_date_only or column.format == "DateOnly":
        return text
    moment = datetime.fromisoformat(stored)
    return f"{text} {moment.hour % 12 or 12}:{moment:%M} {'AM' if moment.hour < 12 else 'PM'}"  # noqa: PLR2004
