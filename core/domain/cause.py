"""Why deliveries failed, so that those with one cause stand together; and what mends it, in a sentence."""

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict

from core.domain.capture import digest
from core.domain.delivery import ErrorClass, Outcome, Result

# What differs from person to person within one cause: quoted values, addresses, numbers.
_SAID = re.compile(r"“[^”]*”|‘[^’]*’|\"[^\"]*\"|(?<!\w)'.*?'(?!\w)|\S+@\S+")
_NUMBER = re.compile(r"\b\d[\d.,]*\b")
_KIND_MOST = 300

_BY_CODE = {
    "0x80040333": "Merge the two rows in Dynamics, or let the action match them (`match.by`), then replay.",
    "0x80060892": "Match by the column of the alternate key, or correct the row that has it, then replay.",
    "0x80040237": "Find the row in Dynamics that has this value already; correct or merge it, then replay.",
    "not_unique": "Find the row in Dynamics that has this value already; correct or merge it, then replay.",
    "0x80040265": "Ask the Dynamics administrator which plug-in or workflow refuses it; mend that, then replay.",
    "0x80040200": "Map the required column, or give its mapping row a `default`, then replay.",
    "0x80040217": "Check the lookups of the mapping: a row that they name was deleted. Then replay.",
    "0x80048306": "Give the application user's security role wider access to these rows, then replay.",
    "0x80048405": "Give the application user's security role wider access to these rows, then replay.",
    "0x80040231": "Give the owner a security role in Dynamics, or set another `owner` in the action, then replay.",
    "refused_message": "Mend the message on the queue `bulk-sync-poison`, or what it names; put it on `bulk-sync`.",
    "0x80040229": "Set another `owner` in the action, then replay.",
}


class Cause(BaseModel):
    """`kind` is the reason without what only one person said."""

    model_config = ConfigDict(frozen=True)

    error_class: str
    code: str
    column: str
    kind: str
    table: str = ""

    @property
    def id(self) -> str:
        return digest(self.error_class, self.code, self.column, self.kind, self.table)[:16]


def cause_of(result: Result) -> Cause | None:
    """None for what did not fail."""
    if result.outcome is not Outcome.FAILED:
        return None
    error_class = result.error_class or ErrorClass.INTERNAL
    kind = _kind(result.reason)
    return Cause(
        error_class=error_class.value,
        code=result.error_code,
        column=result.error_column,
        kind=kind,
        table=result.table,
    )


def _kind(reason: str) -> str:
    return _NUMBER.sub("#", _SAID.sub("…", reason))[:_KIND_MOST]


def fix(cause: Cause) -> str:
    """What to do, for an operator."""
    if known := _BY_CODE.get(cause.code):
        return known
    column = f" of {cause.column}" if cause.column else ""
    match _class(cause.error_class):
        case "data" if cause.column:
            return (
                f"Let the mapping row{column} take this (`choices`, `transform`, `default`), or set its `on_unknown` "
                "to `leave_out`; then replay with the current mapping."
            )
        case "data":
            return "Correct the rows in Dynamics or what was captured, then replay."
        case "configuration":
            return f"Correct the mapping{column} against the table as it is in Dynamics now, then replay."
        case "auth":
            return "Run the connection's check and mend what it names, then replay."
        case "throttled_out":
            return "Wait until Dynamics allows requests again, then replay."
        case _:
            return "The fault is the service's own: report it with a receipt, and replay after the next release."


def _class(text: str) -> Literal["data", "configuration", "auth", "throttled_out", "internal"]:
    return ErrorClass(text).value
