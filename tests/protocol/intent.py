"""The ledger's entities: a delivery's state with its intent, claims, aliases."""

from collections.abc import Collection
from typing import NamedTuple

from tests.protocol.captures import Delivery, Prospect
from tests.protocol.dynamics import AddJoin, CreateRow, Part, PutNote, UpdateRow
from tests.protocol.effect import Join
from tests.protocol.rows import Changes, Note, Row, with_values
from tests.protocol.safeguards import Safeguard, Without
from tests.protocol.world import ANY


class Outcome(NamedTuple):
    kind: str
    row_id: str = ""
    left_out: tuple[str, ...] = ()  # extras that Dynamics refused


class Intent(NamedTuple):
    """What is about to be done, saved before it is done. Whoever finds it carries out exactly this."""

    row_id: str
    create: Row | None
    etag: int  # of the row as it was read
    changes: Changes
    accounts: tuple[tuple[str, Row], ...]  # to be created in the same change set
    notes: tuple[tuple[str, Note], ...]  # with the ETag they were read under
    joins: tuple[Join, ...]
    keys: tuple[str, ...]
    people: tuple[tuple[str, Prospect], ...]  # as they will be afterwards
    asked: tuple[tuple[str, ...], ...]  # the kinds of extras, for each of these:
    outcomes: tuple[tuple[str, Outcome], ...]  # of every delivery that is carried out; the first one keeps the intent

    @property
    def leader(self) -> str:
        return self.outcomes[0][0]

    @property
    def writes_nothing(self) -> bool:
        return not (self.create or self.changes or self.notes or self.joins)

    def person(self, without: Without) -> tuple[Part, ...]:
        """The person's own write, with the account it refers to."""
        accounts = tuple(CreateRow(*account) for account in self.accounts)
        if self.create:
            return (*accounts, CreateRow(self.row_id, self.create, Safeguard.CONDITIONAL_CREATE in without))
        etag = ANY if Safeguard.IF_MATCH in without else self.etag
        return (*accounts, UpdateRow(self.row_id, etag, self.changes)) if self.changes else ()

    def extras(self, without: Without) -> tuple[Part, ...]:
        has_id = Safeguard.NOTE_ID not in without
        notes = (PutNote(note_id if has_id else "", note) for note_id, note in self.notes)
        joins = (AddJoin(join, Safeguard.RESPONSE_ID in without) for join in self.joins)
        return (*notes, *joins)

    def without_accounts(self) -> "Intent":
        create = self.create._replace(account="") if self.create else None
        changes = tuple((name, value) for name, value in self.changes if name != "account")
        return self._replace(create=create, changes=changes, accounts=())

    def without_columns(self, names: Collection[str]) -> "Intent":
        blank = {name: getattr(Row(), name) for name in names}
        create = with_values(self.create, blank) if self.create else None
        return self._replace(create=create, changes=tuple(each for each in self.changes if each[0] not in names))


class State(NamedTuple):
    """A delivery's own entity."""

    intent: Intent | None = None
    leader: str = ""  # whose intent carries this delivery out too
    outcome: Outcome | None = None


class Claim(NamedTuple):
    claimed_by: str = ""


class Alias(NamedTuple):
    """The prospect that a submission belonged to from the first."""

    prospect_key: str


def delivery_key(delivery_id: str) -> str:
    return f"delivery|{delivery_id}"


def row_claim(row_id: str) -> str:
    return f"row|{row_id.replace('/', '|')}"


def alias_key(delivery: Delivery) -> str:
    """Needed only where no prospect id says who it is."""
    is_named = delivery.prospect or not delivery.action.tables
    return "" if is_named or not delivery.submission else f"submission|{delivery.submission}"


def prospect_key(delivery: Delivery, alias: Alias | None) -> str:
    if not delivery.action.tables:
        return f"prospect|off|{delivery.submission or delivery.id}"
    if delivery.prospect:
        return f"prospect|{delivery.prospect}"
    if alias:
        return alias.prospect_key
    if delivery.email:
        return f"prospect|email|{delivery.email}"
    return f"prospect|submission|{delivery.submission or delivery.id}"
