"""Exactly once in bulk: turns whose requests are put together end as turns that are taken alone.

The same random scenarios as `test_interleavings`, run by two workers who each play all deliveries at once, as when a
message of the queue comes twice; beside others who play them one by one, or with deliveries that nobody has stored.
"""

import random
from collections.abc import Sequence

import pytest
from typing_extensions import override

from core.domain.delivery import Membership, RowWrite
from core.errors import RejectedRowError
from tests.core.sync.scenarios import ends_so_folded_too, ends_so_together_too, one_person_scenario, random_scenario
from tests.core.sync.worlds import Worker


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("batch", range(4))
async def test_deliveries_that_are_run_together_end_as_some_order_would(batch: int, *, stored: bool) -> None:
    """Whatever comes between, whoever is killed, whatever reply is lost."""
    for seed in range(batch * 40, batch * 40 + 40):
        await ends_so_together_too(random_scenario(random.Random(seed)), seed, stored=stored)


@pytest.mark.parametrize("batch", range(4))
async def test_deliveries_that_are_folded_end_as_some_order_would(batch: int) -> None:
    """Those of one person are written at once; each has the outcome and leaves the traces that it would have alone."""
    folded = 0
    for seed in range(batch * 60, batch * 60 + 60):
        world = await ends_so_folded_too(one_person_scenario(random.Random(seed)), seed)
        folded += world.folded
    assert folded > 5


class Choosy(Worker):
    """Where Dynamics takes no row with one of the remarks that deliveries bring; remarks are appended, so it stays."""

    @override
    async def write(self, writes: Sequence[RowWrite | Membership]) -> bool:
        if any(isinstance(each, RowWrite) and "r1" in each.values.get("description", "") for each in writes):
            raise RejectedRowError("Such a remark is not taken.", code="0x80040265")
        return await super().write(writes)


@pytest.mark.parametrize("batch", range(2))
async def test_one_that_dynamics_refuses_costs_the_folded_ones_nothing(batch: int) -> None:
    """It fails as it would have failed alone; the others are written without it."""
    folded = 0
    for seed in range(batch * 60, batch * 60 + 60):
        scenario = one_person_scenario(random.Random(seed))
        folded += (await ends_so_folded_too(scenario, seed, Choosy, alone=Choosy)).folded
    assert folded > 5
