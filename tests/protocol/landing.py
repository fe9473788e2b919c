"""The protocol from the claim on: write what the intent says, see whether it landed, finish.

Every write is conditional, so that it happens once however many workers send it, and never after the finish.
"""

from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

from tests.protocol.captures import Prospect
from tests.protocol.dynamics import AddJoin, Find, Found, Part, Search, Write
from tests.protocol.intent import Claim, Intent, Outcome, State, delivery_key, row_claim
from tests.protocol.program import Ending, Next, Steps
from tests.protocol.rows import holds, table_of
from tests.protocol.safeguards import Safeguard, Without
from tests.protocol.storage import Change, Read, Transact
from tests.protocol.world import ANY

REFUSALS = ("refused", "no such column")
LeftOut = tuple[str, ...]  # kinds of extras that Dynamics refused


class Fate(Enum):
    """What became of the person's write."""

    LANDED = auto()
    NEVER = auto()  # it has not landed and never can
    OPEN = auto()  # it has not landed, but nothing of its own stands in its way
    REFUSED = auto()  # Dynamics says that it never will
    FINISHED = auto()  # somebody else has finished the intent


class CarryOut(NamedTuple):
    intent: Intent
    etag: int  # of the delivery that keeps the intent
    state: State

    def steps(self, without: Without) -> Steps[Next]:
        fate, left_out = yield from self._written(without)
        if fate is Fate.NEVER:
            yield from self._drop("decide anew", self.state)
        elif fate is Fate.REFUSED and Safeguard.SAME_INTENT in without:
            yield from self._drop("drop what was refused", self.state)
        elif fate not in (Fate.OPEN, Fate.FINISHED):
            yield self._finish(fate, left_out, without)
        return Ending.AGAIN

    def steps_after_create(self, without: Without) -> Steps[None]:
        """The row has been created together with others: the extras, and the finish."""
        left_out = yield from _singly(self.intent.extras(without))
        yield self._finish(Fate.LANDED, left_out, without)

    def _written(self, without: Without) -> Steps[tuple[Fate, LeftOut]]:
        """All in one change set; when it is refused, the person first and each extra singly."""
        intent, answer = yield from _at_once(self.intent, without)
        if answer == "done":
            return Fate.LANDED, ()
        is_refused = answer in REFUSALS
        if is_refused and Safeguard.FALLBACK in without:
            return Fate.REFUSED, ()
        if is_refused and Safeguard.FALLBACK_ORDER in without:
            yield from _singly(intent.extras(without))
        fate = Fate.OPEN if is_refused else (yield from self._looked_up(without))
        left_out: LeftOut = ()
        if fate is Fate.OPEN:
            has_person = bool(intent.person(without))
            fate, left_out = (yield from _alone(intent, answer, without)) if has_person else (Fate.LANDED, ())
        if fate is Fate.LANDED:
            left_out += yield from _singly(intent.extras(without))
        return fate, left_out

    def _looked_up(self, without: Without) -> Steps[Fate]:
        """What the row says; and whether the intent is still to be carried out, if something is to be sent again."""
        has_person = bool(self.intent.person(without))
        fate = (yield from _fate(self.intent, without)) if has_person else Fate.OPEN
        if fate is Fate.OPEN and Safeguard.OPEN_STILL not in without:
            [(etag, _)] = yield Read((delivery_key(self.intent.leader),))
            return fate if etag == self.etag else Fate.FINISHED
        return fate

    def _finish(self, fate: Fate, left_out: LeftOut, without: Without) -> Transact:
        """The condition on the delivery's own ETag guards all the rest."""
        etag = ANY if Safeguard.FINISH_ETAG in without else self.etag
        failed = fate is Fate.REFUSED
        ends = _ends(self.intent, left_out, failed=failed)
        own = [
            Change(delivery_key(i), State(outcome=said), ANY if number else etag)
            for number, (i, said) in enumerate(ends)
        ]
        people = [
            Change(key, _joined(self.intent, one, left_out, failed=failed), ANY) for key, one in self.intent.people
        ]
        return Transact("finish", (*own, *people, *_released(self.intent)))

    def _drop(self, why: str, state: State) -> Steps[None]:
        """Back to `received`: everything claimed is free again, and nothing of the intent will ever land."""
        names = tuple(key for key, _ in self.intent.people)
        entities = yield Read(names)
        own = [Change(delivery_key(self.intent.leader), state._replace(intent=None), self.etag)]
        own += [Change(delivery_key(i), State(), ANY) for i, _ in self.intent.outcomes[1:]]
        known = ((fields or Prospect())._replace(claimed_by="") for _, fields in entities)
        people = (Change(key, person, ANY) for key, person in zip(names, known, strict=True))
        yield Transact(why, (*own, *people, *_released(self.intent)))


