"""Everything that is known of a delivery before anything is decided: what the ledger holds, then what Dynamics does.

Duty: the reads, in the order that the protocol wants: prospect and keys before any search (once/protocol.md).
"""

import asyncio
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from core.domain.account import account_key
from core.domain.action import SyncAction
from core.domain.decision import linked_columns, reference_queries
from core.domain.delivery import Alias, Claim, Delivery
from core.domain.folding import Heard
from core.domain.matching import columns_to_read, redirects_to_read
from core.domain.note import NOTE_COLUMNS, note_look_ups
from core.domain.prospect import Prospect
from core.domain.references import Found
from core.domain.subject import Subject, subject_alias, subject_of
from core.domain.table import PEOPLE
from core.errors import NOT_CONFIGURED, MisconfiguredConnectionError, RejectedRowError
from core.sync.ports import ABSENT, Change, ConnectionSetup, Crm, Ledger, TurnSettings, Versioned

Keys = dict[str, Versioned[Claim] | None]


class Presumed(Enum):
    """What is taken to be absent from the ledger without a look. Claiming it is on condition that it is absent, so who
    is wrong claims nothing, and looks then. What was absent when it is claimed was absent before the search too: keys
    stay for good; and a prospect that came and was erased in between leaves nothing behind that its keys do not tell.
    """

    NOTHING = "nothing"
    KEYS = "keys of somebody nobody has heard of"
    PERSON = "prospect and keys"


@dataclass(frozen=True, slots=True)
class Known:
    """What was read for a delivery before the search, with the ETags it was read under."""

    setup: ConnectionSetup
    subject: Subject
    prospect_etag: str
    keys: Keys
    new_aliases: tuple[str, ...]  # the keys under which its submission is to be remembered

    @property
    def claimant(self) -> str:
        """Who has to be finished first."""
        held = (claim.entity.claimed_by for claim in self.keys.values() if claim)
        return next(filter(None, (self.subject.known.claimed_by, *held)), "")

    def conditions(self, keys: tuple[str, ...], *, claimed_by: str) -> list[Change]:
        """The keys, as they were read; and whose the submission is, once somebody has to know."""
        claim = Claim(claimed_by=claimed_by)
        changes = [Change(key, claim, read.etag if (read := self.keys[key]) else ABSENT) for key in keys]
        alias = Alias(prospect_key=self.subject.prospect_key)
        return [*changes, *(Change(key, alias, ABSENT) for key in self.new_aliases)]

    def and_of(self, others: Iterable["Known"]) -> "Known":
        """With the keys and the submissions of other deliveries of the person."""
        keys, aliases = dict(self.keys), dict.fromkeys(self.new_aliases)
        for other in others:
            keys |= other.keys
            aliases |= dict.fromkeys(other.new_aliases)
        return replace(self, keys=keys, new_aliases=tuple(aliases))


@dataclass(frozen=True, slots=True)
class Follower:
    """A delivery that is at hand too, with what is known of its person."""

    found: Versioned[Delivery]
    known: Known

    def is_free_beside(self, first: Known) -> bool:
        """Whether it is about the same person, as the first knows him, and waits for nobody."""
        mine, theirs = self.known, first
        is_same = mine.subject.prospect_key == theirs.subject.prospect_key
        return is_same and mine.prospect_etag == theirs.prospect_etag and not mine.claimant


