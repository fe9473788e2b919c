"""The search through random interleavings can find things: without any one of these safeguards it does.

Each is taken out where the turn meets the outside world, so that the turn itself stays as it is.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from typing_extensions import override

from core.domain.delivery import Claim, Delivery, Membership, RowWrite
from core.domain.prospect import Prospect
from core.sync.ports import ANY, Change, EntityT, Versioned
from tests.core.sync.scenarios import (
    Scenario,
    ends_as_some_order_would,
    ends_so_folded_too,
    one_person_scenario,
    random_scenario,
)
from tests.core.sync.test_named_interleavings import NAMED
from tests.core.sync.worlds import Worker

SEEDS_MOST = 400


class _Unconditional(Worker):
    """Commits entities of one kind whatever has become of them since."""

    kind = ""

    @override
    async def commit(self, organization: str, changes: Sequence[Change]) -> tuple[str, ...] | None:
        kept = [replace(each, etag=ANY) if each.key.startswith(self.kind) else each for each in changes]
        return await super().commit(organization, [each for each in kept if not self._is_gone(each)])

    def _is_gone(self, change: Change) -> bool:
        """Nobody can delete what somebody else has deleted."""
        return change.entity is None and change.key not in self._scheduler.world.entities


class WithoutKeyValidation(_Unconditional):
    kind = "key|"


class WithoutProspectValidation(_Unconditional):
    kind = "prospect|"


class WithoutRowClaims(_Unconditional):
    kind = "row|"


class WithoutTheDeliverysETag(_Unconditional):
    kind = "delivery|"


class WithoutHelping(Worker):
    """Sees no claim of anybody."""

    @override
    async def read(self, organization: str, key: str, kind: type[EntityT]) -> Versioned[EntityT] | None:
        found = await super().read(organization, key, kind)
        if found is None or not isinstance(found.entity, Claim | Prospect):
            return found
        return _free(found)


class WithoutSavedIntents(Worker):
    """A retry decides anew, free of its own claims."""

    @override
    async def read(self, organization: str, key: str, kind: type[EntityT]) -> Versioned[EntityT] | None:
        found = await super().read(organization, key, kind)
        if found is None:
            return None
        if isinstance(found.entity, Delivery) and found.entity.state == "intent":
            return Versioned(found.entity.model_copy(update={"state": "received", "intent": None}), found.etag)
        if isinstance(found.entity, Claim | Prospect) and found.entity.claimed_by == self.name.rstrip("'"):
            return _free(found)
        return found


class WithoutFollowers(Worker):
    """Claims without those who end with the claimant, so that they may begin by themselves meanwhile."""

    @override
    async def commit(self, organization: str, changes: Sequence[Change]) -> tuple[str, ...] | None:
        kept = [each for each in changes if not (isinstance(each.entity, Delivery) and each.entity.folded_into)]
        return await super().commit(organization, kept)


def _free(found: Versioned[EntityT]) -> Versioned[EntityT]:
    return Versioned(found.entity.model_copy(update={"claimed_by": ""}), found.etag)


class WithoutConditionsInDynamics(Worker):
    """Whatever is to be created or updated is written over what stands there."""

    @override
    async def write(self, writes: Sequence[RowWrite | Membership]) -> bool:
        rows = self._scheduler.world.rows
        return await super().write([self._forced(each, rows) for each in writes])

    def _forced(self, write: RowWrite | Membership, rows: dict[Any, dict[str, Any]]) -> RowWrite | Membership:
        there = rows.get((write.table, write.row_id)) if isinstance(write, RowWrite) else None
        return write.model_copy(update={"etag": there["@odata.etag"]}) if there else write


# Two keys lead to one row, and random scenarios hardly ever lose a reply just there.
ON_ONE_ROW = NAMED["a reply lost under least recently updated, another on the row"]
GOES_WRONG_IN: Mapping[type[Worker], Scenario | None] = {
    WithoutKeyValidation: None,
    WithoutProspectValidation: None,
    WithoutRowClaims: ON_ONE_ROW,
    WithoutTheDeliverysETag: None,
    WithoutHelping: None,
    WithoutSavedIntents: None,
    WithoutConditionsInDynamics: ON_ONE_ROW,
}


GOES_WRONG_WHERE_FOLDED: list[type[Worker]] = [
    WithoutFollowers,
    WithoutKeyValidation,
    WithoutProspectValidation,
    WithoutTheDeliverysETag,
    WithoutHelping,
]


@pytest.mark.parametrize("kind", GOES_WRONG_WHERE_FOLDED)
async def test_without_a_safeguard_folding_ends_wrongly(kind: type[Worker]) -> None:
    """The same search where deliveries of one person are written at once."""
    for seed in range(SEEDS_MOST):
        try:
            await ends_so_folded_too(one_person_scenario(random.Random(seed)), seed, kind)
        except AssertionError:
            return
    pytest.fail(f"{SEEDS_MOST} scenarios end rightly without it")


@pytest.mark.parametrize("kind", GOES_WRONG_IN)
async def test_without_a_safeguard_some_interleaving_ends_wrongly(kind: type[Worker]) -> None:
    """As no order would end, with a claim that stays, or never."""
    for seed in range(SEEDS_MOST):
        scenario = GOES_WRONG_IN[kind] or random_scenario(random.Random(seed))
        try:
            await ends_as_some_order_would(scenario, seed, kind)
        except AssertionError:
            return
    pytest.fail(f"{SEEDS_MOST} scenarios end rightly without it")
