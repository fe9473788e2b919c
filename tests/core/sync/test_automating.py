"""Automations' runs, one thing at a time: whom each is for, what it hands over, and what edits and gaps do to it."""

from collections import Counter
from dataclasses import fields
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from typing_extensions import override

from core.domain.automation import CHANGES_LAST, Automation, Progress
from core.errors import InvalidInputError
from core.sync.ports import Versioned
from tests.core.sync.automation_world import HERE, THERE, Cut, World

WorldT = TypeVar("WorldT", bound=World)

RED = {"all": [{"field": "Colour", "equals": "red"}]}
BLUE = {"all": [{"field": "Colour", "equals": "blue"}]}


def _as(kind: type[WorldT], world: World) -> WorldT:
    """The same world, that goes another way."""
    return kind(**{each.name: getattr(world, each.name) for each in fields(world)})


def _names(world: World, automation: str) -> list[str]:
    return sorted(name for name, _ in world.ran(automation))


# --- Editions ---------------------------------------------------------------------------------------------------------


async def test_another_action_runs_for_everybody_anew() -> None:
    """The same people in the same versions are another batch and other deliveries: nothing is stuck or passed over."""
    world = World()
    world.say("p1", Colour="red")
    await world.switched_on("reds", criteria=RED)
    await world.tick()
    await world.saved("reds", criteria=RED, action="a1")
    await world.tick()
    assert _names(world, "reds") == ["p1", "p1"]
    assert len(world.begun) == 2


@pytest.mark.parametrize("again", ["deleted and made again", "finished and switched on again"])
async def test_what_begins_from_the_start_runs_for_everybody(again: str) -> None:
    """Under the same id; and no two of its runs count the same batch."""
    world, once = World(), {"runs": "once"}
    world.say("p1", Colour="red")
    await world.switched_on("reds", criteria=RED, schedule=once)
    await world.tick()
    await world.tick()
    assert world.stored["reds"][1].state == "finished"
    if again == "deleted and made again":
        await world.office.delete("reds")
        await world.switched_on("reds", criteria=RED, schedule=once)
    else:
        await world.office.activate("reds")
    await world.tick()
    assert _names(world, "reds") == ["p1", "p1"]
    batches = [batch for run in world.progresses["reds"][1].runs for batch in run.batches]
    assert len(batches) == len(set(batches))


async def test_an_edit_while_a_tick_is_on_its_way_is_not_lost() -> None:
    """The tick comes to the automation as it is by then; had it begun before, what it saves is not for the new one."""
    world = World()
    world.say("p1", Colour="red")
    world.say("p2", Colour="blue")
    await world.switched_on("reds", criteria=RED)
    await world.tick()
    before, found = world.stored["reds"][1], await world.progress("reds")
    await world.saved("reds", criteria=BLUE)
    await world.automating.run(before, found)  # it read both before the edit
    await world.tick()
    assert _names(world, "reds") == ["p1", "p2"]


async def test_what_is_paused_before_its_turn_in_a_tick_does_not_run() -> None:
    """The list that the tick began with is old by then."""
    world = World()
    world.say("p1", Colour="red")
    await world.switched_on("reds", criteria=RED)
    active = world.stored["reds"][1]
    await world.office.pause("reds")

    class Older(World):
        @override
        async def automations(self) -> list[Automation]:
            return [active]

    older = _as(Older, world)
    await older.tick()
    assert not older.begun


async def test_a_run_that_was_cut_off_begins_the_same_batch_again() -> None:
    """Nobody is in two batches because a process ended between handing over and saying so."""
    world = World()
    for number in range(5):
        world.say(f"p{number}", Colour="red")
    await world.switched_on("reds", criteria=RED)

    class CutOff(World):
        @override
        async def save_progress(self, automation_id: str, progress: Progress, etag: str) -> str | None:
            raise Cut

    with pytest.raises(Cut):
        await _as(CutOff, world).tick()
    await world.tick(6)
    assert len(world.begun) == 1
    assert set(world.handed_over.values()) == {2}


