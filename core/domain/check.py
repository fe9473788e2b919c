"""The check of a connection: what was answered → named steps, each with its fix in plain words.

Duty: judging. Asking is `admin.connection_check`'s. A step that cannot be made because one before it failed is skipped.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from core.domain.action import SyncAction
from core.domain.check_fixes import fix_for
from core.domain.connection import Connection
from core.domain.expiry import expiry_threshold
from core.domain.mapping import FieldMapping, MappingRow, Policy
from core.domain.privileges import (
    PEOPLE,
    WHOLE_ORGANIZATION,
    Privilege,
    Verb,
    every_feature,
    features_of,
    features_of_mapping,
    lacking,
)
from core.domain.table import Column, Table
from core.errors import RetryableError, SyncError

T = TypeVar("T")


class CheckStep(BaseModel):
    """One thing that was looked at. `note` is worth knowing and stops nothing that is configured."""

    model_config = ConfigDict(frozen=True)

    name: str
    status: Literal["passed", "failed", "skipped", "note"]
    message: str
    fix: str = ""
    code: str = ""


class CheckResult(BaseModel):
    """As it is kept with the connection. The threshold is the expiry warning that has been given."""

    model_config = ConfigDict(frozen=True)

    checked_at: datetime
    steps: tuple[CheckStep, ...]
    expires_on: date | None = None
    expiry_threshold: int | None = None

    @property
    def passed(self) -> bool:
        return all(step.status != "failed" for step in self.steps)


@dataclass(frozen=True, slots=True)
class Challenge:
    """How the address answers somebody who has no token. Dynamics names the tenant it belongs to."""

    is_dynamics: bool
    status: int
    tenant_id: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are there, and where "there" is."""

    user_id: str
    organization_id: str


@dataclass(frozen=True, slots=True)
class Answers:
    """What was asked and answered, or why not; None was not asked."""

    challenge: Challenge | SyncError
    token: SyncError | None = None
    identity: Identity | SyncError | None = None
    privileges: Mapping[str, str] | SyncError | None = None  # name to depth
    tables: Mapping[str, Table] | SyncError | None = None
    change_tracking: Mapping[str, bool] | SyncError | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """What is checked: the connection with everything that is configured on it."""

    connection: Connection
    mappings: Mapping[str, FieldMapping]
    actions: Sequence[SyncAction]

    @property
    def tables(self) -> tuple[str, ...]:
        """Those whose columns matter."""
        return tuple(dict.fromkeys((*self.mappings, *self.written)))

    @property
    def written(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(table for action in self.actions if action.enabled for table in action.tables))


def judged(checked: Checked, answers: Answers, today: date) -> tuple[CheckStep, ...]:
    """Every step, in the order in which things must be mended."""
    steps = [_url(checked, answers.challenge), _token(checked, answers)]
    steps += [_application_user(answers), _organization(checked.connection, answers.identity)]
    steps += _privileges(checked, answers)
    steps += _mappings(checked, answers)
    steps += [_change_tracking(answers), _expiry(checked.connection, answers, today)]
    return tuple(step.model_copy(update={"fix": step.fix.format(id=checked.connection.id)}) for step in steps)


def can_work(steps: Sequence[CheckStep]) -> bool:
    """Whether the connection gets through to the organisation that it is pinned to."""
    named = {step.name: step.status for step in steps}
    return all(named.get(name) == "passed" for name in ("url", "token", "application_user", "organization"))


# --- Getting there ----------------------------------------------------------------------------------------------------


def _url(checked: Checked, challenge: Challenge | SyncError) -> CheckStep:
    if checked.connection.revoked_at is not None:
        return _skipped("url", "The connection is revoked, so nothing is sent.")
    if isinstance(challenge, SyncError):
        return _failure("url", challenge)
    if not challenge.is_dynamics:
        message = f"{checked.connection.url} answers (HTTP {challenge.status}), but not as a Dynamics environment does."
        return _failed("url", message, "not_dynamics")
    return _passed("url", f"{checked.connection.url} answers as a Dynamics environment does.")


