"""What an operator does with automations: save, look at whom they are for, activate, pause, run now."""

import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from core.domain.action import MatchTables, SyncAction
from core.domain.automation import Automation, NamedAutomation, Progress, selects_alike
from core.domain.masking import person_shown
from core.domain.prospect import Prospect
from core.domain.selecting import NO_NEWS, NO_ROW, Candidate, Task, linked_table, why_not
from core.domain.stored_prospect import not_remembered
from core.errors import ChangedMeanwhileError, InvalidInputError, UnreadableDocumentError
from core.sync.ports import ABSENT, ANY, Any_, Configuration, Versioned
from core.sync.selecting import Judged, Selecting

SAMPLES_MOST = 10
LOOKED_AT_MOST = 5_000  # prospects of one preview
_PAGE = 500


class Store(Protocol):
    async def automation(self, automation_id: str) -> Versioned[Automation] | None: ...

    async def save(self, automation: Automation, etag: str) -> bool: ...

    async def delete(self, automation_id: str) -> None: ...

    async def progress(self, automation_id: str) -> Versioned[Progress]: ...


class Stored(Protocol):
    async def some(self, organization: str, *, most: int, after: str) -> list[tuple[str, Prospect]]: ...


class Running(Protocol):
    async def run(self, automation: Automation, found: Versioned[Progress]) -> str: ...

    async def task(self, automation: Automation) -> Task | str: ...


@dataclass(slots=True)
class Preview:
    """Whom an automation would be for, of those that were looked at; people are shown masked."""

    looked_at: int = 0
    affected: int = 0
    ignored: Counter[str] = field(default_factory=Counter)  # by the first condition that does not hold
    samples: list[str] = field(default_factory=list)
    ignored_samples: dict[str, list[str]] = field(default_factory=dict)
    position: str = ""  # up to where it looked; empty: everybody

    def add(self, prospect: Prospect, why: str) -> None:
        """`why` it is not for this person; "" where it is."""
        self.looked_at += 1
        shown = self.ignored_samples.setdefault(why, []) if why else self.samples
        if why:
            self.ignored[why] += 1
        else:
            self.affected += 1
        if len(shown) < SAMPLES_MOST:
            shown.append(person_shown({name: said.value for name, said in prospect.fields.items()}))


