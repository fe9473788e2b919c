"""Why deliveries failed, so that those with one cause stand together; and what mends it, in a sentence."""

import re
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from core.domain.capture import digest
from core.domain.delivery import ErrorClass, Outcome, Result
from core.domain.masking import Masking

# What differs from person to person within one cause: what we quote, what is masked, addresses, ids, numbers.
_SAID = re.compile(r"\"[^\"]*\"")
_MASKED = re.compile(r"[\"'“‘]?(?:\*{3}\w*|[^\s@]+@\S+)[\"'”’]?")
_ID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
_NUMBER = re.compile(r"\b\d[\d.,]*\b")
_KIND_MOST = 300

_BY_CODE: Mapping[str, str] = {
    "too_long": (
        "Set `too_long` of {column} to `truncate` in its mapping row (an address or a phone number is then "
        "left out, never cut), or make the column longer in Dynamics; then replay."
    ),
    "unknown_option": (
        "Say in `choices` of the mapping row of {column} what the form's words mean, or set its `on_unknown` "
        "to `leave_out`; then replay."
    ),
    "unfit_number": (
        "Let the mapping row of {column} read the number (`transform`: `decimal_comma`, `digits`, …), or set "
        "its `on_unknown` to `leave_out`; then replay."
    ),
    "unfit_date": (
        "Let the mapping row of {column} read the date (`transform`: `day_first` or `month_first`), or set "
        "its `on_unknown` to `leave_out`; then replay."
    ),
    "unfit_email": (
        "Map {column} from a field that holds an e-mail address and nothing else, or set its `on_unknown` to "
        "`leave_out`; then replay."
    ),
    "unfit_id": (
        "Map {column} from a field that holds an id of Dynamics, or set its `on_unknown` to `leave_out`; then replay."
    ),
    "no_such_row": (
        "Make the row that {column} is to lead to in Dynamics, translate its name in `choices`, or set "
        "`lookup.on_missing` to `leave_out`; then replay."
    ),
    "several_rows": (
        "Let `lookup.by` of {column} name a column that tells the rows apart, merge them in Dynamics, or set "
        "`lookup.on_many` to `first` or `leave_out`; then replay."
    ),
    "not_mapped": "Save a mapping for the table that the reason names, then replay.",
    "0x80040333": "Merge the two rows in Dynamics, or let the action match them (`match.by`), then replay.",
    "0x80060892": "Match by the column of the alternate key, or correct the row that has it, then replay.",
    "0x80040237": "Find the row in Dynamics that has this value already; correct or merge it, then replay.",
    "not_unique": "Find the row in Dynamics that has this value already; correct or merge it, then replay.",
    "0x80040265": "Ask the Dynamics administrator which plug-in or workflow says this; mend that, then replay.",
    "0x80040200": "Map the required column, or give its mapping row a `default`, then replay.",
    "0x80040217": "Check the lookups of the mapping: a row that they name was deleted. Then replay.",
    "0x80048306": "Give the application user's security role wider access to these rows, then replay.",
    "0x80048405": "Give the application user's security role wider access to these rows, then replay.",
    "0x80040231": "Give the owner a security role in Dynamics, or set another `owner` in the action, then replay.",
    "refused_message": "Mend the message on the queue `bulk-sync-poison`, or what it names; put it on `bulk-sync`.",
    "0x80040229": "Set another `owner` in the action, then replay.",
}
_DYNAMICS_SAYS = "Dynamics says:"
_OURS = "The fault is the service's own: report it with a receipt, and replay after the next release."
_AS_DYNAMICS_SAYS = "Mend what Dynamics names, in {table} there or in what was captured, then replay."
_BY_CLASS: Mapping[str, str] = {
    ErrorClass.DATA: "Correct the rows in Dynamics or what was captured, about {column}, then replay.",
    ErrorClass.CONFIGURATION: "Correct the mapping of {column} against {table} as it is in Dynamics now, then replay.",
    ErrorClass.AUTH: "Run the connection's check and mend what it names, then replay.",
    ErrorClass.THROTTLED_OUT: "Wait until Dynamics allows requests again, then replay.",
}


class Cause(BaseModel):
    """`kind` is the reason, with Dynamics' own words, without what only one person said."""

    model_config = ConfigDict(frozen=True)

    error_class: str
    code: str
    column: str
    kind: str
    table: str = ""

    @property
    def id(self) -> str:
        return digest(self.error_class, self.code, self.column, self.kind, self.table)[:16]


def cause_of(result: Result, masking: Masking) -> Cause | None:
    """None for what did not fail. `masking` is of its capture: what is masked tells no causes apart."""
    if result.outcome is not Outcome.FAILED:
        return None
    return Cause(
        error_class=(result.error_class or ErrorClass.INTERNAL).value,
        code=result.error_code,
        column=result.error_column,
        kind=_kind(result, masking),
        table=result.table,
    )


def _kind(result: Result, masking: Masking) -> str:
    sentence = _SAID.sub("…", masking.sentence(result.reason))
    words = masking.words(result.words)
    told = f"{sentence} {_DYNAMICS_SAYS} {words}" if words else sentence
    return _NUMBER.sub("#", _ID.sub("#", _MASKED.sub("…", told)))[:_KIND_MOST]


def fix(cause: Cause) -> str:
    """What to do, for an operator."""
    return _fix(cause).format(column=cause.column or "a column", table=cause.table or "the table")


def _fix(cause: Cause) -> str:
    if known := _BY_CODE.get(cause.code):
        return known
    if cause.error_class == ErrorClass.DATA and _DYNAMICS_SAYS in cause.kind:
        return _AS_DYNAMICS_SAYS
    return _BY_CLASS.get(cause.error_class, _OURS)
