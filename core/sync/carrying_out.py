"""Carries an intent out in Dynamics: everything in one request, or, where that is refused, the person first.

Every part is conditional and its id was chosen in the intent, so any number of workers may do this at once, and again.
A change set fails as a whole, so a refused note must not cost the person: then the parts go one by one, and what
Dynamics still refuses is left out with a warning. Before anything is sent again after a condition did not hold, it is
looked whether the first has landed, and whether the intent is still open (tests/protocol).
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, TypeGuard

from core.domain.conversion import is_same
from core.domain.delivery import Extra, Intent, Membership, RowWrite
from core.domain.matching import LookUp
from core.domain.ownership import OWNER_COLUMN
from core.domain.references import Found
from core.domain.row import read_name
from core.domain.table import Column, id_column
from core.errors import SECURED_COLUMN, MissingPrivilegeError, RejectedRowError, RetryableError, SyncError
from core.sync.ports import Crm

_REFUSALS = (RejectedRowError, MissingPrivilegeError)
# The new owner lacks a privilege, is no user or team, or is disabled.
_ABOUT_OWNERS = {"0x80040231", "0x80040229", "0x80040225"}
# A privilege for one of them is lacking, or one of them is gone: Dynamics does not say which.
_ABOUT_ONE_LOOKUP = {"0x80040220", "0x80040217"}
_WHAT = {"annotation": "The note", "campaignresponse": "The campaign response"}
# Equality of a moment includes that of every other content.
_ANY_CONTENT = Column(name="any", type="DateTime")


@dataclass(frozen=True, slots=True)
class Done:
    """What of an intent stands in Dynamics now, beside the person's row."""

    marks: tuple[str, ...]
    warnings: tuple[str, ...] = ()


class _Standing(Enum):
    LANDED = auto()
    OPEN = auto()  # not written, and it still can be
    DEAD = auto()  # the row changed first: with the intent's ETag it never will be written


async def carry_out(
    crm: Crm, intent: Intent, is_open: Callable[[], Awaitable[bool]], *, can_be_refitted: bool = False
) -> Done | None:
    """None: it has to be decided anew, or somebody else has finished it. `is_open` asks whether nobody has.

    Raises RejectedRowError when Dynamics refuses the person's own row, or, while the intent `can_be_refitted`, when a
    table has changed; and whatever else Dynamics raises.
    """
    everything = _everything(intent)
    try:
        if not everything or await crm.write(everything):
            return Done(tuple(extra.mark for extra in intent.extras))
    except _REFUSALS as refused:
        return await _one_by_one(crm, intent, None if intent.extras else refused, can_be_refitted=can_be_refitted)
    match await _standing(crm, intent):
        case _Standing.LANDED:
            return await _extras(crm, intent.extras)
        case _Standing.OPEN if await is_open():
            return await _one_by_one(crm, intent, can_be_refitted=can_be_refitted)
        case _:
            return None


async def has_landed(crm: Crm, intent: Intent) -> bool:
    """Whether the row to be made is there, although Dynamics refuses to make it now."""
    person = intent.person
    if person is None or not person.creates:
        return False
    found = await crm.find([LookUp(person.table, ids=(person.row_id,))], {person.table: (id_column(person.table),)})
    return found.rows.get((person.table, person.row_id)) is not None


def _everything(intent: Intent) -> list[RowWrite | Membership]:
    """An update may have lost all its values to a table that changed."""
    person = intent.person if intent.person and (intent.person.values or intent.person.creates) else None
    rows = [write for write in (intent.account, person) if write]
    return [*rows, *(extra.write for extra in intent.extras)]


async def _one_by_one(
    crm: Crm, intent: Intent, refused: SyncError | None = None, *, can_be_refitted: bool
) -> Done | None:
    """`refused` is what Dynamics said to the person and the account already."""
    if intent.person is None:
        return await _extras(crm, intent.extras)
    written, warnings = await _as_much_as_is_taken(crm, intent, intent.person, refused, can_be_refitted=can_be_refitted)
    standing = _Standing.LANDED if written else await _standing(crm, intent)
    if standing is _Standing.LANDED:
        return await _extras(crm, intent.extras, warnings)
    if standing is _Standing.DEAD:
        return None
    if intent.person.creates:
        raise RejectedRowError("Another row in Dynamics has the same unique value.", code="not_unique")
    raise RetryableError("Dynamics says that the row has changed, but it has not.")


