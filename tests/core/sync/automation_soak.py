"""Weeks of automations in seconds: `python -m tests.core.sync.automation_soak [--seeds 40]` says what happened there.

Three automations in a world of two organisations: one that selects within hours of Berlin, one that selects by when
somebody was heard, and constant updating. People say things, ticks are late, doubled, overlapping or cut off, and an
operator edits, pauses, deletes and makes anew. A model that knows nothing of feeds says who should have run.
"""

import argparse
import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from core.domain.automation import changed_key
from core.domain.prospect import Prospect
from tests.core.sync.automation_world import BEGIN, HERE, THERE, World

PEOPLE = 45
COLOURS = ("red", "green", "blue")
WANTED = {"a": ("red", "green"), "b": ("blue",)}  # the criteria an operator switches between
HOURS = {"from": "07:00", "to": "01:00"}
BERLIN = ZoneInfo("Europe/Berlin")


@dataclass
class Soak:
    """One world, what an operator has done in it, and what was counted."""

    world: World
    is_calm: bool
    wanted: str = "a"
    switched_on_at: datetime = BEGIN
    is_paused: list[tuple[datetime, bool]] = field(default_factory=list)
    totals: Counter[str] = field(default_factory=Counter)

    @property
    def choice(self) -> random.Random:
        return self.world.choice

    # --- Its story --------------------------------------------------------------------------------------------------

    async def play(self, days: int) -> None:
        world = self.world
        for number in range(PEOPLE):
            self._say(f"p{number}", HERE)
        world.pass_time(timedelta(minutes=11))
        await self._switch_on_all()
        while world.now < BEGIN + timedelta(days=days):
            world.pass_time(self._lapse())
            for _ in range(self.choice.choice([0, 0, 0, 1, 3])):
                self._say(f"p{self.choice.randrange(PEOPLE)}")
            if not self.is_calm and self.choice.random() < 0.01:
                await self._operate()
            count = 1 if self.is_calm else self.choice.choice([0, 1, 1, 1, 2, 3])
            self.totals["ticks"] += count
            await world.ticks(count)
        await self._come_to_rest()

    def _lapse(self) -> timedelta:
        if self.is_calm:
            self._phase = getattr(self, "_phase", BEGIN) + timedelta(minutes=5)
            at = self._phase + timedelta(hours=2, seconds=self.choice.randrange(110))
            return max(at - self.world.now, timedelta(seconds=1))
        return timedelta(minutes=self.choice.choice([5, 5, 5, 6, 11, 47]))

    def _say(self, name: str, at: str = "") -> None:
        """Stamped now, committed up to ten minutes later; sometimes what had been said already."""
        at, linked = at or self.choice.choice([HERE, HERE, THERE]), int(name[1:]) % 5 != 0
        fields: dict[str, Any] = {"Email": f"{name}@x.example", "Colour": self.choice.choice(COLOURS)}
        fields |= {"Title": self.choice.choice(["Duke", "Earl", ""])} if self.choice.random() < 0.3 else {}
        reached = "lead" if at == HERE and linked and self.choice.random() < 0.3 else ""
        self.totals["said"] += 1
        self.world.say(name, at, delay=self.choice.randrange(600), reached=reached, linked=linked, **fields)

    async def _switch_on_all(self) -> None:
        cuts, self.world.cuts = self.world.cuts, 0.0  # an operator sees whether it was done
        await self._make_reds()
        await self.world.switched_on("heard", criteria=_heard_since(BEGIN + timedelta(days=4)))
        await self.world.switched_on("kept", kind="keep_updated")
        self.switched_on_at = self.world.stored["kept"][1].begun_at or BEGIN
        self.world.cuts = cuts

    async def _make_reds(self) -> None:
        schedule = {"every_minutes": 30, "window": HOURS, "time_zone": "Europe/Berlin"}
        criteria = {"all": [{"field": "Colour", "in": list(WANTED[self.wanted])}]}
        await self.world.saved("reds", criteria=criteria, schedule=schedule)
        if self.world.stored["reds"][1].state != "active":
            await self.world.office.activate("reds")
        self.is_paused.append((self.world.now, False))

    async def _operate(self) -> None:
        what = self.choice.choice(["edit", "pause", "delete", "pause kept"])
        cuts, self.world.cuts = self.world.cuts, 0.0
        match what:
            case "edit":
                self.wanted = "b" if self.wanted == "a" else "a"
                await self._make_reds()
            case "delete":
                await self.world.office.delete("reds")
                await self._make_reds()
            case "pause":
                await self._pause("reds")
            case _:
                await self._pause("kept")
        self.world.cuts = cuts
        self.totals[what] += 1

    async def _pause(self, automation: str) -> None:
        """For some hours; ticks come meanwhile."""
        await self.world.office.pause(automation)
        if automation == "reds":
            self.is_paused.append((self.world.now, True))
        for _ in range(self.choice.randrange(1, 6)):
            self.world.pass_time(timedelta(hours=1))
            self._say(f"p{self.choice.randrange(PEOPLE)}")
            await self.world.automating.tick()
        if automation == "reds":
            self.is_paused.append((self.world.now, False))
        await self.world.office.activate(automation)

    async def _come_to_rest(self) -> None:
        """Nobody says anything any more; the hours open again within a day, and bulk work ends."""
        self.world.cuts = 0.0
        for _ in range(120):
            self.world.pass_time(timedelta(minutes=15))
            self.totals["ticks"] += 1
            await self.world.ticks()

    # --- What should have happened ----------------------------------------------------------------------------------

    def verify(self) -> None:
        self._nobody_is_passed_over()
        self._changes_are_carried_once()
        self._runs_are_within_hours()
        if self.is_calm:
            assert set(self.world.handed_over.values()) == {1}, "handed over twice, and nothing was amiss"
            self._runs_are_as_many_as_the_hours_allow()
        self.totals["handed over"] = sum(self.world.handed_over.values())
        self.totals["of these, repeats"] = self.totals["handed over"] - len(self.world.handed_over)
        self.totals["carried out"] = len(self.world.carried_out)
        self.totals["batches"] = len(self.world.begun)

    def _here(self) -> dict[str, Prospect]:
        return {name: prospect for (at, name), prospect in self.world.prospects.items() if at == HERE}

    def _nobody_is_passed_over(self) -> None:
        """Everybody's last word that fits has run in the edition that stands; and whoever ran had said such a word."""
        edition = self.world.stored["reds"][1].edition
        for name, prospect in self._here().items():
            fits = prospect.value("Colour") in WANTED[self.wanted]
            mine = f"reds:{edition}:{HERE}:{name}:{prospect.version}"
            assert (mine in self.world.carried_out) or not fits, mine
        colours = [said.prospect.fields["colour"] for name, said in self._carried_out("reds")]
        assert set(colours) <= set(COLOURS if not self.is_calm else WANTED["a"])
        heard = self.world.stored["heard"][1]
        for name, prospect in self._here().items():
            mine = f"heard:{heard.edition}:{HERE}:{name}:{prospect.version}.{prospect.heard}"
            is_late = prospect.last_said_at.date() > (BEGIN + timedelta(days=4)).date()
            assert (mine in self.world.carried_out) or not is_late, mine

    def _carried_out(self, automation: str) -> list[tuple[str, Any]]:
        return [each for each in self.world.carried_out.items() if each[0].startswith(f"{automation}:")]

    def _changes_are_carried_once(self) -> None:
        """Every change since it was switched on that is not in the row already, whatever said it; and no other."""
        due = set[str]()
        for at, feed in self.world.feeds.items():
            for change in feed.values():
                is_linked = int(change.prospect[1:]) % 5 != 0
                is_new = bool(change.fields) and not change.carried and not (at == HERE and change.reached)
                committed = (change.committed_at or BEGIN) - self.world.storage_ahead
                is_since = change.key >= changed_key(self.switched_on_at) or committed > self._surely_since
                if is_new and is_linked and is_since:
                    due.add(f"{at}:{change.key}")
        edition = self.world.stored["kept"][1].edition
        carried = {name.removeprefix(f"kept:{edition}:") for name, _ in self._carried_out("kept")}
        assert due <= carried, due - carried
        early = {each for each in carried - due if each.partition(":")[2] >= changed_key(self.switched_on_at)}
        assert not early, early

    @property
    def _surely_since(self) -> datetime:
        """Storage's clock is not ours: what was committed about then may count or not."""
        return self.switched_on_at + abs(self.world.storage_ahead)

    def _runs_are_within_hours(self) -> None:
        for automation, at in self.world.ran_at:
            hour = at.astimezone(BERLIN).hour
            assert automation != "reds" or hour >= 7 or hour < 1, at
            states = [paused for since, paused in self.is_paused if since < at]
            assert automation != "reds" or not (states and states[-1]), at

    def _runs_are_as_many_as_the_hours_allow(self) -> None:
        """Half an hour apart while the window is open: eighteen hours a day, whatever the clocks do."""
        times = sorted({at for automation, at in self.world.ran_at if automation == "reds"})
        by_day = Counter((at.astimezone(BERLIN) - timedelta(hours=7)).date() for at in times)
        whole = [count for day, count in by_day.items() if BEGIN.date() < day < max(by_day)]
        rest = timedelta(minutes=15 * 120)
        in_time = [at for at in times if at < self.world.now - rest]
        assert all(35 <= count <= 37 for count in whole[:-2]), whole
        gaps = [second - first for first, second in pairwise(in_time)]
        assert min(gaps) > timedelta(minutes=27), min(gaps)


