"""The check of a connection: what was answered → named steps, each with its fix in plain words.

Duty: judging. Asking is `admin.connection_check`'s. A step that cannot be made because one before it failed is skipped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from pydantic import BaseModel, ConfigDict

from core.domain.check_columns import column_steps
from core.domain.check_privileges import privilege_steps
from core.domain.check_steps import CheckStep, failed, failure, not_asked, note, passed, skipped
from core.domain.checked import Checked
from core.domain.connection import Connection
from core.domain.expiry import expiry_threshold
from core.domain.table import Table
from core.errors import SyncError


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


def judged(checked: Checked, answers: Answers, today: date) -> tuple[CheckStep, ...]:
    """Every step, in the order in which things must be mended."""
    steps = [_url(checked, answers.challenge), _token(checked, answers)]
    steps += [_application_user(answers), _organization(checked.connection, answers.identity)]
    steps += privilege_steps(checked, answers.privileges)
    steps += column_steps(checked, answers.tables)
    steps += [_change_tracking(answers), _expiry(checked.connection, answers, today)]
    return tuple(step.model_copy(update={"fix": step.fix.format(id=checked.connection.id)}) for step in steps)


def can_work(steps: Sequence[CheckStep]) -> bool:
    """Whether the connection gets through to the organisation that it is pinned to."""
    named = {step.name: step.status for step in steps}
    return all(named.get(name) == "passed" for name in ("url", "token", "application_user", "organization"))


# --- Getting there ----------------------------------------------------------------------------------------------------


def _url(checked: Checked, challenge: Challenge | SyncError) -> CheckStep:
    if checked.connection.revoked_at is not None:
        return skipped("url", "The connection is revoked, so nothing is sent.")
    if isinstance(challenge, SyncError):
        return failure("url", challenge)
    if not challenge.is_dynamics:
        message = f"{checked.connection.url} answers (HTTP {challenge.status}), but not as a Dynamics environment does."
        return failed("url", message, "not_dynamics")
    return passed("url", f"{checked.connection.url} answers as a Dynamics environment does.")


def _token(checked: Checked, answers: Answers) -> CheckStep:
    connection = checked.connection
    tenant = answers.challenge.tenant_id if isinstance(answers.challenge, Challenge) else ""
    if tenant and tenant != connection.tenant_id:
        message = f"The environment belongs to tenant {tenant}, but the connection names tenant {connection.tenant_id}."
        return failed("token", message, "wrong_tenant")
    if answers.token is not None:
        return failure("token", answers.token)
    return passed("token", f"Entra accepts the application's {connection.credential}.")


def _application_user(answers: Answers) -> CheckStep:
    name = "application_user"
    match answers.identity:
        case None:
            return skipped(name, "There is no token to ask with.")
        case SyncError() as error:
            return failure(name, error)
        case Identity(user_id, _):
            return passed(name, f"Dynamics knows the application as user {user_id}.")


def _organization(connection: Connection, identity: Identity | SyncError | None) -> CheckStep:
    if not isinstance(identity, Identity):
        return skipped("organization", "Dynamics did not say which organisation it is.")
    pinned, answered = connection.organization_id, identity.organization_id
    if pinned not in (None, answered):
        message = f"Organisation {answered} answers; this connection was made for {pinned}. Nothing is written."
        return failed("organization", message, "organization_changed")
    return passed("organization", f"It is organisation {answered}.")


# --- The rest ---------------------------------------------------------------------------------------------------------


def _change_tracking(answers: Answers) -> CheckStep:
    tracked = answers.change_tracking
    if tracked is None or isinstance(tracked, SyncError):
        return not_asked("change_tracking", tracked, "The tables could not be asked for.")
    off = [table for table, on in tracked.items() if not on]
    if off:
        message = f"Change tracking is off for {', '.join(off)}: changes made there could not flow back."
        return note("change_tracking", message, "change_tracking_off")
    return passed("change_tracking", f"It is on for {', '.join(tracked)}.")


def _expiry(connection: Connection, answers: Answers, today: date) -> CheckStep:
    name, what, ends = "secret_expiry", connection.credential, connection.secret_expires_on
    if ends is None:
        return note(name, f"It is not known when the {what} expires, so nobody will be warned.", "expiry_unknown")
    left = (ends - today).days
    if left < 0 and answers.token is not None:
        return failed(name, f"The {what} expired on {ends}.", "expired")
    if left < 0:
        return note(name, f"The {what} should have expired on {ends}, but still works.", "expiry_wrong")
    if expiry_threshold(ends, today) is not None:
        return note(name, f"The {what} expires in {left} days, on {ends}.", "expires_soon")
    return passed(name, f"The {what} expires in {left} days, on {ends}.")