async def test_drafts_and_finished_ones_have_nothing_to_pause() -> None:
    """Else a draft would run because somebody paused it."""
    world = World()
    await world.saved("reds", criteria=RED)
    with pytest.raises(InvalidInputError, match="nothing to pause"):
        await world.office.pause("reds")


# --- Constant updating ------------------------------------------------------------------------------------------------


async def test_an_update_carries_what_was_said_and_nothing_else() -> None:
    """Not what people may have mended in Dynamics meanwhile; one delivery for each change."""
    world = World()
    world.say("p1", Title="Boss", Company="Acme")
    await world.switched_on("kept", kind="keep_updated")
    await world.tick()
    world.say("p1", Phone="123")
    await world.tick()
    await world.tick()
    assert world.ran("kept") == [("p1", {"phone": "123"})]
    (said,) = world.carried_out.values()
    assert said.prospect.only_news
    assert said.form.name is None


async def test_a_blank_is_carried_as_one() -> None:
    """And what was taken back does not come back with something else."""
    world = World()
    world.say("p1", Title="Duke")
    await world.switched_on("kept", kind="keep_updated")
    world.pass_time(timedelta(minutes=1))
    world.say("p1", Title="")
    await world.tick()
    world.say("p1", Phone="1")
    await world.tick()
    assert world.ran("kept") == [("p1", {"title": ""}), ("p1", {"phone": "1"})]


async def test_it_begins_when_it_is_switched_on() -> None:
    """Not with its first tick: what is said in between is carried. What was said before is not."""
    world = World()
    world.say("p1", Title="Duke")
    await world.saved("kept", kind="keep_updated")
    world.pass_time(timedelta(hours=1))
    world.say("p1", Title="Earl")
    world.pass_time(timedelta(minutes=1))
    await world.office.activate("kept")
    world.pass_time(timedelta(minutes=1))
    world.say("p1", Phone="1")
    await world.tick()
    assert world.ran("kept") == [("p1", {"phone": "1"})]


async def test_an_edit_of_it_loses_no_change() -> None:
    """It goes on from where it had read to, for other people from then on."""
    world = World()
    world.say("p1", Country="DE")
    await world.switched_on("kept", kind="keep_updated")
    await world.tick()
    world.say("p1", Title="Earl")
    await world.saved("kept", kind="keep_updated", criteria={"all": [{"field": "Country", "equals": "DE"}]})
    await world.tick()
    assert world.ran("kept") == [("p1", {"title": "Earl"})]


async def test_after_a_long_pause_what_was_said_since_is_carried() -> None:
    """The feed is gone by then, so everybody is gone through: for what they said since, once."""
    world = World()
    for name in ("p1", "p2"):
        world.say(name, Title="Duke", Phone="1")
    world.say("p3", THERE, Title="Duke")
    world.say("p3", Title="Duke")
    await world.switched_on("kept", kind="keep_updated")
    await world.tick()
    await world.office.pause("kept")
    world.pass_time(timedelta(hours=1))
    world.say("p1", Title="Earl")
    world.say("p3", THERE, Title="King")
    world.pass_time(CHANGES_LAST)
    world.feeds = {HERE: {}, THERE: {}}
    await world.office.activate("kept")
    for _ in range(3):
        await world.tick()
    assert sorted(world.ran("kept"), key=str) == [("p1", {"title": "Earl"}), ("p3", {"title": "King"})]


async def test_a_weekly_schedule_reads_the_feed_though_its_tick_is_late() -> None:
    """A week and some minutes are no gap; nor is the week after, when its day of the week comes round."""
    world = World()
    for number in range(50):
        world.say(f"p{number}", Colour="blue")
    await world.switched_on("kept", kind="keep_updated", schedule={"every_minutes": 7 * 24 * 60})
    await world.tick()
    world.pass_time(timedelta(days=3))
    world.say("p1", Colour="red")
    world.counted.clear()
    await world.tick(4 * 24 * 60 + 1)
    assert world.ran("kept") == [("p1", {"colour": "red"})]
    assert world.counted["some"] == 0