def _ends(intent: Intent, left_out: LeftOut, *, failed: bool) -> Iterator[tuple[str, Outcome]]:
    """Each delivery's outcome, with the extras that it asked for and Dynamics refused."""
    for (delivery_id, said), asked in zip(intent.outcomes, intent.asked, strict=True):
        missed = tuple(kind for kind in asked if kind in left_out)
        yield delivery_id, Outcome("failed") if failed else said._replace(left_out=missed)


def _released(intent: Intent) -> list[Change]:
    free = [Change(key, Claim(), ANY) for key in intent.keys]
    return free + ([Change(row_claim(intent.row_id), None, ANY)] if intent.changes else [])


def _joined(intent: Intent, person: Prospect, left_out: LeftOut, *, failed: bool) -> Prospect:
    """The person without what was refused: a link to a row that was never made, campaigns that it did not join."""
    refused = {(join.name, join.row) for join in intent.joins if failed or join.kind in left_out}
    links = tuple(
        (table, row) for table, row in person.links if not (failed and intent.create and row == intent.row_id)
    )
    return person._replace(links=links, joined=tuple(each for each in person.joined if each not in refused))


# --- The write ------------------------------------------------------------------------------------------------------


def _at_once(intent: Intent, without: Without) -> Steps[tuple[Intent, str]]:
    """Everything in one change set; once more without the columns that are no more. The rest stays as intended."""
    answer = yield Write((*intent.person(without), *intent.extras(without)))
    if answer != "no such column" or Safeguard.SAME_INTENT in without:
        return intent, answer
    metadata: Found = yield Find(())
    intent = intent.without_columns(metadata[2])
    parts = (*intent.person(without), *intent.extras(without))
    return intent, ((yield Write(parts)) if parts else "done")


def _alone(intent: Intent, answer: str, without: Without) -> Steps[tuple[Fate, LeftOut]]:
    """The person with a new account, then without it. `answer` was to all parts at once."""
    left_out: LeftOut = ()
    if answer not in REFUSALS or intent.extras(without):
        answer = yield Write(intent.person(without))
    if answer in REFUSALS and intent.accounts:
        left_out = ("account",)
        answer = yield Write(intent.without_accounts().person(without))
    if answer == "done":
        return Fate.LANDED, left_out
    fate = yield from _fate(intent, without)
    return (Fate.REFUSED if answer in REFUSALS and fate is not Fate.LANDED else fate), left_out


def _fate(intent: Intent, without: Without) -> Steps[Fate]:
    """Reads the row: all our values are there, or the note that came with them is."""
    ids = (intent.row_id, *(account_id for account_id, _ in intent.accounts))
    searches = tuple(Search(table_of(row_id), (row_id,)) for row_id in ids)
    found: Found = yield Find(searches, tuple(note_id for note_id, _ in intent.notes))
    row = dict(found[0]).get(intent.row_id)
    if row is None:
        return Fate.OPEN if intent.create else Fate.NEVER
    if intent.create:
        return Fate.LANDED
    if Safeguard.LANDED_NO in without:
        return Fate.LANDED
    if row.etag == intent.etag:
        return Fate.OPEN
    landed = holds(row, intent.without_columns(found[2]).changes) and Safeguard.LANDED_YES not in without
    return Fate.LANDED if landed or _has_evidence(intent, found, without) else Fate.NEVER


def _has_evidence(intent: Intent, found: Found, without: Without) -> bool:
    """What came in the same change set stands in our form, so the person's write landed too."""
    if Safeguard.EVIDENCE in without:
        return False
    rows, notes = dict(found[0]), dict(found[1])
    stands = (i in notes and (notes[i].row, notes[i].text) == (note.row, note.text) for i, note in intent.notes)
    return any(stands) or any(account_id in rows for account_id, _ in intent.accounts)


def _singly(extras: tuple[Part, ...]) -> Steps[LeftOut]:
    """Each under its own condition; what is there already was ours."""
    refused = []
    for part in extras:
        answer = yield Write((part,))
        if answer == "refused":
            refused.append(part.join.kind if isinstance(part, AddJoin) else "note")
    return tuple(refused)
