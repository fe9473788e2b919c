"""From one delivery and the rows that were found to what is to be done: the pure middle of a turn.

`decide` takes everything it needs as arguments (the new row's id too) and answers with an `Intent` (something is to
be written) or a `Result` (nothing is). Which row it is, `matching` says; what changes in an existing one, `changes`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.domain.action import MatchTables, SyncAction
from core.domain.capture import Capture, Event, prospect_name, submission_name
from core.domain.changes import Changes, changes_to, without_unusable_emails
from core.domain.delivery import Delivery, ErrorClass, Intent, Outcome, Result, claim_keys, prospect_key
from core.domain.mapping import FieldMapping, Mapped, Sources, map_fields
from core.domain.matching import LookUp, Match, MatchKeys, look_ups, match_keys, match_row
from core.domain.prospect import Prospect, merged
from core.domain.row import Row, RowKey


@dataclass(frozen=True, slots=True)
class Subject:
    """One delivery with everything that is known of its person before Dynamics is asked."""

    delivery: Delivery
    action: SyncAction
    mappings: Mapping[str, FieldMapping]
    known: Prospect  # as it was read
    person: Prospect  # having heard this delivery
    sources: Sources
    keys: MatchKeys

    @property
    def capture(self) -> Capture:
        return self.delivery.capture

    @property
    def is_late(self) -> bool:
        """The person has said something newer already."""
        return self.known.last_said_at > self.capture.said_at(self.delivery.received_at)

    @property
    def prospect_key(self) -> str:
        return subject_key(self.delivery, self.action)

    @property
    def claim_keys(self) -> tuple[str, ...]:
        return claim_keys(self.delivery.organization, self.keys)

    def look_ups(self) -> tuple[LookUp, ...]:
        return look_ups(self.action, self.keys, self.known.links)


def subject_key(delivery: Delivery, action: SyncAction) -> str:
    """The prospect entity this delivery belongs to. Without matching, every submission is somebody new."""
    name = submission_name if action.match.tables is MatchTables.OFF else prospect_name
    return prospect_key(name(delivery.capture, delivery.id))


def subject_of(
    delivery: Delivery, action: SyncAction, mappings: Mapping[str, FieldMapping], known: Prospect
) -> Subject:
    person = merged(known, delivery.capture, delivery.capture.said_at(delivery.received_at))
    sources = Sources(person, delivery.capture)
    keys = match_keys(person, sources, mappings.values(), action)
    return Subject(delivery, action, mappings, known, person, sources, keys)


def settled_without_search(subject: Subject) -> Result | None:
    """What can be said before Dynamics is asked."""
    if subject.capture.event is Event.WITHDRAWN:
        return Result(outcome=Outcome.WITHDRAWN, reason="Captello withdrew the submission.")
    if subject.capture.is_held:
        return Result(outcome=Outcome.HELD, reason="Captello holds the submission until it has been completed.")
    if not subject.action.enabled:
        return Result(outcome=Outcome.SKIPPED, reason=f"The action {subject.action.id} is switched off.")
    return None


def decide(subject: Subject, rows: Mapping[RowKey, Row | None], *, new_id: str) -> Intent | Result:
    """What is to be done. `rows` are all that were read; None stands for one that is gone."""
    match = _match(subject, rows)
    table = match.row.table if match else subject.action.create
    if match is None and (reason := _why_nothing_is_created(subject)):
        return Result(outcome=Outcome.SKIPPED, reason=reason, explain=_explained(subject, match, rows))
    mapping = subject.mappings.get(table)
    if mapping is None:
        return _failed(ErrorClass.CONFIGURATION, f"There is no mapping for {table} on this connection: save one.")
    mapped = without_unusable_emails(map_fields(mapping, subject.sources))
    if mapped.failures:
        column, message = mapped.failures[0]
        return _failed(ErrorClass.DATA, message, column=column, warnings=mapped.warnings)
    explain = _explained(subject, match, rows)
    if match is None:
        return _creation(subject, mapping, mapped, new_id, explain)
    return _update(subject, mapping, mapped, match, explain)


def _match(subject: Subject, rows: Mapping[RowKey, Row | None]) -> Match | None:
    """The row that is the person; a link is as good as what it was made for."""
    match = match_row(subject.action, subject.keys, subject.known.links, rows)
    if match and match.by == "link" and match.table in subject.known.linked_by_name:
        return replace(match, rests_on_name=True)
    return match


def _why_nothing_is_created(subject: Subject) -> str:
    if subject.action.create == "none":
        return "Nobody in Dynamics matched, and the action creates nothing."
    searches = subject.action.match.tables is not MatchTables.OFF
    if searches and not subject.keys and subject.action.match.without_key == "skip":
        return "The capture holds nothing to match by, and the action skips such captures."
    return ""


def _creation(subject: Subject, mapping: FieldMapping, mapped: Mapped, new_id: str, explain: dict[str, Any]) -> Intent:
    values = {
        value.column: value.value
        for value in mapped.values
        if value.value is not None and mapping.columns[value.column].creatable
    }
    warnings = (*mapped.warnings, *_missing_key(subject), *_missing_required(mapping, values))
    result = Result(
        outcome=Outcome.CREATED,
        table=mapping.table,
        row_id=new_id,
        warnings=warnings,
        mapping_version=mapping.version,
        explain=explain,
    )
    return _intent(subject, result, values, etag=None)


def _missing_key(subject: Subject) -> tuple[str, ...]:
    if subject.keys or subject.action.match.tables is MatchTables.OFF:
        return ()
    return ("The capture holds nothing to match by: a row was created without a search for duplicates.",)


def _missing_required(mapping: FieldMapping, values: Mapping[str, Any]) -> list[str]:
    required = (column for column in mapping.columns.values() if column.required)
    return [
        f"{column.name} is required in Dynamics but the capture gave it no value."
        for column in required
        if column.name not in values
    ]


def _update(
    subject: Subject, mapping: FieldMapping, mapped: Mapped, match: Match, explain: dict[str, Any]
) -> Intent | Result:
    changes = Changes()
    if subject.action.on_match == "update":
        changes = changes_to(match, mapped.values, mapping, late=subject.is_late)
    result = Result(
        outcome=Outcome.UPDATED if changes.values else Outcome.UNCHANGED,
        reason="" if changes.values else _why_unchanged(subject),
        table=match.row.table,
        row_id=match.row.id,
        rests_on_name=match.rests_on_name,
        warnings=(*mapped.warnings, *changes.warnings),
        mapping_version=mapping.version,
        explain=explain,
        before=changes.before,
    )
    return _intent(subject, result, changes.values, etag=match.row.etag) if changes.values else result


def _why_unchanged(subject: Subject) -> str:
    if subject.action.on_match == "none":
        return "The person is in Dynamics already, and the action leaves matched rows alone."
    return "The row in Dynamics holds all of this already."


def _intent(subject: Subject, result: Result, values: dict[str, Any], *, etag: str | None) -> Intent:
    return Intent(
        result=result,
        table=result.table,
        row_id=result.row_id,
        etag=etag,
        values=values,
        keys=subject.claim_keys,
        prospect_key=subject.prospect_key,
        prospect=linked(subject.person, result),
    )


def linked(person: Prospect, result: Result) -> Prospect:
    """The person with the row it went to; free of any claim."""
    if not result.row_id:
        return person.model_copy(update={"claimed_by": ""})
    by_name = {table for table in person.linked_by_name if table != result.table}
    by_name |= {result.table} if result.rests_on_name else set()
    links = person.links | {result.table: result.row_id}
    return person.model_copy(update={"links": links, "linked_by_name": tuple(sorted(by_name)), "claimed_by": ""})


def _failed(error_class: ErrorClass, reason: str, *, column: str = "", warnings: tuple[str, ...] = ()) -> Result:
    return Result(
        outcome=Outcome.FAILED, reason=reason, error_class=error_class, error_column=column, warnings=warnings
    )


def _explained(subject: Subject, match: Match | None, rows: Mapping[RowKey, Row | None]) -> dict[str, Any]:
    """Why this row: the rule, what was found, what won and what lost. Holds no e-mail or name."""
    rule = subject.action.match
    explained: dict[str, Any] = {
        "rule": {"tables": rule.tables.value, "by": rule.by},
        "searched_by": {"emails": len(subject.keys.emails), "name": subject.keys.name is not None},
        "candidates": sum(row is not None for row in rows.values()),
    }
    if match:
        explained |= {"matched_by": match.by, "in": match.table}
    if match and match.lost:
        explained |= {
            "tie_break": subject.action.on_duplicate.value,
            "lost": [f"{row.table} {row.id}" for row in match.lost],
        }
    return explained