async def test_one_edit_elsewhere_is_carried_once() -> None:
    """That it is news here too, when it has been carried, is nobody's change."""
    world = World()
    for at in (HERE, THERE):
        world.say("p1", at, Colour="red")
    await world.switched_on("kept", kind="keep_updated")
    await world.tick()
    world.say("p1", THERE, Colour="green")
    for _ in range(4):
        await world.tick()
    assert world.ran("kept") == [("p1", {"colour": "green"})]
    assert world.prospects[HERE, "p1"].value("Colour") == "green"


async def test_what_its_row_holds_already_is_not_carried() -> None:
    """Who has mended a column since would find it as it was; what went to no row, or to another, is carried."""
    world = World()
    world.say("p1", Title="Duke")
    await world.switched_on("kept", kind="keep_updated")
    for reached, title in (("lead", "Earl"), ("contact", "King"), ("", "Tsar")):
        world.say("p1", reached=reached, Title=title)
        await world.tick()
    assert world.ran("kept") == [("p1", {"title": "King"}), ("p1", {"title": "Tsar"})]


async def test_whoever_has_no_row_is_not_given_one() -> None:
    """Constant updating updates."""
    world = World()
    await world.switched_on("kept", kind="keep_updated")
    world.say("p1", linked=False, Title="Duke")
    await world.tick()
    assert not world.begun


# --- Who was only heard again -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "condition", [{"about": "captured_at", "greater": "2026-03-27"}, {"about": "last_outcome", "equals": "skipped"}]
)
async def test_criteria_that_ask_when_or_how_see_who_was_heard_again(condition: dict[str, Any]) -> None:
    """Nothing new was said, and yet they fit now; once, whatever the run itself leaves behind."""
    world = World()
    world.say("p1", Colour="red")
    await world.switched_on("late", criteria={"all": [condition]})
    await world.tick()
    assert not world.ran("late")
    world.pass_time(timedelta(days=3))
    world.say("p1", Colour="red")
    skipped = world.prospects[HERE, "p1"].model_copy(update={"last_outcome": "skipped"})
    world.prospects[HERE, "p1"] = skipped
    preview = await world.office.preview(world.stored["late"][1])
    for _ in range(4):
        await world.tick()
    assert preview.affected == 1
    assert _names(world, "late") == ["p1"]


async def test_who_was_only_heard_again_costs_nothing_where_nobody_asks() -> None:
    """No person is read for it."""
    world = World()
    world.say("p1", Colour="red")
    await world.switched_on("reds", criteria=RED)
    await world.tick()
    await world.tick()
    world.say("p1", Colour="red")
    world.counted.clear()
    await world.tick()
    assert world.counted["read"] == 0


# --- Preview and run --------------------------------------------------------------------------------------------------


async def test_the_action_s_filter_counts_in_preview_and_run() -> None:
    """Whom it leaves out is ignored, with the reason, and not handed over to be skipped."""
    world = World()
    world.actions["a0"] = world.actions["a0"].model_validate(
        {**world.actions["a0"].model_dump(by_alias=True), "filter": BLUE}
    )
    world.say("p1", Colour="red")
    await world.switched_on("all")
    preview = await world.office.preview(world.stored["all"][1])
    assert preview.affected == 0
    assert list(preview.ignored) == ["The action's filter leaves this person out: Colour must be “blue”."]
    await world.tick()
    assert world.runs("all") == [0]


