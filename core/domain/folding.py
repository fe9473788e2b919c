"""Deliveries of one person that are at hand together: decided one after the other, written at once.

Each is decided as if the one before it had been written already, about the row as it will stand and the person as it
will be known. So each has the result that it would have had alone, and Dynamics writes the row once. Whoever does not
fit stays out, with all that come after it, and takes a turn of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from core.domain.decision import decide, linked, reference_queries
from core.domain.delivery import Extra, Folded, Intent, Outcome, Result, RowWrite
from core.domain.note import note_look_ups
from core.domain.prospect import Prospect
from core.domain.references import Found, ReferenceQuery
from core.domain.row import Row, RowKey, read_name
from core.domain.settling import settled_without_search
from core.domain.subject import Subject, subject_of
from core.domain.table import Column, id_column
from core.domain.values import as_text
from core.errors import RejectedRowError

_WRITTEN = (Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED)
# Of these Dynamics fills none by itself in a new row, so what stands there is what was written.
_WITHOUT_DEFAULTS = ("String", "Memo")
_TEXT_MOST = 30_000  # characters of all that the person has said
_NOT_OURS = Column(name="not_mapped", type="Lookup")


@dataclass(frozen=True, slots=True)
class Heard:
    """One delivery with all that was read for it."""

    subject: Subject
    found: Found


@dataclass(frozen=True, slots=True)
class Pile:
    """What the first wants, with what the others add to it."""

    decision: Intent | Result  # what all of them write; an intent's result is the first one's
    person: Prospect  # having heard all of them
    folded: tuple[Folded, ...]  # the others, in their order
    keys: tuple[str, ...]  # of all of them


@dataclass(frozen=True, slots=True)
class _Standing:
    """The pile, and everything as it will stand when it has been carried out."""

    pile: Pile
    found: Found
    asked: frozenset[ReferenceQuery]

    @property
    def row(self) -> RowKey:
        decision = self.pile.decision
        result = decision.result if isinstance(decision, Intent) else decision
        return result.table, result.row_id


def fold(first: Heard, decision: Intent | Result, others: Iterable[Heard]) -> Pile:
    """The first with as many of the others as fit, in their order."""
    standing = _begun(first, decision)
    result = decision.result if isinstance(decision, Intent) else decision
    for other in others if result.outcome in _WRITTEN else ():
        grown = _grown(standing, other)
        if grown is None or _is_long(grown.pile):
            break
        standing = grown
    return _complete(standing.pile, first.subject, decision)


def _complete(pile: Pile, first: Subject, alone: Intent | Result) -> Pile:
    """With all that an intent says of those that end with it."""
    if not pile.folded or isinstance(pile.decision, Result):
        return pile
    own = alone.result if isinstance(alone, Intent) else alone
    update = {
        # What was done beside the row is known when it has been done.
        "prospect": pile.person.model_copy(update={"effects": linked(first, own).effects}),
        "keys": pile.keys,
        "folded": pile.folded,
        "alone": _alone(pile, first, alone),
    }
    return replace(pile, decision=pile.decision.model_copy(update=update))


def _alone(pile: Pile, first: Subject, decision: Intent | Result) -> Intent:
    """What the first wanted, under all the claims: they are given back together."""
    if isinstance(decision, Intent):
        return decision.model_copy(update={"keys": pile.keys})
    person = linked(first, decision)
    return Intent(result=decision, keys=pile.keys, prospect_key=first.prospect_key, prospect=person)


def _is_long(pile: Pile) -> bool:
    """An intent holds the person twice and has to fit into one entity."""
    return sum(len(as_text(said.value)) for said in pile.person.fields.values()) > _TEXT_MOST


def _begun(first: Heard, decision: Intent | Result) -> _Standing:
    subject, asked = first.subject, frozenset(reference_queries(first.subject))
    if isinstance(decision, Result):
        pile = Pile(decision, linked(subject, decision), (), subject.claim_keys)
        return _Standing(pile, first.found, asked)
    marks = (extra.mark for extra in decision.extras)
    person = decision.prospect.with_effects(marks, subject.delivery.said_at)
    return _Standing(Pile(decision, person, (), decision.keys), _after(first.found, decision), asked)


def _grown(standing: _Standing, other: Heard) -> _Standing | None:
    """The pile with this one too; None where it does not fit."""
    heard = other.subject
    subject = subject_of(
        heard.delivery, heard.action, heard.mappings, standing.pile.person, prospect_key=heard.prospect_key
    )
    found = Found({**other.found.rows, **standing.found.rows}, {**other.found.references, **standing.found.references})
    asked = standing.asked | set(reference_queries(heard))
    keys = {*standing.pile.keys, *heard.claim_keys}
    if settled_without_search(subject) or not _is_known(subject, found, asked, keys):
        return None
    try:
        decision = decide(subject, found, new_id="")
    except RejectedRowError:
        return None
    if not _fits(standing, subject, decision):
        return None
    return _Standing(_joined(standing.pile, subject, decision), _after(found, decision), frozenset(asked))


def _is_known(subject: Subject, found: Found, asked: Iterable[ReferenceQuery], keys: Iterable[str]) -> bool:
    """Whether all was read that has to be known, now that the person has said more than when it was read."""
    notes = {("annotation", row_id) for look_up in note_look_ups(subject) for row_id in look_up.ids}
    is_asked = set(reference_queries(subject)) <= set(asked)
    return is_asked and set(subject.claim_keys) <= set(keys) and notes <= found.rows.keys()


def _fits(standing: _Standing, subject: Subject, decision: Intent | Result) -> bool:
    """Whether it goes to the same row, and what it writes there can be written together with the rest."""
    result = decision.result if isinstance(decision, Intent) else decision
    if result.outcome not in (Outcome.UPDATED, Outcome.UNCHANGED) or (result.table, result.row_id) != standing.row:
        return False
    if isinstance(decision, Result):
        return True
    if decision.account is not None:
        return False
    before = standing.pile.decision.person if isinstance(standing.pile.decision, Intent) else None
    if before is None or not before.creates or decision.person is None:
        return True
    columns = subject.mappings[result.table].columns
    return all(name in before.values or _is_free(name, columns) for name in decision.person.values)


def _is_free(name: str, columns: Mapping[str, Column]) -> bool:
    column = columns.get(name, _NOT_OURS)
    return column.creatable and column.type in _WITHOUT_DEFAULTS


# --- Put together -----------------------------------------------------------------------------------------------------


def _joined(pile: Pile, subject: Subject, decision: Intent | Result) -> Pile:
    delivery = subject.delivery
    if isinstance(decision, Result):
        folded = Folded(delivery=delivery.id, result=decision, said_at=delivery.said_at)
        return _with(pile, folded, linked(subject, decision), subject.claim_keys, decision=pile.decision)
    marks = tuple(extra.mark for extra in decision.extras)
    folded = Folded(delivery=delivery.id, result=decision.result, said_at=delivery.said_at, marks=marks)
    person = decision.prospect.with_effects(marks, delivery.said_at)
    return _with(pile, folded, person, subject.claim_keys, decision=_both(pile.decision, decision))


def _with(pile: Pile, folded: Folded, person: Prospect, keys: tuple[str, ...], *, decision: Intent | Result) -> Pile:
    return Pile(decision, person, (*pile.folded, folded), tuple(dict.fromkeys((*pile.keys, *keys))))


def _both(first: Intent | Result, second: Intent) -> Intent:
    """What the first said, and what both write."""
    if isinstance(first, Result):
        return second.model_copy(update={"result": first})
    extras = {extra.mark: extra for extra in first.extras}
    for extra in second.extras:
        extras[extra.mark] = _one_extra(extras[extra.mark], extra) if extra.mark in extras else extra
    person = _one_write(first.person, second.person) if first.person and second.person else None
    update = {"person": person or first.person or second.person, "extras": tuple(extras.values())}
    return first.model_copy(update=update)


def _one_extra(first: Extra, second: Extra) -> Extra:
    if isinstance(first.write, RowWrite) and isinstance(second.write, RowWrite):
        return first.model_copy(update={"write": _one_write(first.write, second.write)})
    return first


def _one_write(first: RowWrite, second: RowWrite) -> RowWrite:
    """Under the first one's condition: the row is read once."""
    targets = {**first.without(second.values).targets, **second.targets}
    values, secured = first.values | second.values, tuple(dict.fromkeys((*first.secured, *second.secured)))
    return first.model_copy(update={"values": values, "targets": targets, "secured": secured})


def _after(found: Found, decision: Intent | Result) -> Found:
    """What will stand, as far as it is ours: everything else stays as it was read."""
    if isinstance(decision, Result):
        return found
    writes = [decision.person, *(extra.write for extra in decision.extras)]
    ours = [write for write in writes if isinstance(write, RowWrite) and write.table != "campaignresponse"]
    rows = {
        (write.table, write.row_id): _row_after(found.rows.get((write.table, write.row_id)), write) for write in ours
    }
    return replace(found, rows={**found.rows, **rows})


def _row_after(row: Row | None, write: RowWrite) -> Row:
    before = row or Row(write.table, write.row_id, "", {id_column(write.table): write.row_id, "statecode": 0})
    values = {read_name(name) if name in write.targets else name: value for name, value in write.values.items()}
    return replace(before, columns={**before.columns, **values})
