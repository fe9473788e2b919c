"""The steps of a check: each passed, failed, was skipped, or notes something worth knowing."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from core.domain.check_fixes import fix_for
from core.errors import RetryableError, SyncError


class CheckStep(BaseModel):
    """One thing that was looked at. `note` is worth knowing and stops nothing that is configured."""

    model_config = ConfigDict(frozen=True)

    name: str
    status: Literal["passed", "failed", "skipped", "note"]
    message: str
    fix: str = ""
    code: str = ""


def passed(name: str, message: str) -> CheckStep:
    return CheckStep(name=name, status="passed", message=message)


def skipped(name: str, message: str) -> CheckStep:
    return CheckStep(name=name, status="skipped", message=message)


def failed(name: str, message: str, code: str) -> CheckStep:
    return CheckStep(name=name, status="failed", message=message, fix=fix_for(code), code=code)


def note(name: str, message: str, code: str) -> CheckStep:
    return CheckStep(name=name, status="note", message=message, fix=fix_for(code), code=code)


def failure(name: str, error: SyncError) -> CheckStep:
    code = error.code or ("unavailable" if isinstance(error, RetryableError) else "refused")
    return failed(name, error.message, code)


def not_asked(name: str, error: SyncError | None, otherwise: str) -> CheckStep:
    """Something that is only asked later on, and went unanswered: not known, rather than wrong."""
    if error is None or isinstance(error, RetryableError):
        return skipped(name, error.message if error else otherwise)
    return failure(name, error)