async def test_an_action_that_is_switched_off_is_waited_for() -> None:
    """It is not switched on for it; and whoever would have run meanwhile runs afterwards, as they are then."""
    world = World()
    world.say("p1", Colour="red")
    await world.switched_on("reds", criteria=RED)
    on = world.actions["a0"]
    world.actions["a0"] = on.model_copy(update={"enabled": False})
    await world.tick()
    assert not world.begun
    with pytest.raises(InvalidInputError, match="switched off"):
        await world.office.run_now("reds")
    with pytest.raises(InvalidInputError, match="switched off"):
        await world.office.activate("reds")
    world.actions["a0"] = on
    await world.tick()
    assert _names(world, "reds") == ["p1"]


async def test_the_preview_of_one_that_runs_shows_what_its_next_run_is_for() -> None:
    """Not those it has run for as they are now."""
    world = World()
    for name in ("p1", "p2"):
        world.say(name, Colour="red")
    await world.switched_on("reds", criteria=RED)
    await world.tick()
    world.say("p2", Title="Duke")
    preview = await world.office.preview(world.stored["reds"][1])
    assert (preview.affected, dict(preview.ignored)) == (1, {"It has run for this person as they are now.": 1})
    await world.tick()
    assert world.runs("reds") == [2, 1]


async def test_the_preview_of_constant_updating_shows_who_has_news() -> None:
    """Before it is switched on, nobody; then whoever has a row and said something since it last looked."""
    world = World()
    for name in ("p1", "p2"):
        world.say(name, Colour="red")
    world.say("p3", linked=False, Colour="red")
    await world.saved("kept", kind="keep_updated")
    world.pass_time(timedelta(minutes=1))
    assert (await world.office.preview(world.stored["kept"][1])).affected == 0
    await world.office.activate("kept")
    world.pass_time(timedelta(minutes=1))
    world.say("p2", Title="Duke")
    world.say("p3", linked=False, Title="Duke")
    world.pass_time(timedelta(minutes=1))
    preview = await world.office.preview(world.stored["kept"][1])
    assert preview.affected == 1
    assert dict(preview.ignored) == {
        "Nothing new has been said of this person: it runs when there is.": 1,
        "There is no row of this person in Dynamics yet.": 1,
    }
    await world.tick()
    assert world.runs("kept") == [1]


@pytest.mark.parametrize("field", ["q.12", "form.name", "Submission.captured_by", "prospect.tags"])
async def test_criteria_over_what_is_not_remembered_are_refused(field: str) -> None:
    """They would fit nobody, in silence; the condition is named."""
    criteria = {"all": [{"field": "Colour", "equals": "red"}], "any": [{"field": field, "equals": "x"}]}
    with pytest.raises(InvalidInputError, match="not remembered") as refused:
        await World().saved("reds", criteria=criteria)
    assert refused.value.field == "criteria.any.0.field"


async def test_what_could_never_run_is_refused() -> None:
    """Constant updating once, or into rows that are never found again; `changed` where there was nothing before."""
    world = World()
    matchless = {**world.actions["a1"].model_dump(by_alias=True), "match": {"tables": "off"}}
    world.actions["a1"] = world.actions["a1"].model_validate(matchless)
    with pytest.raises(ValueError, match="never done"):
        await world.saved("kept", kind="keep_updated", schedule={"runs": "once"})
    with pytest.raises(ValueError, match="no change before it"):
        await world.saved("once", criteria={"all": [{"field": "a", "changed": True}]}, schedule={"runs": "once"})
    with pytest.raises(InvalidInputError, match="finds none to update"):
        await world.saved("kept", kind="keep_updated", action="a1")


# --- Reading the feed -------------------------------------------------------------------------------------------------