def _token(checked: Checked, answers: Answers) -> CheckStep:
    connection = checked.connection
    tenant = answers.challenge.tenant_id if isinstance(answers.challenge, Challenge) else ""
    if tenant and tenant != connection.tenant_id:
        message = f"The environment belongs to tenant {tenant}, but the connection names tenant {connection.tenant_id}."
        return _failed("token", message, "wrong_tenant")
    if answers.token is not None:
        return _failure("token", answers.token)
    return _passed("token", f"Entra accepts the application's {connection.credential}.")


def _application_user(answers: Answers) -> CheckStep:
    name = "application_user"
    match answers.identity:
        case None:
            return _skipped(name, "There is no token to ask with.")
        case SyncError() as error:
            return _failure(name, error)
        case Identity(user_id, _):
            return _passed(name, f"Dynamics knows the application as user {user_id}.")


def _organization(connection: Connection, identity: Identity | SyncError | None) -> CheckStep:
    if not isinstance(identity, Identity):
        return _skipped("organization", "Dynamics did not say which organisation it is.")
    pinned, answered = connection.organization_id, identity.organization_id
    if pinned not in (None, answered):
        message = f"Organisation {answered} answers; this connection was made for {pinned}. Nothing is written."
        return _failed("organization", message, "organization_changed")
    return _passed("organization", f"It is organisation {answered}.")


# --- What it may do ---------------------------------------------------------------------------------------------------


def _privileges(checked: Checked, answers: Answers) -> Iterator[CheckStep]:
    held = answers.privileges
    if held is None or isinstance(held, SyncError):
        yield _not_asked("privileges", held, "Without an application user there are no privileges.")
        return
    configured = {feature for action in checked.actions for feature in features_of(action)}
    configured |= {feature for mapping in checked.mappings.values() for feature in features_of_mapping(mapping)}
    needed = lacking(sorted(configured, key=lambda feature: feature.words), held)
    others = lacking((feature for feature in every_feature() if feature not in configured), held)
    concerned = {privilege.table for feature in configured for privilege in feature.needs}
    for table in dict.fromkeys((*PEOPLE, "account", *sorted(concerned))):
        yield _table_privileges(table, needed, others)
    if rest := {privilege: stopped for privilege, stopped in others.items() if privilege.table not in concerned}:
        rest = {
            privilege: stopped for privilege, stopped in rest.items() if privilege.table not in (*PEOPLE, "account")
        }
        if rest:
            yield _would_stop("privileges", rest)
    yield from _depths(checked, held)


def _table_privileges(
    table: str, needed: Mapping[Privilege, list[str]], others: Mapping[Privilege, list[str]]
) -> CheckStep:
    name = f"privileges.{table}"
    missing = {privilege: stopped for privilege, stopped in needed.items() if privilege.table == table}
    if missing:
        message = f"The application user lacks {_listed(missing)}: {_stops(missing)} cannot work."
        return _failed(name, message, "privilege_missing")
    unneeded = {privilege: stopped for privilege, stopped in others.items() if privilege.table == table}
    return _would_stop(name, unneeded) if unneeded else _passed(name, "Every privilege is there.")


def _would_stop(name: str, missing: Mapping[Privilege, list[str]]) -> CheckStep:
    message = f"Nothing configured needs it, but without {_listed(missing)} there is no {_stops(missing)}."
    return _note(name, message, "privilege_missing")


def _listed(missing: Mapping[Privilege, list[str]]) -> str:
    return ", ".join(privilege.words for privilege in missing)


def _stops(missing: Mapping[Privilege, list[str]]) -> str:
    return ", ".join(dict.fromkeys(words for stopped in missing.values() for words in stopped))


def _depths(checked: Checked, held: Mapping[str, str]) -> Iterator[CheckStep]:
    """Whoever sees only some rows finds only some people, and makes the others twice."""
    depths = {name.lower(): depth for name, depth in held.items()}
    searched = dict.fromkeys(table for action in checked.actions for table in action.match.tables.in_order)
    for table in searched:
        depth = depths.get(Privilege(Verb.READ, table).name.lower())
        if depth not in (None, WHOLE_ORGANIZATION):
            message = f"The application user sees only a part of the {table}s (depth {depth}): people among the others "
            yield _note(f"depth.{table}", message + "are not found, and are created again.", "depth")


# --- What is mapped ---------------------------------------------------------------------------------------------------


