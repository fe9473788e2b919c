"""The code asks what the model asks, in the same order: run alone, stopped after any change, and helped by another."""

from collections.abc import Iterator

import pytest

from tests.protocol.captures import Delivery
from tests.protocol.code_steps import steps_of_code
from tests.protocol.model_steps import steps_of_model
from tests.protocol.scenario import Scenario
from tests.protocol.scenarios import SCENARIOS

CHANGES_MOST = 4  # claim, write, finish, and one to spare
COMPARED = [s for s in SCENARIOS if not (s.bystanders or s.batch or s.refused or s.normalises)]
Runs = list[tuple[Delivery, int]]


def _schedules(scenario: Scenario) -> Iterator[Runs]:
    """One delivery after the other; one stopped after each of its changes, the others coming before it goes on."""
    yield [(each, 0) for each in scenario.deliveries]
    for first in scenario.deliveries:
        others = [(each, 0) for each in scenario.deliveries if each != first]
        for changes in range(1, CHANGES_MOST):
            yield [(first, changes), (first, 0), *others]
            yield [(first, changes), *others, (first, 0)]


@pytest.mark.parametrize("scenario", COMPARED, ids=lambda scenario: scenario.name)
async def test_the_code_takes_the_same_steps(scenario: Scenario) -> None:
    """Kinds of requests and of keys, in order, for every delivery of every schedule."""
    for runs in _schedules(scenario):
        said = [f"{each.id}{f' stopped after {changes}' if changes else ''}" for each, changes in runs]
        assert await steps_of_code(scenario, runs) == steps_of_model(scenario, runs), said
