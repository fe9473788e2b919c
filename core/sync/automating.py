"""Automations' ticks: who is to run now, and handing those it is for over as a bulk action.

Nothing is written to Dynamics here. A tick may come late, twice, beside another, or be cut off anywhere: progress is
saved after each slice has been handed over, on condition that nobody else has saved any, and batches and deliveries
have ids that follow from whom they are about. So whatever is done again is a repeat. Progress holds for one edition of
the automation: who changes it needs not touch it, and a run that was on its way for an earlier one spoils nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol

from core.domain.automation import Automation, Progress, Run, run_batch
from core.domain.bulk_batch import Batch, told_of
from core.domain.capture import Capture
from core.domain.delivery import Trigger
from core.domain.selecting import Task, handed_over
from core.errors import SyncError
from core.logs import logger
from core.sync.bulk_actions import Asked
from core.sync.ports import Configuration, Versioned
from core.sync.selecting import Selecting

LOOKED_AT_MOST = 20_000  # people, or changes, in one run; the next tick goes on

_log = logger("captello.automations")


class Automations(Protocol):
    async def automations(self) -> list[Automation]: ...

    async def automation(self, automation_id: str) -> Versioned[Automation] | None: ...

    async def progress(self, automation_id: str) -> Versioned[Progress]:
        """An empty one with no ETag where there is none."""
        ...

    async def save_progress(self, automation_id: str, progress: Progress, etag: str) -> str | None:
        """The new ETag. None: somebody else did meanwhile."""
        ...

    async def finish(self, automation: Automation) -> None:
        """Marks it finished, unless somebody has changed it meanwhile."""
        ...


class Beginning(Protocol):
    async def begin(
        self, action_id: str, asked: Asked, *, trigger: Trigger = "bulk", batch: str = "", asked_by: str = ""
    ) -> Batch: ...


class Automating:
    def __init__(
        self,
        *,
        automations: Automations,
        selecting: Selecting,
        configuration: Configuration,
        bulk: Beginning,
        now: Callable[[], datetime],
    ) -> None:
        self._automations = automations
        self._selecting = selecting
        self._configuration = configuration
        self._bulk = bulk
        self._now = now

    async def tick(self) -> int:
        """Runs whatever is due; answers how many ran. One that fails does not keep the others."""
        ran = 0
        for automation in await self._automations.automations():
            try:
                ran += automation.state == "active" and await self._tick(automation.id)
            except SyncError as error:
                _log.warning("automation %s comes again: %s [%s]", automation.id, error.message, error.code)
            except Exception:  # noqa: BLE001  # a bug over one automation must not keep the others
                _log.exception("automation %s met a bug", automation.id)
        return ran

    async def _tick(self, automation_id: str) -> bool:
        """As it is stored now: those before it may have taken their time."""
        stored, found = (
            await self._automations.automation(automation_id),
            await self._automations.progress(automation_id),
        )
        if stored is None or stored.entity.state != "active":
            return False
        automation, now = stored.entity, self._now()
        progress, schedule = found.entity.of(automation), automation.schedule
        if schedule.is_over(now, has_run=progress.since is not None):
            await self._automations.finish(automation)
            return False
        due_at = schedule.due(now, last=progress.due_at)
        if due_at is None and not (progress.is_under_way and schedule.is_open(now)):
            return False
        why_not = await self.run(automation, found, due_at=due_at)
        if why_not:
            _log.info("automation %s waits: %s", automation_id, why_not)
        return not why_not

    async def run(self, automation: Automation, found: Versioned[Progress], *, due_at: datetime | None = None) -> str:
        """Now, whatever the schedule says. Answers why it did not, in words; "" where it did."""
        task = await self.task(automation)
        if isinstance(task, str):
            return task
        progress, etag, looked_at = found.entity.of(automation).caught_up(task.now), found.etag, 0
        if due_at is not None:
            progress = progress.model_copy(update={"due_at": due_at})
        handed: set[str] = set()  # who said several things may be found in several slices
        while looked_at < LOOKED_AT_MOST:
            part = await self._selecting.next(task, progress)
            looked_at += part.looked_at
            captures = _new(handed, [handed_over(task, who) for who in part.selected])
            batches = await self._hand_over(task, captures)
            run = Run(at=task.now, looked_at=part.looked_at, selected=len(captures), batches=batches)
            progress = part.progress.after(run)
            saved = await self._automations.save_progress(automation.id, progress, etag)
            if saved is None:
                return "Another run of it is just being made."
            if part.is_last:
                break
            etag = saved
        return ""

    async def task(self, automation: Automation) -> Task | str:
        """What it works with; or why it cannot now."""
        action = await self._configuration.action(automation.action)
        setup = await self._configuration.setup(action.connection) if action else None
        if action is None or setup is None:
            return f"There is no action {automation.action}: save it first."
        if not action.enabled:
            return f"The action {action.id} is switched off: switch it on first."
        connection = setup.connection
        if connection.organization_id is None:
            return "Its connection has not worked yet."
        return Task(
            automation, action, connection.id, connection.partition, connection.time_zone, setup.mappings, self._now()
        )

    async def _hand_over(self, task: Task, captures: Sequence[Capture]) -> tuple[str, ...]:
        """As a bulk action."""
        if not captures:
            return ()
        batch = run_batch(task.automation, [str(each.delivery_id) for each in captures])
        asked = Asked(told_of("automation", batch), content=_lines(captures), content_type="application/x-ndjson")
        asked_by = f"automation {task.automation.id}"
        await self._bulk.begin(task.action.id, asked, trigger="automation", batch=batch, asked_by=asked_by)
        return (batch,)


def _new(handed: set[str], captures: Iterable[Capture]) -> list[Capture]:
    """Those that have not been handed over; from now on they have."""
    new = {name: each for each in captures if (name := str(each.delivery_id)) not in handed}
    handed.update(new)
    return list(new.values())


def _lines(captures: Sequence[Capture]) -> bytes:
    return "\n".join(each.model_dump_json(exclude_defaults=True) for each in captures).encode()
