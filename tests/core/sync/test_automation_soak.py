"""Weeks of automations in seconds: random edits, ticks that are late, doubled, overlapping or cut off anywhere.

The real ticks run in a world in memory whose every request may be the last of its process, and in which a change is
committed minutes after its worker stamped it. In the end nobody has been passed over and nobody has run twice.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.domain.automation import Automation, Changed, Progress
from core.domain.bulk_batch import Batch
from core.domain.capture import Capture, identity
from core.domain.delivery import Delivery, Trigger, delivery_key
from core.domain.fitting import why_unfit
from core.domain.prospect import Prospect, merged, with_news
from core.domain.stored_prospect import prospect_facts
from core.sync.automating import Automating
from core.sync.bulk_actions import Asked
from core.sync.ports import ABSENT, ConnectionSetup, Versioned
from tests.core.sync.scenarios import ACTIONS, CONNECTION

BEGIN = datetime(2026, 3, 20, tzinfo=UTC)  # the clocks change on the 29th
HERE = CONNECTION.partition
AUTOMATION = Automation.model_validate(
    {
        "id": "soak",
        "action": "a0",
        "state": "active",
        "criteria": {"all": [{"field": "Colour", "in": ["red", "green"]}]},
        "schedule": {"every_minutes": 30, "window": {"from": "07:00", "to": "01:00"}, "time_zone": "Europe/Berlin"},
    }
)


class Cut(BaseException):
    """The process of a tick is gone."""


@dataclass
class World:
    """Everything that is stored, and the clock. Fits the ports of `sync.automating`."""

    choice: random.Random
    now: datetime = BEGIN
    prospects: dict[str, Prospect] = field(default_factory=dict)
    feed: list[tuple[datetime, Changed]] = field(default_factory=list)
    on_their_way: list[tuple[datetime, Callable[[], None]]] = field(default_factory=list)
    stored: tuple[int, Progress] = (0, Progress())
    begun: dict[str, list[str]] = field(default_factory=dict)
    deliveries: dict[str, tuple[str, str]] = field(default_factory=dict)  # to the prospect and what it said
    ran: Counter[tuple[str, str]] = field(default_factory=Counter)
    counted: Counter[str] = field(default_factory=Counter)
    cuts: float = 0.03
    automation: Automation = AUTOMATION

    def pass_time(self, lapse: timedelta) -> None:
        self.now += lapse
        for due, happen in sorted(self.on_their_way, key=lambda each: each[0]):
            if due <= self.now:
                happen()
        self.on_their_way = [each for each in self.on_their_way if each[0] > self.now]

    def edit(self, name: str, colour: str) -> None:
        """Stamped now, committed up to ten minutes later, unless somebody else was quicker."""
        stamp, said = self.now, {"prospect": {"id": name, "fields": {"Colour": colour, "Email": f"{name}@x.example"}}}

        def commit() -> None:
            before = self.prospects.get(name, Prospect())
            self.prospects[name], changed = with_news(before, merged(before, Capture.model_validate(said), self.now))
            if changed:
                self.feed.append((stamp, Changed(prospect=name, fields=changed, committed_at=self.now)))

        self.on_their_way.append((self.now + timedelta(seconds=self.choice.randrange(600)), commit))

    async def _request(self, what: str) -> None:
        self.counted[what] += 1
        for _ in range(self.choice.randrange(3)):
            await asyncio.sleep(0)
        if self.choice.random() < self.cuts:
            raise Cut

    # --- The ports --------------------------------------------------------------------------------------------------

    async def automations(self) -> list[Automation]:
        return [self.automation]

    async def progress(self, automation_id: str) -> Versioned[Progress]:
        await self._request("progress")
        etag, progress = self.stored
        return Versioned(progress, str(etag) if etag else ABSENT)

    async def save_progress(self, automation_id: str, progress: Progress, etag: str) -> bool:
        await self._request("save before")
        current, _ = self.stored
        if etag != (str(current) if current else ABSENT):
            return False
        self.stored = (current + 1, progress)
        await self._request("save after")
        return True

    async def finish(self, automation: Automation) -> None:
        assert self.automation.schedule.runs == "once"
        self.automation = automation.model_copy(update={"state": "finished"})

    async def changes(self, organization: str, *, since: datetime, until: datetime) -> list[Changed]:
        await self._request("changes")
        return [change for stamp, change in self.feed if since <= stamp <= until]

    async def some(self, organization: str, *, most: int, after: str) -> list[tuple[str, Prospect]]:
        await self._request("some")
        return [(name, self.prospects[name]) for name in sorted(self.prospects) if name > after][:most]

    async def read(self, organization: str, key: str, kind: type[Any]) -> Any:
        await self._request("read")
        if kind is Delivery:
            return Versioned(None, "1") if key in self.deliveries else None
        found = self.prospects.get(key.removeprefix("prospect|"))
        return Versioned(found, "1") if found else None

    async def action(self, action_id: str) -> Any:
        return ACTIONS[action_id]

    async def setup(self, connection_id: str) -> ConnectionSetup:
        return ConnectionSetup(CONNECTION, {}, None)

    async def organizations(self) -> list[str]:
        return [HERE]

    async def begin(
        self, action_id: str, asked: Asked, *, trigger: Trigger = "bulk", batch: str = "", asked_by: str = ""
    ) -> Batch:
        """As the bulk door: the same batch is begun once, the same delivery is carried out once."""
        await self._request("begin before")
        assert asked.content is not None
        captures = [Capture.model_validate_json(line) for line in asked.content.splitlines()]
        names = [str(each.delivery_id) for each in captures]
        assert self.begun.setdefault(batch, names) == names, "one batch, two contents"
        for capture in captures:
            key = delivery_key(identity(action_id, capture))
            if key not in self.deliveries:
                told = (str(capture.prospect.id), str(capture.prospect.fields["colour"]))
                self.deliveries[key] = told
                self.ran[told[0], str(capture.delivery_id)] += 1
        await self._request("begin after")
        return Batch(
            id=batch, action=action_id, connection="contoso", organization=HERE, asked_at=BEGIN, told="", next_at=BEGIN
        )


async def _ticks(world: World, count: int) -> None:
    """So many at once; each may be cut off."""
    automating = Automating(
        automations=world,
        feed=world,
        stored=world,
        ledger=world,  # type: ignore[arg-type]  # it reads, and nothing else
        configuration=world,  # type: ignore[arg-type]
        places=world,
        bulk=world,
        now=lambda: world.now,
    )
    await asyncio.gather(*(automating.tick() for _ in range(count)), return_exceptions=True)


@pytest.mark.parametrize("seed", range(6))
async def test_in_weeks_of_trouble_nobody_is_passed_over_and_nobody_runs_twice(seed: int) -> None:
    """Three weeks each: every person's last word that fits has run once, and nothing has run that did not fit."""
    choice = random.Random(seed)
    world = World(choice)
    for number in range(40):
        world.edit(f"p{number}", choice.choice(["red", "blue"]))
    while world.now < BEGIN + timedelta(weeks=3):
        world.pass_time(timedelta(minutes=choice.choice([5, 5, 5, 6, 11, 47])))
        for _ in range(choice.choice([0, 0, 0, 1, 3])):
            world.edit(f"p{choice.randrange(60)}", choice.choice(["red", "green", "blue"]))
        await _ticks(world, choice.choice([0, 1, 1, 1, 2, 3]))
    world.cuts = 0.0
    for _ in range(60):  # the window opens again within a day
        world.pass_time(timedelta(minutes=30))
        await _ticks(world, 1)
    wanted = {name for name, prospect in world.prospects.items() if not _why_unfit(prospect)}
    last = {name: f"soak:{HERE}:{name}:{world.prospects[name].version}" for name in wanted}
    assert not [name for name in wanted if not world.ran[name, last[name]]]
    assert set(world.ran.values()) == {1}
    assert {colour for _, colour in world.deliveries.values()} <= {"red", "green"}


