"""What a refusal of Dataverse means: status and Dataverse's own code together, looked up in a table. No I/O.

Status alone is not enough: a 404 can be a deleted row or a misspelt table, a duplicate can be a 412 or a 500.
https://learn.microsoft.com/power-apps/developer/data-platform/reference/web-service-error-codes
"""

import math
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from enum import Enum, auto

from core.dataverse.protocol import Response
from core.errors import (
    SECURED_COLUMN,
    MisconfiguredConnectionError,
    MissingPrivilegeError,
    RejectedRowError,
    RetryableError,
    SyncError,
    ThrottledError,
)

DEFAULT_RETRY_AFTER = 30.0
_RETRY_AFTER_MOST = 3600.0
_WORDS_MOST = 1_000

# A row of this id is there already, or has another ETag by now.
_UNMET_CONDITIONS = {(412, "0x80040237"), (412, "0x80060882"), (412, "")}
_GONE = {(404, "0x80040217"), (404, "")}


class _Kind(Enum):
    ROW = auto()  # the row's own data
    MAPPING = auto()  # the row as our mapping makes it
    CONNECTION = auto()
    PRIVILEGE = auto()
    RETRY = auto()


_KNOWN: dict[str, tuple[_Kind, str]] = {
    "0x80040333": (_Kind.ROW, "A duplicate detection rule in Dynamics refuses the row: a similar one exists."),
    "0x80060892": (_Kind.ROW, "Another row in Dynamics has the same alternate key."),
    "0x80040237": (_Kind.ROW, "Another row in Dynamics has the same unique value."),
    "0x80040217": (_Kind.ROW, "A row that this one refers to is not in Dynamics."),
    "0x80040265": (_Kind.ROW, "A plug-in or workflow in Dynamics refused the row."),
    "0x80040278": (_Kind.ROW, "A text holds characters that Dynamics does not accept."),
    "0x80040203": (_Kind.ROW, "Dynamics does not accept a value of the row."),
    "0x80040200": (_Kind.ROW, "A column that Dynamics requires has no value."),
    "0x80040231": (_Kind.ROW, "The row's owner lacks a privilege in Dynamics."),
    "0x80040229": (_Kind.ROW, "The row's owner is neither a user nor a team in Dynamics."),
    "0x80048408": (_Kind.ROW, "State and status of the row do not go together."),
    "0x80044331": (_Kind.MAPPING, "A text is longer than its column in Dynamics takes."),
    "0x8004431a": (_Kind.MAPPING, "A choice column in Dynamics does not have this option."),
    "0x8004432f": (_Kind.MAPPING, "A whole number is outside what its column in Dynamics takes."),
    "0x80044330": (_Kind.MAPPING, "A number is outside what its column in Dynamics takes."),
    "0x80048d19": (_Kind.MAPPING, "A column of the mapping is not in Dynamics, or takes another type of value."),
    "0x80040301": (_Kind.ROW, "The marketing list does not take this row."),
    "0x80060888": (_Kind.MAPPING, "A column or table that the mapping names is not in Dynamics."),
    "0x80048306": (_Kind.ROW, "The application user may not touch this row: give its security role wider access."),
    "0x80048405": (_Kind.ROW, "The application user may not touch this row: give its security role wider access."),
    "0x8006088d": (_Kind.CONNECTION, "The table does not allow guarded updates: turn on optimistic concurrency."),
    "0x80040220": (_Kind.PRIVILEGE, "The application user lacks a privilege: extend its security role."),
    "0x80042f09": (_Kind.CONNECTION, "The application user has no security role: give it one."),
    "0x80072560": (_Kind.CONNECTION, "The application is not an application user of this environment: add it there."),
    "0x80040225": (_Kind.CONNECTION, "The application user is disabled: enable it in the Power Platform admin center."),
    "0x80044151": (_Kind.RETRY, "Dynamics' database timed out."),
    "0x80044150": (_Kind.RETRY, "Dynamics' database had a fault."),
}
_BY_STATUS: dict[int, tuple[_Kind, str]] = {
    401: (_Kind.CONNECTION, "Dynamics does not accept the application's token: is it an application user there?"),
    403: (_Kind.CONNECTION, "Dynamics denies the application user access: check its security role."),
    408: (_Kind.RETRY, "Dynamics took too long."),
    413: (_Kind.ROW, "The row is too large for Dynamics."),
    501: (_Kind.ROW, "Dynamics does not offer what was asked of it."),
}
# On a write of a row, which follows on look-ups that the application user was allowed, it is about that row.
_OF_A_ROW: Mapping[str, tuple[_Kind, str]] = {
    "0x80040225": (_Kind.ROW, "The row's owner is disabled in Dynamics."),
    **dict.fromkeys(
        SECURED_COLUMN,
        (_Kind.ROW, "A column is secured, and the application user has no column security profile to write it."),
    ),
}
_COLUMN = re.compile(r"'([a-z][a-z0-9_]*)' (?:attribute|on record)|property '([a-z][a-z0-9_]*)'|named '([a-z0-9_]+)'")