async def _as_much_as_is_taken(
    crm: Crm, intent: Intent, person: RowWrite, refused: SyncError | None, *, can_be_refitted: bool
) -> tuple[bool, tuple[str, ...]]:
    """A company or an owner that Dynamics does not take must not cost the person, and as little else as can be. Where
    a table has changed, the columns that it still has come first.
    """
    account = intent.account
    if refused is None:
        try:
            return await _with_account(crm, person, account), ()
        except _REFUSALS as first:
            refused = first
    why = refused
    if can_be_refitted and isinstance(why, RejectedRowError) and why.about_mapping:
        raise why
    for way_out, told in _ways_out(person, why):
        try:
            written = await _with_account(crm, way_out, account)
        except _REFUSALS as again:
            refused = again
        else:
            return written, (f"{told}: {why.message}",)
    raise refused


async def _with_account(crm: Crm, person: RowWrite, account: RowWrite | None) -> bool:
    """An account is made only where the row still leads to it."""
    if not person.values and not person.creates:
        return True
    needed = account if account and account.row_id in person.values.values() else None
    return await crm.write([write for write in (needed, person) if write])


def _ways_out(person: RowWrite, refused: SyncError) -> Iterator[tuple[RowWrite, str]]:
    """What to write instead, and what is said of it."""
    if refused.code in _ABOUT_OWNERS and (fallback := person.with_instead(OWNER_COLUMN)):
        yield fallback, "Dynamics refused the owner, so the fallback owns the row"
    for left_out in _to_leave_out(person, refused):
        names = ", ".join(sorted(left_out))
        yield person.without(left_out), f"Dynamics refused {names}, so the row was written without"


def _to_leave_out(person: RowWrite, refused: SyncError) -> Iterator[frozenset[str]]:
    """Which columns to try without: those that are secured, where it is about them; of the lookups the owner, where it
    is the owner; each alone, where it is one of them; then all.
    """
    if refused.code in SECURED_COLUMN and person.secured:
        yield frozenset(person.secured)
    lookups = frozenset(person.targets)
    single = [name for name in sorted(lookups, key=lambda name: name != OWNER_COLUMN) if len(lookups) > 1]
    if refused.code in _ABOUT_OWNERS:
        yield from (frozenset({name}) for name in single if name == OWNER_COLUMN)
    if refused.code in _ABOUT_ONE_LOOKUP:
        yield from (frozenset({name}) for name in single)
    if lookups:
        yield lookups


async def _extras(crm: Crm, extras: Iterable[Extra], warnings: tuple[str, ...] = ()) -> Done:
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


# --- What stands in Dynamics ------------------------------------------------------------------------------------------


async def _standing(crm: Crm, intent: Intent) -> _Standing:
    """Whether the person's row has been written. What was written with it in one piece is evidence too, and better:
    others may have changed the very columns since.
    """
    person = intent.person
    if person is None:
        return _Standing.OPEN
    evidence = [person, *(write for write in _everything(intent) if _is_this_intents(write))]
    look_ups = [LookUp(write.table, ids=(write.row_id,)) for write in evidence]
    found = await crm.find(look_ups, {write.table: _to_read(write) for write in evidence})
    row = found.rows.get((person.table, person.row_id))
    if person.creates:
        return _Standing.OPEN if row is None else _Standing.LANDED
    if row is not None and row.etag == person.etag:
        return _Standing.OPEN
    return _Standing.LANDED if any(_stands(write, found) for write in evidence) else _Standing.DEAD


def _is_this_intents(write: RowWrite | Membership) -> TypeGuard[RowWrite]:
    """A response has the same id for all deliveries of the person, so that it is there says nothing of this one."""
    return isinstance(write, RowWrite) and write.table in ("account", "annotation")


def _to_read(write: RowWrite) -> tuple[str, ...]:
    names = (read_name(name) if name in write.targets else name for name in _telling(write))
    return (id_column(write.table), *names)


def _stands(write: RowWrite, found: Found) -> bool:
    row = found.rows.get((write.table, write.row_id))
    return row is not None and all(is_same(_ANY_CONTENT, row.content(name), to) for name, to in _telling(write).items())


def _telling(write: RowWrite) -> dict[str, Any]:
    """The values that tell whether the write has landed: its plain ones, for lookups may have been refused and left
    out. That a row we create is there is enough; but a note of this submission may be one of an earlier edit.
    """
    if write.table == "annotation":
        return {name: write.values[name] for name in ("notetext", "objectid") if name in write.values}
    return {} if write.creates else (write.without(write.targets).values or write.values)
