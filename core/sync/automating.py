"""Automations' ticks: who is to run now, whom they select, and handing those over as a bulk action.

The first run goes through everybody who is here, a bounded number in each tick; later ones through the feed of
changes, so a tick costs as much as has changed. Nothing is written to Dynamics here. A tick may come late, twice,
beside another, or be cut off anywhere: progress is saved after the batch has begun, and batches and deliveries have ids
that follow from whom they are about and in which version, so whatever is done again is a repeat.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from core.domain.automation import CHANGES_LAST, Automation, Changed, Progress, Run, run_batch
from core.domain.bulk_batch import Batch, told_of
from core.domain.capture import Capture, identity
from core.domain.delivery import Delivery, Trigger, delivery_key, prospect_key
from core.domain.fitting import why_unfit
from core.domain.prospect import Prospect
from core.domain.stored_prospect import capture_of, prospect_facts
from core.errors import SyncError
from core.logs import logger
from core.sync.bulk_actions import Asked
from core.sync.bulk_ports import Stored
from core.sync.ports import Configuration, ConnectionSetup, Ledger, Versioned

# A change is stamped before it is committed, by a worker that lives ten minutes at most: it appears within this time.
APPEARS_WITHIN = timedelta(minutes=15)
NEARLY_AT_ONCE = timedelta(seconds=2)  # two commits may be seen in another order than storage's clock says
LOOKED_AT_MOST = 20_000  # prospects of a first run, in one tick
BATCH_MOST = 10_000  # people of one bulk action
_PAGE = 500
_READ_AT_ONCE = 32

_log = logger("captello.automations")


class Automations(Protocol):
    async def automations(self) -> list[Automation]: ...

    async def progress(self, automation_id: str) -> Versioned[Progress]:
        """An empty one with no ETag where there is none."""
        ...

    async def save_progress(self, automation_id: str, progress: Progress, etag: str) -> bool:
        """False: somebody else did meanwhile."""
        ...

    async def finish(self, automation: Automation) -> None:
        """Marks it finished, unless somebody has changed it meanwhile."""
        ...


class Feed(Protocol):
    async def changes(self, organization: str, *, since: datetime, until: datetime) -> list[Changed]:
        """What prospects heard in that time, oldest first."""
        ...


class Beginning(Protocol):
    async def begin(
        self, action_id: str, asked: Asked, *, trigger: Trigger = "bulk", batch: str = "", asked_by: str = ""
    ) -> Batch: ...


class Places(Protocol):
    async def organizations(self) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Selected:
    """Somebody an automation is for, and in which version."""

    organization: str
    name: str
    prospect: Prospect

    @property
    def version(self) -> str:
        return f"{self.organization}:{self.name}:{self.prospect.version}"


class Automating:
    def __init__(
        self,
        *,
        automations: Automations,
        feed: Feed,
        stored: Stored,
        ledger: Ledger,
        configuration: Configuration,
        places: Places,
        bulk: Beginning,
        now: Callable[[], datetime],
    ) -> None:
        self._automations = automations
        self._feed = feed
        self._stored = stored
        self._ledger = ledger
        self._configuration = configuration
        self._places = places
        self._bulk = bulk
        self._now = now

    async def tick(self) -> int:
        """Runs whatever is due; answers how many ran. One that fails does not keep the others."""
        ran = 0
        for automation in await self._automations.automations():
            try:
                ran += await self._tick(automation)
            except SyncError as error:
                _log.warning("automation %s comes again: %s [%s]", automation.id, error.message, error.code)
            except Exception:  # noqa: BLE001  # a bug over one automation must not keep the others
                _log.exception("automation %s met a bug", automation.id)
        return ran

    async def _tick(self, automation: Automation) -> bool:
        if automation.state != "active":
            return False
        found, now = await self._automations.progress(automation.id), self._now()
        progress, schedule = found.entity, automation.schedule
        has_run = progress.since is not None
        if schedule.is_over(now, has_run=has_run):
            await self._automations.finish(automation)
            return False
        goes_on = progress.begun_at is not None and not has_run and schedule.is_open(now)
        if not goes_on and not schedule.is_due(now, last_run_at=progress.last_run_at):
            return False
        return await self.run(automation, found)

    async def run(self, automation: Automation, found: Versioned[Progress]) -> bool:
        """Now, whatever the schedule says. False: another run was at it, or its connection has not worked yet."""
        setup = await self._setup(automation)
        if setup is None or setup.connection.organization_id is None:
            return False
        progress = self._caught_up(found.entity)
        if progress.since is None and automation.kind == "select":
            run, progress = await self._first_run(automation, setup, progress)
        else:
            run, progress = await self._later_run(automation, setup, progress)
        return await self._automations.save_progress(automation.id, progress.after(run), found.etag)

    def _caught_up(self, progress: Progress) -> Progress:
        """What changed long ago is not known any more: whoever was paused for long begins anew."""
        if progress.since is not None and self._now() - progress.since > CHANGES_LAST:
            return Progress(runs=progress.runs, last_run_at=progress.last_run_at)
        return progress

    async def _setup(self, automation: Automation) -> ConnectionSetup | None:
        action = await self._configuration.action(automation.action)
        return await self._configuration.setup(action.connection) if action else None

    # --- Whom it is for ---------------------------------------------------------------------------------------------

    async def _first_run(
        self, automation: Automation, setup: ConnectionSetup, progress: Progress
    ) -> tuple[Run, Progress]:
        """Goes on where the tick before ended; what changes meanwhile is seen by the first later run."""
        now, looked_at, position = self._now(), 0, progress.position
        begun_at, selected, is_over = progress.begun_at or now, list[Selected](), False
        while looked_at < LOOKED_AT_MOST and not is_over:
            some = await self._stored.some(setup.connection.partition, most=_PAGE, after=position)
            is_over = len(some) < _PAGE
            looked_at += len(some)
            position = some[-1][0] if some else position
            people = [Selected(setup.connection.partition, name, prospect) for name, prospect in some]
            selected += [each for each in people if not self._why_unfit(automation, setup, each.prospect)]
        batches = await self._hand_over(automation, selected)
        run = Run(at=now, looked_at=looked_at, selected=len(selected), batches=batches)
        changes = {"since": begun_at, "position": ""} if is_over else {"begun_at": begun_at, "position": position}
        return run, progress.model_copy(update=changes)

    async def _later_run(
        self, automation: Automation, setup: ConnectionSetup, progress: Progress
    ) -> tuple[Run, Progress]:
        now, here = self._now(), setup.connection.partition
        since = progress.since or now
        seen = [progress.seen or since]
        every = await self._places.organizations() if automation.kind == "keep_updated" else [here]
        selected, looked_at = list[Selected](), 0
        for organization in every:
            changes = await self._unseen(organization, since, now, (progress.seen or since) - NEARLY_AT_ONCE)
            seen += [change.committed_at for change in changes if change.committed_at]
            async for person, changed in self._changed(organization, changes):
                looked_at += 1
                if self._why_unfit(automation, setup, person.prospect, changed):
                    continue
                if automation.kind == "select" or await self._is_linked(here, person.name):
                    selected.append(person)
        new = await self._not_begun(automation, here, selected)
        batches = await self._hand_over(automation, new)
        run = Run(at=now, looked_at=looked_at, selected=len(new), batches=batches)
        return run, progress.model_copy(update={"since": now, "seen": max(seen)})

    async def _unseen(self, organization: str, since: datetime, until: datetime, seen: datetime) -> list[Changed]:
        """What was committed since the last run, whatever time its worker had stamped it with before."""
        changes = await self._feed.changes(organization, since=since - APPEARS_WITHIN, until=until + APPEARS_WITHIN)
        return [each for each in changes if each.committed_at is None or each.committed_at > seen]

    async def _changed(self, organization: str, changes: Sequence[Changed]) -> AsyncIterator[tuple[Selected, set[str]]]:
        """Everybody who has changed, as they are now, and in what."""
        fields: dict[str, set[str]] = {}
        for change in changes:
            fields.setdefault(change.prospect, set()).update(change.fields)
        names = list(fields)
        for start in range(0, len(names), _READ_AT_ONCE):
            some = names[start : start + _READ_AT_ONCE]
            read = await asyncio.gather(
                *(self._ledger.read(organization, prospect_key(each), Prospect) for each in some)
            )
            for name, found in zip(some, read, strict=True):
                if found is not None:
                    yield Selected(organization, name, found.entity), fields[name]

    def _why_unfit(
        self, automation: Automation, setup: ConnectionSetup, prospect: Prospect, changed: set[str] | None = None
    ) -> str:
        zone = setup.connection.time_zone
        facts = prospect_facts(prospect, now=self._now(), time_zone=zone, changed=changed or ())
        return why_unfit(automation.criteria, facts)

    async def _is_linked(self, organization: str, name: str) -> bool:
        found = await self._ledger.read(organization, prospect_key(name), Prospect)
        return found is not None and bool(found.entity.links)

    async def _not_begun(self, automation: Automation, here: str, selected: Sequence[Selected]) -> list[Selected]:
        """Without those that a tick before this one has seen to; begun a moment ago, they would be repeats."""
        new: list[Selected] = []
        for start in range(0, len(selected), _READ_AT_ONCE):
            some = selected[start : start + _READ_AT_ONCE]
            keys = [delivery_key(identity(automation.action, _capture(automation, each))) for each in some]
            known = await asyncio.gather(*(self._ledger.read(here, key, Delivery) for key in keys))
            new += [each for each, found in zip(some, known, strict=True) if found is None]
        return new

    # --- What is done with them -------------------------------------------------------------------------------------

    async def _hand_over(self, automation: Automation, selected: Sequence[Selected]) -> tuple[str, ...]:
        """As bulk actions, in the versions that were found."""
        batches: list[str] = []
        for start in range(0, len(selected), BATCH_MOST):
            some = selected[start : start + BATCH_MOST]
            batch = run_batch(automation.id, [each.version for each in some])
            lines = "\n".join(_capture(automation, each).model_dump_json(exclude_defaults=True) for each in some)
            asked = Asked(told_of("automation", batch), content=lines.encode(), content_type="application/x-ndjson")
            await self._bulk.begin(
                automation.action, asked, trigger="automation", batch=batch, asked_by=f"automation {automation.id}"
            )
            batches.append(batch)
        return tuple(batches)


def _capture(automation: Automation, selected: Selected) -> Capture:
    """One delivery for each version, whatever tick it is found in."""
    return capture_of(selected.name, selected.prospect, delivery_id=f"{automation.id}:{selected.version}")
