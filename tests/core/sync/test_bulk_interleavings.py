"""Exactly once in bulk: turns whose requests are put together end as turns that are taken alone.

The same random scenarios as `test_interleavings`, run by two workers who each play all deliveries at once, as when a
message of the queue comes twice; beside others who play them one by one, or with deliveries that nobody has stored.
"""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest
from typing_extensions import override

from core.domain.delivery import Membership, RowWrite
from core.errors import RejectedRowError
from tests.core.sync.scenarios import (
    ACTIONS,
    delivery,
    ends_so_folded_too,
    ends_so_together_too,
    one_person_scenario,
    random_scenario,
)
from tests.core.sync.test_forgetting import Archivist
from tests.core.sync.test_holding import SETUP, Log
from tests.core.sync.worlds import Scheduler, Worker, World

_ANN: dict[str, Any] = {"Email": "a@x.example", "LastName": "N", "activity": 1, "held": False, "wishes": ""}


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


@pytest.mark.parametrize("batch", range(2))
async def test_whoever_is_erased_meanwhile_is_nobodys_twin(batch: int) -> None:
    """Strangers are not looked for in the ledger, and prospects that came meanwhile may have been erased by the time
    they are claimed: whoever has the address still has one row.
    """
    for seed in range(batch * 60, batch * 60 + 60):
        scheduler = Scheduler(World(), random.Random(seed), troubles=3)
        people = [delivery(number, "a0", prospect, number, **_ANN) for number, prospect in enumerate((1, 2, 1))]
        workers = [Worker(name, scheduler, ACTIONS, SETUP) for name in ("some", "others")]
        tasks = [asyncio.create_task(worker.turns_together(people)) for worker in workers]
        archivist = Archivist("archivist", scheduler, Log())
        tasks.append(asyncio.create_task(archivist.insists(archivist.erase_prospect, people)))
        await scheduler.run(tasks)
        for task in tasks:
            task.result()
        assert len(scheduler.world.rows) == 1, f"seed {seed}\n" + "\n".join(scheduler.history)