def error_code(response: Response) -> str:
    """Dataverse's own code; "" where the answer holds none, as older versions and proxies do."""
    error = response.json.get("error") if isinstance(response.json, dict) else None
    return str(error.get("code") or "").lower() if isinstance(error, dict) else ""


def is_unmet_condition(response: Response, *, may_be_gone: bool) -> bool:
    """Whether a conditional write was refused for its condition, and for nothing else. A 404 means that only where
    nothing but the row itself `may_be_gone`: rows that it refers to are answered in the same way.
    """
    answered = response.status, error_code(response)
    return answered in _UNMET_CONDITIONS or (may_be_gone and answered in _GONE)


def failure_of(response: Response, *, of_row: bool = False) -> SyncError:
    """What a refused request means for what happens next, with Dynamics' own words; `of_row`: it was to write one."""
    failure = _failure_of(response, of_row=of_row)
    failure.words = " ".join(_words(response).split())[:_WORDS_MOST]
    return failure


def _failure_of(response: Response, *, of_row: bool) -> SyncError:
    code, request_id = error_code(response), response.headers.get("x-ms-service-request-id", "")
    if response.status == 429:  # noqa: PLR2004
        message = "Dynamics' service protection limit is reached; work goes on when it allows."
        return ThrottledError(message, retry_after=retry_after(response), code=code, request_id=request_id)
    about_row = _about_row(response.status, code) if of_row else None
    kind, message = about_row or _KNOWN.get(code) or _BY_STATUS.get(response.status) or _by_family(response.status)
    detail = f"HTTP {response.status}"
    match kind:
        case _Kind.CONNECTION:
            return MisconfiguredConnectionError(message, code=code, detail=detail, request_id=request_id)
        case _Kind.PRIVILEGE:
            return MissingPrivilegeError(message, code=code, detail=detail, request_id=request_id)
        case _Kind.RETRY if "retry-after" in response.headers:
            wait = retry_after(response)
            return ThrottledError(message, retry_after=wait, code=code, detail=detail, request_id=request_id)
        case _Kind.RETRY:
            return RetryableError(message, code=code, detail=detail, request_id=request_id)
        case _:
            return RejectedRowError(
                message,
                column=_column(response),
                about_mapping=kind is _Kind.MAPPING,
                code=code or str(response.status),
                detail=detail,
                request_id=request_id,
            )


def _about_row(status: int, code: str) -> tuple[_Kind, str] | None:
    """What the refusal of a write is about, where it is about the row alone. Something between that denies everything
    has no code of Dataverse's.
    """
    if code in _OF_A_ROW:
        return _OF_A_ROW[code]
    is_denied = status == 403 and code and code not in _KNOWN  # noqa: PLR2004
    return (_Kind.ROW, "Dynamics denies the application user this write.") if is_denied else None


def _by_family(status: int) -> tuple[_Kind, str]:
    """An unknown code on a single row counts as rejected, the code kept."""
    if 300 <= status < 400:  # noqa: PLR2004
        return _Kind.CONNECTION, "The address answers with a redirect, which is not followed: is it a Dynamics URL?"
    if status >= 500:  # noqa: PLR2004
        return _Kind.RETRY, "Dynamics is not available at the moment."
    return _Kind.ROW, "Dynamics refuses the row."


def _words(response: Response) -> str:
    error = response.json.get("error") if isinstance(response.json, dict) else None
    return str(error.get("message") or "") if isinstance(error, dict) else ""


def _column(response: Response) -> str:
    """The column that Dynamics' words name."""
    found = _COLUMN.search(_words(response))
    return next(filter(None, found.groups()), "") if found else ""


def retry_after(response: Response) -> float:
    """Seconds to wait, from a number or a date; a default where neither can be read."""
    text = response.headers.get("retry-after", "")
    try:
        seconds = float(text)
    except ValueError:
        seconds = _until(text, response.headers.get("date", ""))
    return DEFAULT_RETRY_AFTER if math.isnan(seconds) else min(max(seconds, 1.0), _RETRY_AFTER_MOST)


def _until(date: str, now: str) -> float:
    try:
        return (parsedate_to_datetime(date) - parsedate_to_datetime(now)).total_seconds()
    except (ValueError, TypeError):
        return DEFAULT_RETRY_AFTER
