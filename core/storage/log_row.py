"""What stands in the table `SyncLog` for one delivery: the row itself, and the entries of its indexes. No I/O.

A row's key sorts the newest first. The entries stand behind all rows of the connection, in the same partition, so
that one transaction writes row and entries. Neither holds a name or an e-mail address in clear.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from core.domain.capture import digest, prospect_name
from core.domain.cause import Cause, cause_of
from core.domain.delivery import Delivery, Outcome
from core.domain.email_address import normal_email
from core.domain.masking import Masking, masked_emails, person_shown
from core.domain.trail import Attempt, Trail
from core.domain.values import as_text
from core.storage.document import packed, unpacked

ROWS_END = ":"  # stands behind every digit: rows begin with one, entries with a letter
TEXT_MOST = 8_000
_SHORT = 200
_ADDRESSES_MOST = 20
_LAST_MICROSECOND = 10**17  # far beyond any date; subtracting from it sorts the newest first
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]{1,64}")
# What an index entry repeats of its row, so that counting and grouping read nothing else.
ENTRY_COLUMNS = (
    "outcome",
    "action",
    "form",
    "event",
    "form_event",
    "form_name",
    "submission",
    "table",
    "error_class",
    "error_code",
    "error_column",
    "cause",
    "cause_kind",
    "mapping_version",
    "organization",
    "delivery",
)
INDEXED_OUTCOMES = (Outcome.FAILED, Outcome.HELD)


def log_id(delivery: Delivery) -> str:
    """The row key: time of receipt, inverted, then the delivery."""
    return f"{time_key(delivery.received_at)}-{delivery.id}"


def time_key(moment: datetime) -> str:
    """Stands before every row of that moment, and behind every later one."""
    microseconds = (moment.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)
    return f"{_LAST_MICROSECOND - microseconds:018d}"


def time_of(key: str) -> datetime:
    return _EPOCH + timedelta(microseconds=_LAST_MICROSECOND - int(key.partition("-")[0]))


def index_name(kind: str, value: str) -> str:
    """An index by its kind and value; what is not fit for a key is hashed."""
    return f"{kind}|{value if _PLAIN.fullmatch(value) else '~' + digest(value)}"


def email_addresses(delivery: Delivery) -> list[str]:
    """As they are compared, of every field that holds nothing but an address: as many as an index is kept of, the
    person's own first. A transaction holds a hundred parts, and anybody may send a hundred addresses.
    """
    said: dict[str, bool] = {}
    for name, value in delivery.capture.prospect.fields.items():
        if isinstance(value, str) and (address := normal_email(as_text(value))):
            said[address] = said.get(address, False) or name.strip().lower() == "email"
    return sorted(said, key=lambda address: (not said[address], address))[:_ADDRESSES_MOST]


def index_names(delivery: Delivery, hashed_emails: Iterable[str]) -> list[str]:
    assert delivery.result is not None
    capture, outcome = delivery.capture, delivery.result.outcome
    cause = cause_of(delivery.result, Masking(capture))
    by_value = {
        "batch": delivery.batch,
        "cause": cause.id if cause else "",
        "form": capture.form.id or capture.form.name or "",
        "outcome": outcome.value if outcome in INDEXED_OUTCOMES else "",
        "prospect": "" if delivery.erased_at else prospect_name(capture, delivery.id),
    }
    names = [index_name(kind, value) for kind, value in by_value.items() if value]
    names += [index_name("replay", each) for each in delivery.replays]
    return [*names, *(index_name("email", each) for each in hashed_emails)]


def log_row(delivery: Delivery, *, row_url: str, indexes: Iterable[str], last: Attempt | None) -> dict[str, Any]:
    """One flat row, and the drill-down as a document in it."""
    assert delivery.result is not None
    result = delivery.result
    finished = result.finished_at or delivery.received_at
    attempts = (*delivery.tried, *([last] if last else ()))
    return {
        **told(delivery),
        **_what(delivery),
        "record_url": row_url,
        "attempts": delivery.attempts + 1,
        "duration_ms": min(max(0, int((finished - delivery.received_at).total_seconds() * 1000)), 2**31 - 1),
        "finished_at": finished,
        "indexes": "\n".join(indexes),
        **packed(Trail(explain=result.explain, attempts=attempts)),
    }


def told(delivery: Delivery) -> dict[str, Any]:
    """What was delivered: all that is known before it is over."""
    capture = delivery.capture
    return {
        "received_at": delivery.received_at,
        "delivery": delivery.id,
        "organization": delivery.organization,
        "revision": delivery.revision,
        "trigger": "replay" if delivery.replays else delivery.trigger,
        "replays": len(delivery.replays),
        "replay": delivery.replays[-1] if delivery.replays else "",
        "batch": delivery.batch,
        "action": delivery.action,
        "prospect": _prospect(delivery),
        "person": person_shown(capture.prospect.fields)[:300],
        "event": capture.event.value,
        "form": _short(capture.form.id or capture.form.name),
        "form_name": _short(capture.form.name),
        "form_event": _short(capture.form.event),
        "activity": _short(masked_emails(capture.submission.activity_id or "")),
        "submission": _short(submission_shown(delivery)),
    }


def _short(text: str | None) -> str:
    """Templates put whole texts where an id belongs; a property takes 64 KiB, and nobody reads more than this."""
    return (text or "")[:_SHORT]


def _prospect(delivery: Delivery) -> str:
    """Captello's id where that is one; what anybody may have put in its place only by the name it has here."""
    return prospect_name(delivery.capture, delivery.id) if delivery.capture.prospect.id else ""


def _what(delivery: Delivery) -> Mapping[str, Any]:
    """What became of it. Sentences may quote the person: those words are masked."""
    result, masking = delivery.result, Masking(delivery.capture)
    assert result is not None
    cause = cause_of(result, masking)
    return {
        "outcome": result.outcome.value,
        "reason": masking.sentence(result.reason)[:TEXT_MOST],
        "dynamics_says": masking.words(result.words),
        "table": result.table,
        "record_id": result.row_id,
        "error_class": cause.error_class if cause else "",
        "error_code": result.error_code,
        "error_column": result.error_column,
        "cause": cause.id if cause else "",
        "cause_kind": cause.kind if cause else "",
        "warnings": "\n".join(" ".join(masking.sentence(each).split()) for each in result.warnings)[:TEXT_MOST],
        "mapping_version": result.mapping_version,
    }


def submission_shown(delivery: Delivery) -> str:
    """The submission's id as Captello lists it; without one, this delivery is a submission of its own."""
    return masked_emails(delivery.capture.submission.activity_id or delivery.id)


def is_of_earlier_replay(name: str, row: Mapping[str, Any]) -> bool:
    """Its entry says what that replay came to, whatever came of later ones."""
    return name.startswith("replay|") and name != index_name("replay", row["replay"])


def index_entry(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ENTRY_COLUMNS}


def trail_of(row: Mapping[str, Any]) -> Trail:
    """The drill-down that stands in a row; of one that only counts repeats, none."""
    return unpacked(row, Trail) if "document" in row or "document_0" in row else Trail()


def cause_in(row: Mapping[str, Any]) -> Cause:
    """Of a row that failed, or its index entry."""
    return Cause(
        error_class=row["error_class"],
        code=row["error_code"],
        column=row["error_column"],
        kind=row["cause_kind"],
        table=row["table"],
    )
