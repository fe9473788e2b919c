"""A world in memory for automations: people of two organisations, their feeds, bulk work, and clocks that disagree.

The real ticks and the real office run in it. Every request may be the last of its process, time passes while a feed is
read, a change is committed minutes after its worker stamped it, and bulk work is carried out later than it was begun.
Whatever was handed over is written down before anything is taken as a repeat.
"""

import asyncio
import bisect
import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from core.admin.automations import AutomationKeeping
from core.domain.action import SyncAction
from core.domain.automation import Automation, Changed, FeedPart, Progress, changed_key
from core.domain.bulk_batch import Batch
from core.domain.capture import Capture, identity, prospect_name
from core.domain.delivery import Delivery, Trigger, delivery_key
from core.domain.prospect import Prospect, merged, with_news
from core.sync.automating import Automating
from core.sync.bulk_actions import Asked
from core.sync.ports import ABSENT, ConnectionSetup, Versioned
from core.sync.selecting import Selecting
from tests.core.sync.scenarios import CONNECTION

BEGIN = datetime(2026, 3, 26, tzinfo=UTC)  # the clocks change on the 29th
HERE, THERE = CONNECTION.partition, "22222222-2222-4222-8222-222222222222"
_PAGE = 3


class Cut(BaseException):
    """The process of a tick is gone."""


