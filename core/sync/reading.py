"""Everything that is known of a delivery before anything is decided: what the ledger holds, then what Dynamics does.

Duty: the reads, in the order that the protocol wants: prospect and keys before any search (once/protocol.md).
"""

import asyncio
from dataclasses import dataclass, replace

from core.domain.account import account_key
from core.domain.action import SyncAction
from core.domain.decision import linked_columns, reference_queries
from core.domain.delivery import Alias, Claim, Delivery
from core.domain.matching import columns_to_read, redirects_to_read
from core.domain.note import NOTE_COLUMNS, note_look_ups
from core.domain.prospect import Prospect
from core.domain.references import Found
from core.domain.subject import Subject, subject_alias, subject_of
from core.errors import MisconfiguredConnectionError
from core.sync.ports import ABSENT, Change, Configuration, ConnectionSetup, Crm, Ledger, Versioned

Keys = dict[str, Versioned[Claim] | None]


@dataclass(frozen=True, slots=True)
class Known:
    """What was read for a delivery before the search, with the ETags it was read under."""

    setup: ConnectionSetup
    subject: Subject
    prospect_etag: str
    keys: Keys
    new_alias: str | None  # the key under which the submission is to be remembered

    @property
    def claimant(self) -> str:
        """Who has to be finished first."""
        held = (claim.entity.claimed_by for claim in self.keys.values() if claim)
        return next(filter(None, (self.subject.known.claimed_by, *held)), "")

    def conditions(self, keys: tuple[str, ...], *, claimed_by: str) -> list[Change]:
        """The keys, as they were read; and whose the submission is, once somebody has to know."""
        claim = Claim(claimed_by=claimed_by)
        changes = [Change(key, claim, read.etag if (read := self.keys[key]) else ABSENT) for key in keys]
        if self.new_alias:
            changes.append(Change(self.new_alias, Alias(prospect_key=self.subject.prospect_key), ABSENT))
        return changes


class Reading:
    def __init__(self, *, ledger: Ledger, configuration: Configuration) -> None:
        self._ledger = ledger
        self._configuration = configuration

    async def known(self, delivery: Delivery, *, presumably_new: bool = False) -> Known:
        """Everything that is known before Dynamics is asked: prospect and keys are read before any search.

        `presumably_new`: where nothing is known of the prospect, the keys are taken to be absent without a look. Key
        entities stay for good, so one that is absent when it is claimed was absent before; where that does not hold,
        the claim fails, and the next look is a real one.
        """
        action, setup, organization = await self._action(delivery), await self.setup(delivery), delivery.organization
        guess = subject_of(delivery, action, setup.mappings, Prospect())
        alias, read, keys = await asyncio.gather(
            self._alias(delivery, action),
            self._ledger.read(organization, guess.prospect_key, Prospect),
            self._read_keys(organization, () if presumably_new else guess.claim_keys),
        )
        key = alias.entity.prospect_key if isinstance(alias, Versioned) else guess.prospect_key
        if key != guess.prospect_key:
            read = await self._ledger.read(organization, key, Prospect)
        prospect = read.entity if read else Prospect()
        subject = subject_of(delivery, action, setup.mappings, prospect, prospect_key=key)
        wanted = (*subject.claim_keys, *filter(None, [account_key(subject)]))
        unread = tuple(name for name in wanted if name not in keys)
        keys |= (
            dict.fromkeys(unread) if presumably_new and read is None else await self._read_keys(organization, unread)
        )
        new_alias = alias if isinstance(alias, str) else None
        return Known(setup, subject, read.etag if read else ABSENT, {name: keys[name] for name in wanted}, new_alias)

    async def setup(self, delivery: Delivery) -> ConnectionSetup:
        setup = await self._configuration.setup(delivery.connection)
        if setup is None:
            raise _missing(f"connection {delivery.connection}")
        return await self._as_mapped(delivery, setup) if delivery.mapped_as else setup

    async def _as_mapped(self, delivery: Delivery, setup: ConnectionSetup) -> ConnectionSetup:
        """With the versions of mappings that the delivery is to be replayed under."""
        mappings = dict(setup.mappings)
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


def _missing(what: str) -> MisconfiguredConnectionError:
    return MisconfiguredConnectionError(f"The {what} is not configured any more.", code="not_configured")


async def search(crm: Crm, subject: Subject) -> Found:
    """What the rule and the action ask for, in one request; then the rows that others redirect to."""
    tables = ("lead", "contact")
    columns: dict[str, tuple[str, ...]] = {
        table: columns_to_read(subject.mappings.get(table), table, linked_columns(subject, table)) for table in tables
    }
    columns["annotation"] = NOTE_COLUMNS
    wanted = (*subject.look_ups(), *note_look_ups(subject))
    found = await crm.find(wanted, columns, reference_queries(subject))
    while redirects := redirects_to_read(found.rows):
        found = found.and_then(await crm.find(redirects, columns))
    return found
