"""Every interleaving of the named stories ends as some one-at-a-time order would, and nobody is ever stuck."""

import pytest

from tests.protocol.explorer import Explorer
from tests.protocol.scenario import Scenario
from tests.protocol.scenarios import NAMED_IN_SECTION_6, SCENARIOS
from tests.protocol.telling import told

ATTAINABLE = [scenario for scenario in SCENARIOS if not scenario.unattainable]
OUTSIDE = [scenario for scenario in SCENARIOS if scenario.unattainable]


@pytest.mark.parametrize("scenario", ATTAINABLE, ids=lambda scenario: scenario.name)
def test_the_promise_holds(scenario: Scenario) -> None:
    """Kills, lost replies and requests in flight at any step: the result is one of the sequential ones."""
    explorer = Explorer(scenario)
    _, way = explorer.search()
    assert not way, told(explorer, way)


@pytest.mark.parametrize("scenario", OUTSIDE, ids=lambda scenario: scenario.name)
def test_what_the_promise_does_not_cover_does_happen(scenario: Scenario) -> None:
    """The page that says what is not promised is right about it: the search finds it."""
    _, way = Explorer(scenario).search()
    assert way, scenario.unattainable


def test_everything_that_section_6_lists_is_there() -> None:
    """Eight interleavings, one of them in two stories and one under two rules."""
    assert len(NAMED_IN_SECTION_6) == 10
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)