def _heard_since(day: datetime) -> dict[str, Any]:
    return {"all": [{"about": "captured_at", "greater": day.date().isoformat()}]}


def soak(seed: int, *, is_calm: bool) -> Soak:
    choice = random.Random(seed)
    ahead = timedelta(seconds=choice.choice([-100, -7, 0, 7, 100]))
    cuts = 0.0 if is_calm else 0.02
    world = World(choice, is_hasty=False, cuts=cuts, storage_ahead=ahead, slice_most=choice.choice([5, 40]))
    world.bulk_seconds = 60 if is_calm else 1200  # of work that is still on its way, nobody can tell that it was begun
    return Soak(world, is_calm)


async def played(seed: int, *, is_calm: bool, days: int = 6) -> Soak:
    told = soak(seed, is_calm=is_calm)
    await told.play(days)
    told.verify()
    return told


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seeds", type=int, default=20)
    asked.add_argument("--weeks", type=int, default=3)
    given = asked.parse_args()
    began, totals = time.monotonic(), Counter[str]()
    for seed in range(given.seeds):
        told = asyncio.run(played(seed, is_calm=seed % 4 == 0, days=7 * given.weeks))
        totals += told.totals + told.world.counted
    print(
        f"{given.seeds} worlds of {given.weeks} weeks, {time.monotonic() - began:.0f} s: nobody passed over, none twice"
    )
    for what, count in totals.most_common():
        print(f"{count:>10,} {what}")


if __name__ == "__main__":
    main()