class Reading:
    def __init__(self, *, ledger: Ledger, configuration: TurnSettings) -> None:
        self._ledger = ledger
        self._configuration = configuration

    async def known(self, delivery: Delivery, *, presumed: Presumed = Presumed.NOTHING) -> Known:
        """Everything that is known before Dynamics is asked: prospect and keys are read before any search."""
        action, setup, organization = await self._action(delivery), await self.setup(delivery), delivery.organization
        guess = subject_of(delivery, action, setup.mappings, Prospect())
        if presumed is Presumed.PERSON and subject_alias(delivery, action) is None:
            return Known(setup, guess, ABSENT, dict.fromkeys(_claimed(guess)), ())
        alias, read, keys = await asyncio.gather(
            self._alias(delivery, action),
            self._ledger.read(organization, guess.prospect_key, Prospect),
            self._read_keys(organization, guess.claim_keys if presumed is Presumed.NOTHING else ()),
        )
        key = alias.entity.prospect_key if isinstance(alias, Versioned) else guess.prospect_key
        if key != guess.prospect_key:
            read = await self._ledger.read(organization, key, Prospect)
        if read is None and key == guess.prospect_key:
            subject = guess
        else:
            prospect = read.entity if read else Prospect()
            subject = subject_of(delivery, action, setup.mappings, prospect, prospect_key=key)
        wanted = _claimed(subject)
        unread = tuple(name for name in wanted if name not in keys)
        is_new = presumed is not Presumed.NOTHING and read is None
        keys |= dict.fromkeys(unread) if is_new else await self._read_keys(organization, unread)
        new_aliases = (alias,) if isinstance(alias, str) else ()
        return Known(setup, subject, read.etag if read else ABSENT, {name: keys[name] for name in wanted}, new_aliases)

    async def followers(
        self, first: Delivery, followers: Sequence[Versioned[Delivery]], *, presumed: Presumed
    ) -> list[Follower]:
        """What is known of those that are decided by the same settings as the first, up to one that is not.
        `presumed`: of those that nobody has stored yet.
        """
        alike = list(itertools.takewhile(lambda each: _is_alike(first, each.entity), followers))
        guesses = (presumed if each.etag == ABSENT else Presumed.NOTHING for each in alike)
        known = await asyncio.gather(
            *(self.known(each.entity, presumed=guess) for each, guess in zip(alike, guesses, strict=True))
        )
        return [Follower(*each) for each in zip(alike, known, strict=True)]

    async def setup(self, delivery: Delivery) -> ConnectionSetup:
        setup = await self._configuration.setup(delivery.connection)
        if setup is None:
            raise _missing(f"connection {delivery.connection}")
        return await self._as_mapped(delivery, setup) if delivery.mapped_as else setup

    async def _as_mapped(self, delivery: Delivery, setup: ConnectionSetup) -> ConnectionSetup:
        """With the versions of mappings that the delivery is to be replayed under; a table without one fails again."""
        mappings = {table: each for table, each in setup.mappings.items() if delivery.mapped_as.get(table) != 0}
        for table, version in delivery.mapped_as.items():
            if mapping := await self._configuration.mapping_version(delivery.connection, table, version):
                mappings[table] = mapping.in_zone(setup.connection.time_zone)
        return replace(setup, mappings=mappings)

    async def _action(self, delivery: Delivery) -> SyncAction:
        action = await self._configuration.action(delivery.action)
        if action is None:
            raise _missing(f"action {delivery.action}")
        return action

    async def _alias(self, delivery: Delivery, action: SyncAction) -> Versioned[Alias] | str | None:
        """Whose the submission is; the key to say so under, where nobody has yet; None where it says so itself."""
        key = subject_alias(delivery, action)
        return (await self._ledger.read(delivery.organization, key, Alias) or key) if key else None

    async def _read_keys(self, organization: str, keys: tuple[str, ...]) -> Keys:
        read = await asyncio.gather(*(self._ledger.read(organization, key, Claim) for key in keys))
        return dict(zip(keys, read, strict=True))


def _claimed(subject: Subject) -> tuple[str, ...]:
    return (*subject.claim_keys, *filter(None, [account_key(subject)]))


def _is_alike(first: Delivery, other: Delivery) -> bool:
    settings = [(each.connection, each.action, each.mapped_as) for each in (first, other)]
    return settings[0] == settings[1] and other.state == "received"


def _missing(what: str) -> MisconfiguredConnectionError:
    return MisconfiguredConnectionError(f"The {what} is not configured any more.", code=NOT_CONFIGURED)


async def search(crm: Crm, subject: Subject) -> Found:
    """What the rule and the action ask for, in one request; then the rows that others redirect to."""
    columns: dict[str, tuple[str, ...]] = {
        table: columns_to_read(subject.mappings.get(table), table, linked_columns(subject, table)) for table in PEOPLE
    }
    columns["annotation"] = NOTE_COLUMNS
    wanted = (*subject.look_ups(), *note_look_ups(subject))
    found = await crm.find(wanted, columns, reference_queries(subject))
    while redirects := redirects_to_read(found.rows):
        found = found.and_then(await crm.find(redirects, columns))
    return found


async def search_beside(crm: Crm, first: Known, followers: Sequence[Follower]) -> list[Heard]:
    """Of those that follow the first, as many as nothing is in the way of; what is, they meet in their own turns."""
    free = list(itertools.takewhile(lambda each: each.is_free_beside(first), followers))
    heard = await asyncio.gather(*(_heard(crm, each.known.subject) for each in free))
    return [each for each in itertools.takewhile(lambda each: each is not None, heard) if each]


async def _heard(crm: Crm, subject: Subject) -> Heard | None:
    try:
        return Heard(subject, await search(crm, subject))
    except RejectedRowError:
        return None
