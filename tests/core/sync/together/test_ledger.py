"""Commits of many in few transactions: each holds or fails by its own conditions."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime

import pytest

from core.domain.delivery import Claim, Due
from core.errors import RetryableError
from core.sync.ports import ABSENT, Change, EntityT, Versioned
from core.sync.together.lane import Lane
from core.sync.together.ledger import LedgerTogether
from core.sync.together.rounds import Rounds
from tests.core.sync.worlds import World


class Counting:
    """The world's ledger, and what was asked of it."""

    def __init__(self, world: World, *, entities_most: int = 100) -> None:
        self.world = world
        self.transactions: list[int] = []
        self.reads: list[str] = []
        self._most = entities_most

    async def read(self, organization: str, key: str, kind: type[EntityT]) -> Versioned[EntityT] | None:
        self.reads.append(key)
        etag, entity = self.world.entities.get(key, (0, None))
        return Versioned(entity, str(etag)) if entity is not None else None

    async def commit(self, organization: str, changes: Sequence[Change]) -> tuple[str, ...] | None:
        self.transactions.append(len(changes))
        if not self._most:
            raise RetryableError("the reply was lost")
        if len(changes) > self._most:
            raise RetryableError("too much at once", code="RequestBodyTooLarge")
        return self.world.commit(changes)

    async def due(
        self, organization: str, before: datetime, *, most: int, connections: Collection[str] = ()
    ) -> list[Due]:
        return []


def _claims(*keys: str) -> list[Change]:
    return [Change(key, Claim(claimed_by=keys[0]), ABSENT) for key in keys]


async def test_strangers_share_transactions_and_get_their_own_etags() -> None:
    """Sixty commits of three entities: two transactions, and every etag is that of its entity."""
    counting = Counting(World())
    ledger = LedgerTogether(counting, Rounds(Lane()))
    commits = [_claims(f"{number}a", f"{number}b", f"{number}c") for number in range(60)]
    etags = await asyncio.gather(*(ledger.commit("org", changes) for changes in commits))
    assert counting.transactions == [99, 81]
    stored = [tuple(str(counting.world.entities[change.key][0]) for change in changes) for changes in commits]
    assert list(etags) == stored


async def test_a_condition_that_does_not_hold_costs_its_own_commit_alone() -> None:
    """Whoever shares a transaction with it goes on."""
    counting = Counting(World())
    counting.world.commit(_claims("17a"))
    ledger = LedgerTogether(counting, Rounds(Lane()))
    etags = await asyncio.gather(*(ledger.commit("org", _claims(f"{number}a", f"{number}b")) for number in range(40)))
    assert [number for number, each in enumerate(etags) if each is None] == [17]
    assert "17b" not in counting.world.entities
    assert len(counting.world.entities) == 79


async def test_of_two_who_claim_one_key_one_gets_it() -> None:
    """In one round as in two."""
    ledger = LedgerTogether(Counting(World()), Rounds(Lane()))
    etags = await asyncio.gather(*(ledger.commit("org", _claims("key", f"own{number}")) for number in range(5)))
    assert [each is not None for each in etags] == [True, False, False, False, False]


async def test_what_is_too_large_for_one_transaction_goes_in_several() -> None:
    """By the service's own word, for nobody reckons bytes beforehand; one commit that is too large by itself fails."""
    counting = Counting(World(), entities_most=10)
    ledger = LedgerTogether(counting, Rounds(Lane()))
    commits = [_claims(*(f"{number}-{part}" for part in range(4))) for number in range(8)]
    commits.append(_claims(*(f"large-{part}" for part in range(11))))
    told = await asyncio.gather(*(ledger.commit("org", each) for each in commits), return_exceptions=True)
    assert [isinstance(each, tuple) for each in told] == [True] * 8 + [False]
    assert isinstance(told[-1], RetryableError)


async def test_an_entity_is_read_once_for_all() -> None:
    """Who asks for the same, asks together."""
    counting = Counting(World())
    counting.world.commit(_claims("key"))
    ledger = LedgerTogether(counting, Rounds(Lane()))
    read = await asyncio.gather(*(ledger.read("org", key, Claim) for key in ("key", "key", "other")))
    assert sorted(counting.reads) == ["key", "other"]
    assert [each.entity.claimed_by if each else None for each in read] == ["key", "key", None]


async def test_a_failure_of_storage_reaches_everybody_whose_commit_was_on_its_way() -> None:
    """Nobody takes silence for success."""
    ledger = LedgerTogether(Counting(World(), entities_most=0), Rounds(Lane()))
    told = await asyncio.gather(*(ledger.commit("org", _claims(str(n))) for n in range(3)), return_exceptions=True)
    assert [type(each) for each in told] == [RetryableError] * 3
    with pytest.raises(RetryableError):
        await ledger.commit("org", _claims("x"))