def _mappings(checked: Checked, answers: Answers) -> Iterator[CheckStep]:
    tables = answers.tables
    if tables is None or isinstance(tables, SyncError):
        yield _not_asked("columns", tables, "The tables could not be asked for.")
        return
    for name in checked.tables:
        mapping = checked.mappings.get(name)
        if mapping is None:
            message = f"There is no mapping for {name}, which an action on this connection writes."
            yield _failed(f"columns.{name}", message, "mapping_missing")
        else:
            yield _columns(mapping, tables[name])
            yield _required(checked, mapping, tables[name])


def _columns(mapping: FieldMapping, table: Table) -> CheckStep:
    name = f"columns.{table.name}"
    missing = [row.column for row in mapping.rows if row.column not in table.columns]
    if missing:
        message = f"Mapped columns are not in {table.name} any more: {', '.join(missing)}."
        return _failed(name, message, "column_missing")
    closed = [row.column for row in mapping.rows if not _is_writable(row, table.columns[row.column])]
    if closed:
        return _failed(name, f"Mapped columns of {table.name} cannot be written: {', '.join(closed)}.", "read_only")
    return _passed(name, f"All {len(mapping.rows)} mapped columns are there and can be written.")


def _is_writable(row: MappingRow, column: Column) -> bool:
    return column.creatable or (column.updatable and row.policy is not Policy.CREATE_ONLY)


def _required(checked: Checked, mapping: FieldMapping, table: Table) -> CheckStep:
    name = f"required.{table.name}"
    mapped = {row.column for row in mapping.rows}
    missing = [column.name for column in table.columns.values() if column.required and column.name not in mapped]
    if not missing:
        return _passed(name, "Every required column is mapped.")
    message = f"Columns that Dynamics requires of a {table.name} are not mapped: {', '.join(missing)}."
    creates = any(action.enabled and action.create == table.name for action in checked.actions)
    return _failed(name, message, "required_unmapped") if creates else _note(name, message, "required_unmapped")


# --- The rest ---------------------------------------------------------------------------------------------------------


def _change_tracking(answers: Answers) -> CheckStep:
    tracked = answers.change_tracking
    if tracked is None or isinstance(tracked, SyncError):
        return _not_asked("change_tracking", tracked, "The tables could not be asked for.")
    off = [table for table, on in tracked.items() if not on]
    if off:
        message = f"Change tracking is off for {', '.join(off)}: changes made there could not flow back."
        return _note("change_tracking", message, "change_tracking_off")
    return _passed("change_tracking", f"It is on for {', '.join(tracked)}.")


def _expiry(connection: Connection, answers: Answers, today: date) -> CheckStep:
    name, what, ends = "secret_expiry", connection.credential, connection.secret_expires_on
    if ends is None:
        return _note(name, f"It is not known when the {what} expires, so nobody will be warned.", "expiry_unknown")
    left = (ends - today).days
    if left < 0 and answers.token is not None:
        return _failed(name, f"The {what} expired on {ends}.", "expired")
    if left < 0:
        return _note(name, f"The {what} should have expired on {ends}, but still works.", "expiry_wrong")
    if expiry_threshold(ends, today) is not None:
        return _note(name, f"The {what} expires in {left} days, on {ends}.", "expires_soon")
    return _passed(name, f"The {what} expires in {left} days, on {ends}.")


def _passed(name: str, message: str) -> CheckStep:
    return CheckStep(name=name, status="passed", message=message)


def _skipped(name: str, message: str) -> CheckStep:
    return CheckStep(name=name, status="skipped", message=message)


def _failed(name: str, message: str, code: str) -> CheckStep:
    return CheckStep(name=name, status="failed", message=message, fix=fix_for(code), code=code)


def _note(name: str, message: str, code: str) -> CheckStep:
    return CheckStep(name=name, status="note", message=message, fix=fix_for(code), code=code)


def _failure(name: str, error: SyncError) -> CheckStep:
    code = error.code or ("unavailable" if isinstance(error, RetryableError) else "refused")
    return _failed(name, error.message, code)


def _not_asked(name: str, error: SyncError | None, otherwise: str) -> CheckStep:
    """Something that is only asked later on, and went unanswered: not known, rather than wrong."""
    if error is None or isinstance(error, RetryableError):
        return _skipped(name, error.message if error else otherwise)
    return _failure(name, error)