class AutomationKeeping:
    def __init__(
        self,
        *,
        store: Store,
        stored: Stored,
        selecting: Selecting,
        configuration: Configuration,
        running: Running,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._stored = stored
        self._selecting = selecting
        self._configuration = configuration
        self._running = running
        self._now = now
        self._new_id = new_id

    async def read(self, automation_id: str) -> Versioned[Automation]:
        """Raises InvalidInputError where there is none."""
        found = await self._store.automation(automation_id)
        if found is None:
            raise InvalidInputError(f"There is no automation {automation_id}.", field="automation_id", status=404)
        return found

    async def save(self, automation: Automation, before: Versioned[Automation] | Any_ | None) -> Automation:
        """Another action or other criteria begin from the start: everybody is gone through again. `before`: as it has
        to stand there still. Raises InvalidInputError, ChangedMeanwhileError.
        """
        check_fits(automation, await self._action(automation))
        known = None if before == "any" else before
        after = await self._in_edition(automation, known.entity if known else None)
        etag = ANY if before == "any" else known.etag if known else ABSENT
        if not await self._store.save(after, etag):
            raise ChangedMeanwhileError(f"automation {automation.id}")
        return after

    async def delete(self, automation_id: str) -> None:
        """Stops it, also one that cannot be read any more; what it has begun goes on."""
        with contextlib.suppress(UnreadableDocumentError):
            await self.read(automation_id)
        await self._store.delete(automation_id)

    async def activate(self, automation_id: str) -> Automation:
        """A draft, or one that had finished, begins from the start; one that was paused goes on."""
        found = await self.read(automation_id)
        automation = found.entity.model_copy(update={"state": "active"})
        if automation.schedule.is_over(self._now(), has_run=False):
            raise InvalidInputError("Its schedule has ended: give it another end first.", field="schedule.ends_at")
        action = await self._action(automation)
        check_fits(automation, action)
        if not action.enabled:
            message = f"The action {action.id} is switched off: switch it on first."
            raise InvalidInputError(message, field="action", status=409)
        if found.entity.state in ("draft", "finished"):
            automation = automation.begun_anew(self._new_id(), self._now())
        return await self._saved(automation, found)

    async def pause(self, automation_id: str) -> Automation:
        found = await self.read(automation_id)
        if found.entity.state in ("draft", "finished"):
            message = f"It does not run, so there is nothing to pause: its state is {found.entity.state}."
            raise InvalidInputError(message, field="state", status=409)
        return await self._saved(found.entity.model_copy(update={"state": "paused"}), found)

    async def run_now(self, automation_id: str) -> Progress:
        """One run, whatever the schedule says. A draft runs for nobody."""
        automation = (await self.read(automation_id)).entity
        if automation.state == "draft":
            message = "A draft runs for nobody: look at its preview, then activate it."
            raise InvalidInputError(message, field="state", status=409)
        if why := await self._running.run(automation, await self._store.progress(automation_id)):
            raise InvalidInputError(why, field="automation_id", status=409)
        return (await self._store.progress(automation_id)).entity

    # --- Looking ahead ----------------------------------------------------------------------------------------------

    async def preview(self, automation: Automation, *, after: str = "") -> Preview:
        """Everybody who is here, judged as the next run judges them; nothing is begun. For one that does not run yet,
        as the first run after it has been switched on.
        """
        task = await self._running.task(automation)
        if isinstance(task, str):
            raise InvalidInputError(task, field="action", status=409)
        runs = automation.state in ("active", "paused")
        news = await self._news(task) if runs and task.follows_all else {}
        preview, position = Preview(), after
        while preview.looked_at < LOOKED_AT_MOST:
            some = await self._stored.some(task.here, most=_PAGE, after=position)
            judged = [
                (Candidate(task.here, name, prospect, prospect), _why_not(task, name, prospect, news))
                for name, prospect in some
            ]
            for who, why in await self._selecting.without_begun(task, judged) if runs and not news else judged:
                preview.add(who.prospect, why)
            position = some[-1][0] if some else position
            if len(some) < _PAGE:
                return preview
        preview.position = position
        return preview

    async def _news(self, task: Task) -> dict[str, str]:
        """Of whom something new was said that is not in their rows yet: why it stays that way, "" where it does not."""
        found = (await self._store.progress(task.automation.id)).entity
        progress, judged, looked_at = found.of(task.automation).caught_up(task.now), list[Judged](), 0
        while looked_at < LOOKED_AT_MOST:
            part = await self._selecting.next(task, progress)
            judged += part.judged
            looked_at, progress = looked_at + part.looked_at, part.progress
            if part.is_last:
                break
        reasons = sorted(((who.name, why) for who, why in judged), key=lambda each: each[1], reverse=True)
        return dict(reasons)  # with several changes of somebody, one that goes through counts

    # --- As it is stored --------------------------------------------------------------------------------------------

    async def _in_edition(self, automation: Automation, before: Automation | None) -> Automation:
        """Who is kept up to date loses no change over an edit."""
        if before and selects_alike(before, automation):
            return automation.begun_anew(before.edition, before.begun_at or self._now())
        begun_at = self._now()
        if before and before.kind == automation.kind == "keep_updated":
            begun_at = (await self._store.progress(before.id)).entity.of(before).read_until or begun_at
        return automation.begun_anew(self._new_id(), begun_at)

    async def _saved(self, automation: Automation, before: Versioned[Automation]) -> Automation:
        if not await self._store.save(automation, before.etag):
            raise ChangedMeanwhileError(f"automation {automation.id}")
        return automation

    async def _action(self, automation: Automation) -> SyncAction:
        action = await self._configuration.action(automation.action)
        if action is None:
            message = f"There is no action {automation.action}: save it first."
            raise InvalidInputError(message, field="action")
        return action


def check_fits(automation: NamedAutomation, action: SyncAction) -> None:
    """Raises InvalidInputError for what would silently be for nobody."""
    for where, why in not_remembered(automation.criteria):
        raise InvalidInputError(why, field=f"criteria.{where}")
    if automation.kind == "keep_updated" and action.match.tables is MatchTables.OFF:
        message = f"The action {action.id} makes a row for each capture, so it finds none to update: choose another."
        raise InvalidInputError(message, field="action")


def _why_not(task: Task, name: str, prospect: Prospect, news: dict[str, str]) -> str:
    who = Candidate(task.here, name, prospect, prospect)
    if not task.follows_all:
        return why_not(task, who)
    return news.get(name, NO_NEWS) if linked_table(task, who) else NO_ROW