async def test_what_is_committed_while_other_feeds_are_read_is_seen() -> None:
    """Each organisation's feed is read up to a moment of its own."""
    world = World()
    for at, name in ((HERE, "p1"), (THERE, "p2"), (HERE, "p2")):
        world.say(name, at, Colour="red")
    await world.switched_on("kept", kind="keep_updated")
    await world.tick()

    class Slow(World):
        @override
        async def _request(self, what: str) -> None:
            """The first feed is read; then somebody says something there, and later in the other."""
            if what == "changes":
                self.pass_time(timedelta(seconds=30))
                first = self.counted["changes"] == 0
                self.say("p2" if first else "p1", THERE if first else HERE, Colour="blue", reached="")
            await super()._request(what)

    slow = _as(Slow, world)
    slow.counted = Counter()
    await slow.tick()
    world.now = slow.now
    for _ in range(3):
        await world.tick()
    carried = {name for name, fields in world.ran("kept") if fields == {"colour": "blue"}}
    assert carried == {"p1", "p2"}


async def test_a_burst_is_handed_over_in_slices_that_are_saved() -> None:
    """Cut off after some of them, the next tick goes on there; and nobody is handed over twice."""
    world = World(slice_most=10)
    await world.switched_on("kept", kind="keep_updated")
    await world.tick()
    for number in range(95):
        world.say(f"p{number:02}", Colour="red")

    class CutOff(World):
        @override
        async def save_progress(self, automation_id: str, progress: Progress, etag: str) -> str | None:
            if len(self.begun) == 4:
                raise Cut
            return await super().save_progress(automation_id, progress, etag)

    with pytest.raises(Cut):
        await _as(CutOff, world).tick()
    await world.tick(10)
    assert len(world.carried_out) == 95
    assert sum(world.handed_over.values()) == 95  # hasty bulk work shows who has been seen to
    world.counted.clear()
    await world.tick()
    assert world.counted["read"] == 0  # the tick after a burst does not look at it again


async def test_another_run_at_the_same_time_saves_nothing_over_it() -> None:
    """Whoever comes second says so."""
    world = World()
    world.say("p1", Colour="red")
    await world.switched_on("reds", criteria=RED)
    stale = Versioned(Progress(), "")
    await world.tick()
    assert "just being made" in await world.automating.run(world.stored["reds"][1], stale)
    assert _names(world, "reds") == ["p1"]


async def test_who_was_gone_through_a_moment_ago_is_not_handed_over_again() -> None:
    """The feed is read from a little before the first run began, for clocks differ; who has run by then is known."""
    world = World()
    world.say("p1", Colour="red")
    await world.switched_on("reds", criteria=RED)
    for _ in range(3):
        await world.tick()
    assert set(world.handed_over.values()) == {1}


async def test_what_was_on_its_way_when_everybody_was_gone_through_is_seen() -> None:
    """Stamped before, committed after, and by a clock that is two minutes behind ours."""
    world = World(storage_ahead=timedelta(minutes=-2))
    world.say("p1", Colour="blue")
    await world.switched_on("reds", criteria=RED)
    world.say("p1", delay=301, Colour="red")
    await world.tick()
    world.pass_time(timedelta(seconds=1))
    for _ in range(3):
        await world.tick()
    assert _names(world, "reds") == ["p1"]


async def test_what_is_read_twice_is_handed_over_once_though_bulk_work_is_slow() -> None:
    """A pass looks again at what was committed just before the last one; nobody can tell yet that it was begun."""
    world = World(is_hasty=False, bulk_seconds=3600)
    await world.switched_on("reds", criteria=RED)
    await world.tick()
    world.say("p1", Colour="red")
    for _ in range(2):
        world.pass_time(timedelta(seconds=1))
        await world.office.run_now("reds")
    assert list(world.handed_over.values()) == [1]


async def test_runs_by_hand_do_not_put_off_the_schedule() -> None:
    """The tick that was due runs all the same."""
    world = World()
    await world.switched_on("reds", criteria=RED)
    await world.tick()
    world.pass_time(timedelta(minutes=2))
    await world.office.run_now("reds")
    world.say("p1", Colour="red")
    await world.tick(3)
    assert _names(world, "reds") == ["p1"]
