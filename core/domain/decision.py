"""From one delivery and what was found to what is to be done: the pure middle of a turn.

`decide` takes everything it needs as arguments (the new row's id too) and answers with an `Intent` (something is to
be written) or a `Result` (nothing is). Which row it is, `matching` says; what changes in an existing one, `changes`;
what goes beside it, `account`, `campaigns` and `note`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.domain.account import ACCOUNT_COLUMNS, AccountLink, account_key, account_link
from core.domain.action import MatchTables
from core.domain.campaigns import SOURCE_COLUMN, Campaigning, campaign_queries, campaigning
from core.domain.changes import Changes, changes_to
from core.domain.delivery import ErrorClass, Extra, Intent, Link, Outcome, Result, RowWrite
from core.domain.explanation import explained
from core.domain.mapping import ColumnValue, FieldMapping, Mapped, map_fields, wanted_references
from core.domain.matching import Match, match_row
from core.domain.news import only_said, with_what_news_do
from core.domain.note import Noted, noted
from core.domain.owner import Owner, owner_queries
from core.domain.ownership import OWNER_COLUMN, fallback_owner, owner_value, wanted_owners
from core.domain.prospect import Prospect
from core.domain.references import NAME_MOST, Found, ReferenceQuery
from core.domain.row import Row, RowKey
from core.domain.subject import Subject
from core.domain.table import Column

NOT_MAPPED = "not_mapped"
# Lookup columns that actions set, whether a mapping knows them or not.
_LINKS = {
    name: Column(name=name, type="Lookup")
    for name in (OWNER_COLUMN, SOURCE_COLUMN, *(column for column, _ in ACCOUNT_COLUMNS.values()))
}


def reference_queries(subject: Subject) -> tuple[ReferenceQuery, ...]:
    """Everything in other tables that the action or the mappings name."""
    action = subject.action
    wanted = wanted_owners(action.owner, subject.capture, subject.person) if action.owner else ()
    owners = [query for name in wanted for query in owner_queries(name)]
    account = subject.account_query
    written = (*action.tables, *(("account",) if action.account else ()))
    tables = [subject.mappings[table] for table in written if table in subject.mappings]
    mapped = [query for mapping in tables for query in wanted_references(mapping, subject.sources)]
    beside = [*owners, *campaign_queries(action.campaigns), *([account] if account else ())]
    return tuple(dict.fromkeys((*mapped, *beside)))


def linked_columns(subject: Subject, table: str) -> tuple[str, ...]:
    """The lookup columns that the action may set in an existing row of this table."""
    action = subject.action
    account, _ = ACCOUNT_COLUMNS[table]
    has_source = table == "lead" and any(rule.added_as == "source" for rule in action.campaigns)
    wanted = ((account, action.account), (OWNER_COLUMN, action.owner), (SOURCE_COLUMN, has_source))
    return tuple(column for column, is_wanted in wanted if is_wanted)


def decide(subject: Subject, found: Found, *, new_id: str) -> Intent | Result:
    """What is to be done. `found` is all that was read; a row that is None is gone."""
    match = _match(subject, found.rows)
    table = match.row.table if match else subject.action.create
    explain = explained(subject, match, found.rows, reference_queries(subject))
    if match is None and (reason := _why_nothing_is_created(subject)):
        return Result(outcome=Outcome.SKIPPED, reason=reason, mapped_as=subject.mapped_as, explain=explain)
    mapping = subject.mappings.get(table)
    if match and subject.action.on_match == "none":
        return _left_alone(subject, match, mapping, explain)
    if mapping is None:
        return _not_mapped(table, subject, explain)
    if match:
        mapping, subject = only_said(subject, mapping), with_what_news_do(subject)
    mapped = map_fields(mapping, subject.sources, found.references)
    if mapped.failures:
        return _refused(mapped, mapping, subject, explain)
    plan = _plan(subject, mapping, mapped, match, found, new_id)
    if match is None:
        return _creation(plan, explain)
    return _update(plan, match, explain)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the action would like to have in one row and beside it."""

    subject: Subject
    mapping: FieldMapping
    row_id: str
    values: tuple[ColumnValue, ...]
    account: AccountLink
    campaigning: Campaigning
    found: Found
    warnings: tuple[str, ...]
    not_taken: tuple[str, ...]
    is_in_doubt: bool
    fallback: Owner | None

    @property
    def columns(self) -> Mapping[str, Column]:
        return _LINKS | self.mapping.columns

    def note(self, lines: list[str]) -> Noted:
        more = [*self.not_taken, *lines]
        return noted(self.subject, self.mapping, self.mapping.table, self.row_id, self.found, more)

    def extras(self, note: Noted) -> tuple[Extra, ...]:
        return (*([note.extra] if note.extra else ()), *self.campaigning.extras)


