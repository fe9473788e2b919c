"""Stories too large to be searched, walked at random: four captures, two workers each, and all that can go wrong."""

import random

import pytest

from tests.protocol.telling import told
from tests.protocol.walks import random_scenario, walk


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_random_stories_end_as_some_order_would(first: int) -> None:
    """From every state on the way, each worker left alone comes to its end."""
    for seed in range(first, first + 20):
        choice = random.Random(seed)
        explorer, way = walk(random_scenario(choice), choice, walks=3)
        assert not way, f"seed {seed}\n{explorer.scenario}\n{told(explorer, way)}"