def _why_unfit(prospect: Prospect) -> str:
    return why_unfit(AUTOMATION.criteria, prospect_facts(prospect, now=BEGIN, time_zone="UTC"))


async def test_what_runs_once_is_over_when_everybody_has_been_gone_through() -> None:
    """And then stays over, whatever is said."""
    schedule = {**AUTOMATION.schedule.model_dump(by_alias=True), "runs": "once", "window": None}
    once = Automation.model_validate({**AUTOMATION.model_dump(by_alias=True), "schedule": schedule})
    world = World(random.Random(3), cuts=0.0, automation=once)
    world.edit("p1", "red")
    for _ in range(4):
        world.pass_time(timedelta(minutes=30))
        await _ticks(world, 1)
        world.edit("p2", "red")
    assert world.automation.state == "finished"
    assert [name for name, _ in world.ran] == ["p1"]


@pytest.mark.parametrize("changed", [0, 1, 50])
async def test_a_tick_costs_what_has_changed(changed: int) -> None:
    """However many are stored: one look at the feed, two reads for each who changed."""
    world = World(random.Random(1), cuts=0.0)
    for number in range(2000):
        world.edit(f"p{number:04}", "red")
    world.pass_time(timedelta(hours=12))
    await _ticks(world, 1)
    world.pass_time(timedelta(hours=1))
    for number in range(changed):
        world.edit(f"p{number:04}", "green")
    world.pass_time(timedelta(hours=1))
    world.counted.clear()
    await _ticks(world, 1)
    assert world.counted["some"] == 0
    assert world.counted["changes"] == 1
    assert world.counted["read"] == 2 * changed