def _plan(
    subject: Subject, mapping: FieldMapping, mapped: Mapped, match: Match | None, found: Found, new_id: str
) -> _Plan:
    """A column that the mapping fills is the mapping's."""
    references = found.references
    row, row_id = (match.row, match.row.id) if match else (None, new_id)
    owner, fallback, owner_warnings = _owner(subject, row, found)
    account = account_link(subject, mapping.table, row, references, new_id=new_id)
    campaigns = campaigning(subject, mapping.table, row_id, references)
    filled = {value.column for value in mapped.values}
    links = [each for each in (account.value, owner, campaigns.source) if each and each.column not in filled]
    of_account = (each for each in account.not_taken if each.label not in {told.label for told in mapped.not_taken})
    not_taken = tuple(f"{each.label}: {each.text}" for each in (*mapped.not_taken, *of_account))
    in_doubt = mapped.is_in_doubt or account.is_in_doubt
    beside = (*account.warnings, *owner_warnings, *campaigns.warnings)
    warnings = (*mapped.warnings, *_long_name(subject), *beside)
    values = (*mapped.values, *links)
    instead = fallback if OWNER_COLUMN not in filled else None
    return _Plan(subject, mapping, row_id, values, account, campaigns, found, warnings, not_taken, in_doubt, instead)


def _long_name(subject: Subject) -> tuple[str, ...]:
    return (f"The name is longer than {NAME_MOST} characters: nobody was searched by it.",) * subject.is_name_too_long


def _owner(subject: Subject, row: Row | None, found: Found) -> tuple[ColumnValue | None, Owner | None, list[str]]:
    """The owner, who else is to own the row where Dynamics refuses him, and what to know."""
    rule = subject.action.owner
    if rule is None or (row is not None and rule.when == "create"):
        return None, None, []
    wanted = wanted_owners(rule, subject.capture, subject.person)
    value, warnings = owner_value(rule, wanted, found.references)
    return value, fallback_owner(wanted, found.references), warnings


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


def _creation(plan: _Plan, explain: dict[str, Any]) -> Intent:
    given = [each for each in plan.values if each.value is not None and plan.columns[each.column].creatable]
    values = {each.column: each.value for each in given}
    targets = {each.column: each.target for each in given if each.target}
    person = RowWrite(table=plan.mapping.table, row_id=plan.row_id, etag=None, values=values, targets=targets)
    result = Result(
        outcome=Outcome.CREATED,
        table=person.table,
        row_id=person.row_id,
        warnings=(*plan.warnings, *_missing_key(plan.subject), *_missing_required(plan.mapping, values)),
        mapping_version=plan.mapping.version,
        mapped_as=plan.subject.mapped_as,
        explain=explain,
        is_in_doubt=plan.is_in_doubt,
    )
    return _intent(plan, result, person, plan.extras(plan.note([])))


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


def _left_alone(subject: Subject, match: Match, mapping: FieldMapping | None, explain: dict[str, Any]) -> Result:
    """Nothing is added beside it either, and no mapping is needed."""
    return Result(
        outcome=Outcome.UNCHANGED,
        reason="The person is in Dynamics already, and the action leaves matched rows alone.",
        table=match.row.table,
        row_id=match.row.id,
        rests_on_name=match.rests_on_name,
        mapping_version=mapping.version if mapping else 0,
        mapped_as=subject.mapped_as,
        explain=explain,
    )


