"""Exactly once in bulk: turns whose requests are put together end as turns that are taken alone.

The same random scenarios as `test_interleavings`, run by two workers who each play all deliveries at once, as when a
message of the queue comes twice; beside others who play them one by one, or with deliveries that nobody has stored.
"""

import random

import pytest

from tests.core.sync.scenarios import ends_so_together_too, random_scenario


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("batch", range(4))
async def test_deliveries_that_are_run_together_end_as_some_order_would(batch: int, *, stored: bool) -> None:
    """Whatever comes between, whoever is killed, whatever reply is lost."""
    for seed in range(batch * 40, batch * 40 + 40):
        await ends_so_together_too(random_scenario(random.Random(seed)), seed, stored=stored)
