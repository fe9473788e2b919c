"""Days of automations in seconds, compared with a model; and what a tick costs."""

from datetime import timedelta

import pytest

from tests.core.sync.automation_soak import played
from tests.core.sync.automation_world import World

RED = {"all": [{"field": "Colour", "equals": "red"}]}


@pytest.mark.parametrize("seed", range(3))
async def test_in_days_of_trouble_nobody_is_passed_over_and_nobody_runs_twice(seed: int) -> None:
    """Ticks are late, doubled and cut off, bulk work is slow, clocks disagree, and an operator changes his mind."""
    await played(seed, is_calm=False)


async def test_in_days_of_peace_nobody_is_even_handed_over_twice() -> None:
    """And each automation runs exactly when its hours and minutes say, over a change of the clocks."""
    await played(7, is_calm=True, days=4)


async def test_what_runs_once_is_over_when_everybody_has_been_gone_through() -> None:
    """And then stays over, whatever is said."""
    world = World(slice_most=1)
    world.say("p1", Colour="red")
    await world.switched_on("once", criteria=RED, schedule={"runs": "once"})
    for _ in range(4):
        await world.tick(30)
        world.say("p2", Colour="red")
    assert world.stored["once"][1].state == "finished"
    assert [name for name, _ in world.ran("once")] == ["p1"]


@pytest.mark.parametrize("changed", [0, 1, 50])
async def test_a_tick_costs_what_has_changed(changed: int) -> None:
    """However many are stored: one look at the feed, two reads for each who changed, one more step to save."""
    world = World()
    for number in range(2000):
        world.say(f"p{number:04}", Colour="red")
    await world.switched_on("reds", criteria={"all": [{"field": "Colour", "in": ["red", "green"]}]})
    await world.tick()
    await world.tick(60)
    for number in range(changed):
        world.say(f"p{number:04}", Colour="green")
    world.pass_time(timedelta(minutes=60))
    world.counted.clear()
    await world.tick()
    pages = world.counted.pop("changes")
    assert pages <= 1 + changed // 3 + 1
    saved = {"list": 1, "automation": 1, "progress": 1, "save before": 1, "save after": 1}
    work = {"read": 2 * changed, "begin before": 1, "begin after": 1} if changed else {}
    assert dict(world.counted) == saved | work