def _update(plan: _Plan, match: Match, explain: dict[str, Any]) -> Intent | Result:
    """What differs in the row, and what is new beside it."""
    subject = plan.subject
    changes = changes_to(match, plan.values, plan.columns, late=subject.is_late, has_note=subject.action.note)
    note = plan.note(changes.for_note)
    extras = plan.extras(note)
    row = match.row
    result = Result(
        outcome=Outcome.UPDATED if changes.values or extras else Outcome.UNCHANGED,
        reason=_why_no_more(subject, changes, extras),
        table=row.table,
        row_id=row.id,
        rests_on_name=match.rests_on_name,
        warnings=(*plan.warnings, *changes.warnings),
        mapping_version=plan.mapping.version,
        mapped_as=plan.subject.mapped_as,
        explain={**explain, "kept": changes.kept} if changes.kept else explain,
        before=changes.before,
        is_in_doubt=plan.is_in_doubt or changes.is_in_doubt,
        confirmed=note.confirmed,
    )
    if not changes.values and not extras:
        return result
    person = RowWrite(table=row.table, row_id=row.id, etag=row.etag, values=changes.values, targets=changes.targets)
    return _intent(plan, result, person if changes.values else None, extras)


def _why_no_more(subject: Subject, changes: Changes, extras: tuple[Extra, ...]) -> str:
    """Why the row does not hold all of this afterwards, or has not changed; "" where neither has to be explained."""
    added = "; notes or campaigns were added" if extras else ""
    if subject.is_late and changes.kept:
        since = f"{subject.known.last_said_at:%Y-%m-%d %H:%M:%S} UTC"
        return f"It came late: the person said something newer at {since}, so it only fills what is blank{added}."
    if changes.values:
        return ""
    if changes.kept:
        kept = ", ".join(f"{name} ({why})" for name, why in sorted(changes.kept.items()))
        return f"The row keeps what it holds in {kept}{added}."
    return f"The row in Dynamics holds all of this already{added}."


def _intent(plan: _Plan, result: Result, person: RowWrite | None, extras: tuple[Extra, ...]) -> Intent:
    """An account is only made for a row that is going to be linked to it."""
    subject, account = plan.subject, plan.account.creation
    if account and (person is None or account.row_id not in person.values.values()):
        account = None
    creation_key = account_key(subject) if account else None
    return Intent(
        result=result,
        account=account,
        person=_with_ways_out(person, plan) if person else None,
        extras=extras,
        keys=(*subject.claim_keys, *([creation_key] if creation_key else ())),
        prospect_key=subject.prospect_key,
        prospect=linked(subject, result),
    )


def _with_ways_out(person: RowWrite, plan: _Plan) -> RowWrite:
    """What may be written instead, or left out, should Dynamics refuse the row."""
    secured = tuple(name for name in person.values if (column := plan.columns.get(name)) and column.secured)
    fallback = plan.fallback if OWNER_COLUMN in person.values else None
    instead = {OWNER_COLUMN: Link(row_id=fallback.row_id, target=fallback.target)} if fallback else {}
    return person.model_copy(update={"secured": secured, "instead": instead})


def linked(subject: Subject, result: Result) -> Prospect:
    """The person with the row it went to; free of any claim."""
    person = subject.person.with_effects(result.confirmed, subject.delivery.said_at)
    person = person.model_copy(update={"claimed_by": "", "last_outcome": result.outcome.value})
    if not result.row_id:
        return person
    by_name = {table for table in person.linked_by_name if table != result.table}
    by_name |= {result.table} if result.rests_on_name else set()
    links = person.links | {result.table: result.row_id}
    return person.model_copy(update={"links": links, "linked_by_name": tuple(sorted(by_name))})


def _not_mapped(table: str, subject: Subject, explain: dict[str, Any]) -> Result:
    return Result(
        outcome=Outcome.FAILED,
        reason=f"There is no mapping for {table} on this connection: save one.",
        error_class=ErrorClass.CONFIGURATION,
        error_code=NOT_MAPPED,
        mapped_as=subject.mapped_as,
        explain=explain,
    )


def _refused(mapped: Mapped, mapping: FieldMapping, subject: Subject, explain: dict[str, Any]) -> Result:
    """The first value that its mapping row lets fail the whole."""
    refusal = mapped.failures[0]
    return Result(
        outcome=Outcome.FAILED,
        reason=refusal.message,
        table=mapping.table,
        error_class=ErrorClass.DATA,
        error_code=refusal.code,
        error_column=refusal.column,
        warnings=mapped.warnings,
        mapping_version=mapping.version,
        mapped_as=subject.mapped_as,
        explain=explain,
        is_in_doubt=mapped.is_in_doubt,
    )
