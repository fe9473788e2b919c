"""Carries an intent out in Dynamics: everything in one request, or, where that is refused, the person first.

Every part is conditional and its id was chosen in the intent, so any number of workers may do this at once, and again.
A change set fails as a whole, so a refused note must not cost the person: then the parts go one by one, and what
Dynamics still refuses is left out with a warning.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from core.domain.conversion import is_same
from core.domain.delivery import Extra, Intent, Membership, RowWrite
from core.domain.matching import LookUp
from core.domain.ownership import OWNER_COLUMN
from core.domain.row import Row, read_name
from core.domain.table import Column, id_column
from core.errors import MissingPrivilegeError, RejectedRowError, SyncError
from core.sync.ports import Crm

_REFUSALS = (RejectedRowError, MissingPrivilegeError)
# The new owner lacks a privilege, is no user or team, or is disabled.
_ABOUT_OWNERS = {"0x80040231", "0x80040229", "0x80040225"}
_WHAT = {"annotation": "The note", "campaignresponse": "The campaign response"}
# Equality of a moment includes that of every other content.
_ANY_CONTENT = Column(name="any", type="DateTime")


@dataclass(frozen=True, slots=True)
class Done:
    """What of an intent stands in Dynamics now, beside the person's row."""

    marks: tuple[str, ...]
    warnings: tuple[str, ...] = ()


async def carry_out(crm: Crm, intent: Intent) -> Done | None:
    """None: the row changed before ours could be written, and with the intent's ETag it never will be.

    Raises RejectedRowError when Dynamics refuses the person's own row, and whatever else Dynamics raises.
    """
    rows = [write for write in (intent.account, intent.person) if write]
    everything: list[RowWrite | Membership] = [*rows, *(extra.write for extra in intent.extras)]
    if len(everything) > 1 and await _written_or_refused(crm, everything):
        return Done(tuple(extra.mark for extra in intent.extras))
    warnings = await _person(crm, intent)
    return None if warnings is None else await _extras(crm, intent.extras, warnings)


async def _written_or_refused(crm: Crm, writes: list[RowWrite | Membership]) -> bool:
    try:
        return await crm.write(writes)
    except _REFUSALS:
        return False


async def _person(crm: Crm, intent: Intent) -> tuple[str, ...] | None:
    """Writes the row with its account. Warnings; None when the row has changed and ours is not in it."""
    person = intent.person
    if person is None:
        return ()
    written, warnings = await _as_much_as_is_taken(crm, person, intent.account)
    if written or await _has_landed(crm, intent, person):
        return warnings
    if person.creates:
        raise RejectedRowError("Another row in Dynamics has the same unique value.", code="not_unique")
    return None


async def _as_much_as_is_taken(crm: Crm, person: RowWrite, account: RowWrite | None) -> tuple[bool, tuple[str, ...]]:
    """A company or an owner that Dynamics does not take must not cost the person."""
    warnings: tuple[str, ...] = ()
    while person.values or person.creates:
        needed = account if account and account.row_id in person.values.values() else None
        try:
            return await crm.write([write for write in (needed, person) if write]), warnings
        except _REFUSALS as refused:
            left_out = _refused_lookups(person, refused)
            names = ", ".join(sorted(left_out))
            warnings += (f"Dynamics refused {names}, so the row was written without: {refused.message}",)
            person = person.without(left_out)
    return True, warnings


def _refused_lookups(person: RowWrite, refused: SyncError) -> set[str]:
    """The lookups to leave out: the owner, where it is the owner; else all. Raises where there are none."""
    lookups = set(person.targets)
    if not lookups:
        raise refused
    return (lookups & {OWNER_COLUMN} if refused.code in _ABOUT_OWNERS else set()) or lookups


async def _extras(crm: Crm, extras: Iterable[Extra], warnings: tuple[str, ...]) -> Done:
    """One by one. Where a condition does not hold, it was done before."""
    marks: list[str] = []
    told = list(warnings)
    for extra in extras:
        try:
            await crm.write([extra.write])
        except _REFUSALS as refused:
            told.append(f"{_name_of(extra.write)} was left out: {refused.message}")
        else:
            marks.append(extra.mark)
    return Done(tuple(marks), tuple(told))


def _name_of(write: RowWrite | Membership) -> str:
    return "The marketing list" if isinstance(write, Membership) else _WHAT[write.table]


async def _has_landed(crm: Crm, intent: Intent, person: RowWrite) -> bool:
    """Whether our write stands in the row; of a new row, whether it is there. What was written with it in one piece is
    evidence too, and better: others may have changed the very columns since.
    """
    writes = [person, *(extra.write for extra in intent.extras if isinstance(extra.write, RowWrite))]
    look_ups = [LookUp(write.table, ids=(write.row_id,)) for write in writes]
    columns = {write.table: (id_column(write.table), *_to_compare(write)) for write in writes}
    found = await crm.find(look_ups, columns)
    rows = [found.rows.get((write.table, write.row_id)) for write in writes]
    return any(row is not None and _holds(row, write) for row, write in zip(rows, writes, strict=True))


def _to_compare(write: RowWrite) -> list[str]:
    return [read_name(name) if name in write.targets else name for name in _telling(write)]


def _holds(row: Row, write: RowWrite) -> bool:
    return all(is_same(_ANY_CONTENT, row.content(name), value) for name, value in _telling(write).items())


def _telling(write: RowWrite) -> dict[str, Any]:
    """The values that tell whether the write has landed: its plain ones, for lookups may have been refused and left
    out. That a row we create is there is enough; but a note of this submission may be one of an earlier edit.
    """
    if write.table == "annotation":
        return {"notetext": write.values["notetext"]}
    return {} if write.creates else (write.without(write.targets).values or write.values)