@dataclass
class World:
    """Everything that is stored, and the clock. Fits the ports of automations, of selecting, and of keeping them."""

    choice: random.Random = field(default_factory=lambda: random.Random(1))
    now: datetime = BEGIN
    storage_ahead: timedelta = timedelta()  # its clock
    prospects: dict[tuple[str, str], Prospect] = field(default_factory=dict)
    feeds: dict[str, dict[str, Changed]] = field(default_factory=lambda: {HERE: {}, THERE: {}})
    on_their_way: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    stored: dict[str, tuple[int, Automation]] = field(default_factory=dict)
    progresses: dict[str, tuple[int, Progress]] = field(default_factory=dict)
    actions: dict[str, SyncAction] = field(default_factory=dict)
    begun: dict[str, tuple[str, ...]] = field(default_factory=dict)  # batches, with their deliveries
    handed_over: Counter[str] = field(default_factory=Counter)  # deliveries, before repeats are told
    carried_out: dict[str, Capture] = field(default_factory=dict)  # by their own ids
    known: set[str] = field(default_factory=set)  # deliveries' keys in the ledger
    ran_at: list[tuple[str, datetime]] = field(default_factory=list)  # automations whose progress was saved
    counted: Counter[str] = field(default_factory=Counter)
    cuts: float = 0.0
    is_hasty: bool = True  # no time passes while a tick is at work, and bulk work is done at once
    bulk_seconds: int = 1200  # at most
    slice_most: int = 10_000
    _keys: dict[str, list[str]] = field(default_factory=dict)  # of the feeds, in their order
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        places = {"connection": "contoso", "match": {"tables": "leads"}, "create": "lead"}
        for name in ("a0", "a1"):
            self.actions[name] = SyncAction.model_validate({"id": name, **places})

    # --- What happens -----------------------------------------------------------------------------------------------

    def pass_time(self, lapse: timedelta) -> None:
        self.now += lapse
        while self.on_their_way and self.on_their_way[0][0] <= self.now:
            heapq.heappop(self.on_their_way)[2]()

    def later(self, seconds: float, happen: Callable[[], None]) -> None:
        if seconds <= 0:
            happen()
        else:
            heapq.heappush(self.on_their_way, (self.now + timedelta(seconds=seconds), next(self._numbers), happen))

    def say(
        self, name: str, at: str = HERE, *, delay: float = 0.0, reached: str = "", linked: bool = True, **fields: Any
    ) -> None:
        """Somebody says this: stamped now, committed so many seconds later."""
        stamp, said = self.now, Capture.model_validate({"prospect": {"id": name, "fields": fields}})
        self.later(delay, lambda: self._commit(at, said, stamp, is_heard=True, reached=reached, linked=linked))

    def _commit(
        self, at: str, said: Capture, stamp: datetime, *, is_heard: bool, reached: str = "", linked: bool = True
    ) -> None:
        """The end of a turn, as far as automations see it."""
        name = prospect_name(said, "")
        before = self.prospects.get((at, name), Prospect())
        after, news = with_news(before, merged(before, said, said.said_at(self.now)), is_heard=is_heard)
        self.prospects[at, name] = after.model_copy(update={"links": {"lead": "row"} if linked else after.links})
        if news:
            key, carried = changed_key(stamp, f"{next(self._numbers):032x}"), bool(said.prospect.only_news)
            told = Changed(prospect=name, fields=news.changed, reached=reached, carried=carried, key=key)
            self.feeds[at][key] = told.model_copy(update={"committed_at": self.now + self.storage_ahead})
            bisect.insort(self._keys.setdefault(at, []), key)

    async def ticks(self, count: int = 1) -> None:
        """So many at once; each may be cut off."""
        await asyncio.gather(*(self.automating.tick() for _ in range(count)), return_exceptions=True)

    async def tick(self, minutes: float = 5) -> None:
        self.pass_time(timedelta(minutes=minutes))
        await self.automating.tick()

    @property
    def automating(self) -> Automating:
        return Automating(
            automations=self,
            selecting=self.selecting,
            configuration=self,  # type: ignore[arg-type]
            bulk=self,
            now=lambda: self.now,
        )

    @property
    def selecting(self) -> Selecting:
        reads: Any = self  # of the ledger nothing but reading is asked
        return Selecting(feed=self, stored=self, ledger=reads, places=self, most=self.slice_most)

    @property
    def office(self) -> AutomationKeeping:
        return AutomationKeeping(
            store=self,
            stored=self,
            selecting=self.selecting,
            configuration=self,  # type: ignore[arg-type]
            running=self.automating,
            now=lambda: self.now,
            new_id=lambda: f"edition-{next(self._numbers)}",
        )

    async def switched_on(self, automation_id: str, **settings: Any) -> None:
        """A minute after what was said before, and a minute before what is said next."""
        self.pass_time(timedelta(minutes=1))
        await self.saved(automation_id, **settings)
        await self.office.activate(automation_id)
        self.pass_time(timedelta(minutes=1))

    async def saved(self, automation_id: str, **settings: Any) -> None:
        before = await self.automation(automation_id)
        state = before.entity.state if before else "draft"
        given = {"id": automation_id, "action": "a0", "state": state, **settings}
        await self.office.save(Automation.model_validate(given), before)

    def runs(self, automation_id: str) -> list[int]:
        """How many each of its runs selected; those that found nobody are kept but for the last."""
        return [run.selected for run in self.progresses[automation_id][1].runs]

    def ran(self, automation_id: str) -> list[tuple[str, dict[str, Any]]]:
        """Whom it ran for, and with what."""
        mine = [said for name, said in self.carried_out.items() if name.startswith(f"{automation_id}:")]
        return [(prospect_name(said, ""), dict(said.prospect.fields)) for said in mine]

    async def _request(self, what: str) -> None:
        self.counted[what] += 1
        if not self.is_hasty:
            self.pass_time(timedelta(seconds=self.choice.randrange(3)))
            for _ in range(self.choice.randrange(3)):
                await asyncio.sleep(0)
        if self.choice.random() < self.cuts:
            raise Cut

    # --- Automations ------------------------------------------------------------------------------------------------

    async def automations(self) -> list[Automation]:
        await self._request("list")
        return [automation for _, automation in self.stored.values()]

    async def automation(self, automation_id: str) -> Versioned[Automation] | None:
        await self._request("automation")
        etag, automation = self.stored.get(automation_id, (0, None))
        return Versioned(automation, str(etag)) if automation else None

    async def save(self, automation: Automation, etag: str) -> bool:
        current = self.stored[automation.id][0] if automation.id in self.stored else ABSENT
        if etag != str(current):
            return False
        self.stored[automation.id] = (next(self._numbers), automation)
        return True

    async def delete(self, automation_id: str) -> None:
        self.stored.pop(automation_id, None)
        self.progresses.pop(automation_id, None)

    async def finish(self, automation: Automation) -> None:
        etag, stored = self.stored[automation.id]
        if stored == automation:
            await self.save(automation.model_copy(update={"state": "finished"}), str(etag))

    async def progress(self, automation_id: str) -> Versioned[Progress]:
        await self._request("progress")
        etag, progress = self.progresses.get(automation_id, (0, Progress()))
        return Versioned(progress, str(etag) if etag else ABSENT)

    async def save_progress(self, automation_id: str, progress: Progress, etag: str) -> str | None:
        await self._request("save before")
        current, _ = self.progresses.get(automation_id, (0, None))
        if etag != (str(current) if current else ABSENT):
            return None
        saved = next(self._numbers)
        self.progresses[automation_id] = (saved, Progress.model_validate_json(progress.model_dump_json()))
        self.ran_at.append((automation_id, progress.runs[-1].at))
        await self._request("save after")
        return str(saved)

    # --- People -----------------------------------------------------------------------------------------------------

    async def changes(
        self, organization: str, *, after: str, before: str, committed_after: datetime | None, most: int
    ) -> FeedPart:
        """Page by page, no picture of one moment; the time that storage says is later than its look."""
        feed, found, position, asked_at = self.feeds[organization], list[Changed](), after, None
        keys = self._keys.setdefault(organization, sorted(feed))
        while len(found) < most:
            begins = bisect.bisect_right(keys, position)
            page = [key for key in keys[begins : begins + _PAGE] if key < before and key in feed]
            await self._request("changes")
            asked_at = asked_at or self.now + self.storage_ahead
            committed = [feed[key] for key in page if not committed_after or _committed(feed[key]) > committed_after]
            found, position = found + committed, page[-1] if page else position
            if len(page) < _PAGE:
                break
        assert asked_at
        return FeedPart(found[:most], asked_at)

    async def some(self, organization: str, *, most: int, after: str) -> list[tuple[str, Prospect]]:
        await self._request("some")
        names = sorted(name for at, name in self.prospects if at == organization and name > after)
        return [(name, self.prospects[organization, name]) for name in names][:most]

    async def read(self, organization: str, key: str, kind: type[Any]) -> Any:
        await self._request("read")
        if kind is Delivery:
            return Versioned(None, "1") if key in self.known else None
        found = self.prospects.get((organization, key.removeprefix("prospect|")))
        return Versioned(found, "1") if found else None

    async def organizations(self) -> list[str]:
        return [HERE, THERE]

    async def action(self, action_id: str) -> SyncAction | None:
        return self.actions.get(action_id)

    async def setup(self, connection_id: str) -> ConnectionSetup:
        return ConnectionSetup(CONNECTION, {}, None)

    # --- Bulk work --------------------------------------------------------------------------------------------------

    async def begin(
        self, action_id: str, asked: Asked, *, trigger: Trigger = "bulk", batch: str = "", asked_by: str = ""
    ) -> Batch:
        """As the bulk door: the same batch is begun once, and carried out when its turn comes."""
        await self._request("begin before")
        assert asked.content is not None
        captures = [Capture.model_validate_json(line) for line in asked.content.splitlines()]
        names = tuple(str(each.delivery_id) for each in captures)
        self.handed_over.update(names)
        assert self.begun.setdefault(batch, names) == names, "one batch, two contents"
        for capture in captures:
            delay = 0.0 if self.is_hasty else self.choice.randrange(self.bulk_seconds)
            self.later(delay, lambda said=capture: self._carry_out(action_id, said))  # type: ignore[misc]
        await self._request("begin after")
        return Batch(
            id=batch, action=action_id, connection="contoso", organization=HERE, asked_at=BEGIN, told="", next_at=BEGIN
        )

    def _carry_out(self, action_id: str, capture: Capture) -> None:
        """The same delivery is carried out once."""
        key = delivery_key(identity(action_id, capture))
        if key in self.known:
            return
        self.known.add(key)
        self.carried_out[str(capture.delivery_id)] = capture
        self._commit(HERE, capture, self.now, is_heard=False, linked=False)


def _committed(change: Changed) -> datetime:
    assert change.committed_at
    return change.committed_at
