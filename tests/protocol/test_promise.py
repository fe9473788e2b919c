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


@pytest.mark.parametrize("number", [1, 4, 6])
def test_to_be_killed_between_two_changes_is_nothing_new(number: int) -> None:
    """So the search lets workers lose their memory right after a change only, and reads what is read at once in one
    step: with kills before any request, and every entity and table read by itself, the same is seen in the end.
    """
    scenario = SCENARIOS[number]._replace(losses=1, in_flight=0, workers=1)
    everywhere = Explorer(scenario, apart=True, killed_anywhere=True)
    assert everywhere.endings() == Explorer(scenario).endings()


def test_everything_that_section_6_lists_is_there() -> None:
    """Eight interleavings, one of them in two stories and one under two rules."""
    assert len(NAMED_IN_SECTION_6) == 10
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)
