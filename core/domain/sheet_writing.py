"""Captures as rows of a table that can be mended in a spreadsheet program and sent again.

Each column's heading is one that `sheet_header` reads back as what it was. The delivery's id is left out: a mended row
is a new delivery, and not a repeat of the one that failed.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from typing import Any

from core.domain.capture import Answer, Capture, Event
from core.domain.sheet_cells import protected
from core.domain.sheet_header import FAILED, meaning
from core.domain.values import FieldValue, as_text

MARK = "\ufeff"  # without it Excel takes UTF-8 for the code page of its country
LINE, REASON, RAW = f"{FAILED}line", f"{FAILED}reason", f"{FAILED}raw"

_HEADINGS = {
    ("submission", "activity_id"): "activity_id",
    ("submission", "captured_by"): "captured_by",
    ("submission", "hold_request_id"): "hold_request_id",
    ("submission", "rating"): "rating",
    ("submission", "type"): "submission_type",
    ("prospect", "id"): "prospect_id",
    ("prospect", "owner"): "prospect_owner",
    ("form", "id"): "form_id",
    ("form", "name"): "form_name",
    ("form", "event"): "form_event",
}


def table(rows: Iterable[Mapping[str, str]], *, delimiter: str = ",") -> str:
    """With every column that any of the rows has, those that say why first."""
    rows = list(rows)
    columns = list(dict.fromkeys(name for row in rows for name in row)) or [LINE, REASON]
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter)
    writer.writerow([protected(name) for name in columns])
    writer.writerows([protected(row.get(name, "")) for name in columns] for row in rows)
    return MARK + written.getvalue()


def cells_of(capture: Capture) -> dict[str, str]:
    """By heading; what is blank has no cell."""
    cells: dict[str, str] = {}
    if capture.event is not Event.CAPTURED:
        cells["event"] = capture.event.value
    if capture.occurred_at:
        cells["occurred_at"] = capture.occurred_at.isoformat()
    for part in ("form", "submission", "prospect"):
        said = getattr(capture, part).model_dump(exclude={"fields"}, exclude_none=True)
        cells |= {_HEADINGS.get((part, name), f"{part}.{name}"): _written(value) for name, value in said.items()}
    cells |= {_field_heading(name): _written(value) for name, value in capture.prospect.fields.items()}
    cells |= {_answer_heading(answer): _written(answer.value) for answer in capture.answers}
    return {name: text for name, text in cells.items() if text.strip()}


def _field_heading(name: str) -> str:
    """The field's own name, unless that would be read as something else."""
    return name if meaning(name) == ("prospect", "fields", name) else f"prospect.fields.{name}"


def _answer_heading(answer: Answer) -> str:
    is_both = answer.title and re.fullmatch(r"\d+", answer.id or "")
    return f"q.{answer.id}: {answer.title}" if is_both else f"q.{answer.id or answer.title}"


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value
    plain: FieldValue = value if isinstance(value, int | float | bool | list) or value is None else str(value)
    return as_text(plain)


def failed_row(*, line: int, reason: str, capture: Capture | None, raw: str) -> dict[str, str]:
    """Why it failed, and what it said; of a line that could not be read, the line itself."""
    told = {LINE: str(line) if line else "", REASON: reason}
    return told | ({RAW: raw} if raw else {}) | (cells_of(capture) if capture and not raw else {})
