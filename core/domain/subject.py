"""One delivery with everything that is known of its person before Dynamics is asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from core.domain.account_named import account_query
from core.domain.action import MatchTables, SyncAction
from core.domain.capture import Capture, is_captellos, submission_name
from core.domain.delivery import Delivery, alias_key, claim_keys, prospect_key
from core.domain.mapping import FieldMapping, Sources
from core.domain.matching import LookUp, MatchKeys, full_names, look_ups, match_keys, said_names
from core.domain.prospect import Prospect, merged
from core.domain.references import ReferenceQuery
from core.domain.table import PEOPLE


@dataclass(frozen=True)  # no slots: what takes work is worked out when it is first asked for, and kept
class Subject:
    delivery: Delivery
    action: SyncAction
    mappings: Mapping[str, FieldMapping]
    prospect_key: str
    known: Prospect  # as it was read
    person: Prospect  # having heard this delivery
    sources: Sources
    keys: MatchKeys

    @cached_property
    def account_query(self) -> ReferenceQuery | None:
        """Which account is looked for."""
        return account_query(self.action, self.mappings, self.sources)

    @cached_property
    def claim_keys(self) -> tuple[str, ...]:
        """Whoever writes a name holds its key, also when he does not search by it: others may, and the order in which
        two rows of one name were made would otherwise be nobody's.
        """
        names = self.keys.names or full_names(self.person, self.sources, self._of_people)
        return claim_keys(self.delivery.organization, MatchKeys(self.keys.emails, names))

    @property
    def capture(self) -> Capture:
        return self.delivery.capture

    @property
    def is_late(self) -> bool:
        """The person has said something newer already. Of news, field by field, only the newest is written."""
        is_older = self.known.last_said_at > self.delivery.said_at
        return is_older and not self.capture.prospect.only_news

    @property
    def mapped_as(self) -> dict[str, int]:
        """The version of each table's mapping; 0 where it has none."""
        unmapped = dict.fromkeys((*self.action.tables, "account"), 0)
        return unmapped | {table: mapping.version for table, mapping in self.mappings.items()}

    @property
    def is_name_too_long(self) -> bool:
        """The rule searches by names, and this one is longer than any search can hold."""
        is_asked_for = self.action.matches_by_name and self.action.match.tables is not MatchTables.OFF
        return is_asked_for and not self.keys.names and bool(said_names(self.person, self.sources, self._of_people))

    @property
    def _of_people(self) -> list[FieldMapping]:
        return _of_people(self.mappings)

    @property
    def submission(self) -> str:
        return submission_name(self.capture, self.delivery.id)

    def look_ups(self) -> tuple[LookUp, ...]:
        return look_ups(self.action, self.keys, self.known.links)


def subject_key(delivery: Delivery, action: SyncAction) -> str:
    """The prospect entity this delivery belongs to. Without matching, every submission is somebody new."""
    if action.match.tables is MatchTables.OFF:
        return prospect_key(submission_name(delivery.capture, delivery.id))
    return prospect_key(delivery.prospect)


def subject_alias(delivery: Delivery, action: SyncAction) -> str | None:
    """The entity that says which prospect the submission belongs to; None where its name cannot change."""
    capture = delivery.capture
    is_named = is_captellos(delivery.prospect) or capture.prospect.known_as or action.match.tables is MatchTables.OFF
    if is_named or capture.submission.activity_id is None:
        return None
    return alias_key(submission_name(capture, delivery.id))


def subject_of(
    delivery: Delivery,
    action: SyncAction,
    mappings: Mapping[str, FieldMapping],
    known: Prospect,
    *,
    prospect_key: str = "",
) -> Subject:
    """`prospect_key` where the submission is known to belong to another prospect than its words would say."""
    person = merged(known, delivery.capture, delivery.said_at)
    sources = Sources(person, delivery.capture)
    keys = match_keys(person, sources, _of_people(mappings), action)
    key = prospect_key or subject_key(delivery, action)
    return Subject(delivery, action, mappings, key, known, person, sources, keys)


def _of_people(mappings: Mapping[str, FieldMapping]) -> list[FieldMapping]:
    """A company's address is nobody's own: whoever holds it is not the person."""
    return [mappings[table] for table in PEOPLE if table in mappings]
