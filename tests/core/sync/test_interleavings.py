"""Exactly once: the real turn in a world where anything may come between any two steps (once/protocol.md).

Random small scenarios (a few deliveries about overlapping people, rows that are there already) are run with two
workers for each delivery, kills and lost replies. What stands in the end must be what some one-at-a-time order of the
same deliveries gives, each row, value and outcome once.
"""

import random

import pytest

from tests.core.sync.scenarios import ends_as_some_order_would, random_scenario


@pytest.mark.parametrize("batch", range(8))
async def test_any_interleaving_ends_as_some_order_would(batch: int) -> None:
    """Random scenarios, interleavings, kills and lost replies: one of the sequential results, and no claim left."""
    for seed in range(batch * 60, batch * 60 + 60):
        await ends_as_some_order_would(random_scenario(random.Random(seed)), seed)
