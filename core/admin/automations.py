"""What an operator does with automations: save, look at whom they are for, activate, pause, run now."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from core.domain.automation import Automation, NamedAutomation, Progress, State
from core.domain.fitting import why_unfit
from core.domain.masking import person_shown
from core.domain.prospect import Prospect
from core.domain.stored_prospect import prospect_facts
from core.errors import ChangedMeanwhileError, InvalidInputError
from core.sync.ports import ABSENT, Configuration, ConnectionSetup, Versioned

SAMPLES_MOST = 10
LOOKED_AT_MOST = 5_000  # prospects of one preview
_PAGE = 500


class Store(Protocol):
    async def automation(self, automation_id: str) -> Versioned[Automation] | None: ...

    async def save(self, automation: Automation, etag: str) -> bool: ...

    async def delete(self, automation_id: str) -> None: ...

    async def progress(self, automation_id: str) -> Versioned[Progress]: ...

    async def save_progress(self, automation_id: str, progress: Progress, etag: str) -> bool: ...


class Stored(Protocol):
    async def some(self, organization: str, *, most: int, after: str) -> list[tuple[str, Prospect]]: ...


class Running(Protocol):
    async def run(self, automation: Automation, found: Versioned[Progress]) -> bool: ...


@dataclass(slots=True)
class Preview:
    """Whom an automation would be for, of those that were looked at; people are shown masked."""

    looked_at: int = 0
    affected: int = 0
    ignored: Counter[str] = field(default_factory=Counter)  # by the first condition that does not hold
    samples: list[str] = field(default_factory=list)
    ignored_samples: dict[str, list[str]] = field(default_factory=dict)
    position: str = ""  # up to where it looked; empty: everybody

    def affects(self, person: str) -> None:
        self.affected += 1
        if len(self.samples) < SAMPLES_MOST:
            self.samples.append(person)

    def ignores(self, person: str, why: str) -> None:
        self.ignored[why] += 1
        shown = self.ignored_samples.setdefault(why, [])
        if len(shown) < SAMPLES_MOST:
            shown.append(person)


class AutomationKeeping:
    def __init__(
        self,
        *,
        store: Store,
        stored: Stored,
        configuration: Configuration,
        running: Running,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._stored = stored
        self._configuration = configuration
        self._running = running
        self._now = now

    async def read(self, automation_id: str) -> Versioned[Automation]:
        """Raises InvalidInputError where there is none."""
        found = await self._store.automation(automation_id)
        if found is None:
            raise InvalidInputError(f"There is no automation {automation_id}.", field="automation_id", status=404)
        return found

    async def save(self, automation: Automation, before: Versioned[Automation] | None) -> Automation:
        """Another action or other criteria begin from the start: everybody is gone through again. Raises
        InvalidInputError, ChangedMeanwhileError.
        """
        await self._setup(automation)
        if not await self._store.save(automation, before.etag if before else ABSENT):
            raise ChangedMeanwhileError(f"automation {automation.id}")
        if before and _selects(before.entity) != _selects(automation):
            await self._begin_anew(automation.id)
        return automation

    async def save_settings(self, given: NamedAutomation) -> Automation:
        """A new one is a draft; one that is there keeps its state. Raises as `save` does."""
        before = await self._store.automation(given.id)
        state = before.entity.state if before else "draft"
        automation = Automation.model_validate({**given.model_dump(by_alias=True), "state": state})
        return await self.save(automation, before)

    async def delete(self, automation_id: str) -> None:
        """Stops it; what it has begun goes on."""
        await self.read(automation_id)
        await self._store.delete(automation_id)

    async def change_state(self, automation_id: str, state: State) -> Automation:
        found = await self.read(automation_id)
        after = found.entity.model_copy(update={"state": state})
        if state == "active" and after.schedule.is_over(self._now(), has_run=False):
            raise InvalidInputError("Its schedule has ended: give it another end first.", field="schedule.ends_at")
        await self._setup(after)
        if not await self._store.save(after, found.etag):
            raise ChangedMeanwhileError(f"automation {automation_id}")
        if state == "active" and found.entity.state in ("draft", "finished"):
            await self._begin_anew(automation_id)
        return after

    async def run_now(self, automation_id: str) -> Progress:
        """One run, whatever the schedule says. A draft runs for nobody."""
        automation = (await self.read(automation_id)).entity
        if automation.state == "draft":
            message = "A draft runs for nobody: look at its preview, then activate it."
            raise InvalidInputError(message, field="state", status=409)
        if not await self._running.run(automation, await self._store.progress(automation_id)):
            message = "Another run of it is just being made, or its connection has not worked yet."
            raise InvalidInputError(message, field="automation_id", status=409)
        return (await self._store.progress(automation_id)).entity

    async def preview(self, automation: Automation, *, after: str = "") -> Preview:
        """Everybody who is here, judged as the first run judges them; nothing is begun."""
        setup, preview, position = await self._setup(automation), Preview(), after
        while preview.looked_at < LOOKED_AT_MOST:
            some = await self._stored.some(setup.connection.partition, most=_PAGE, after=position)
            for name, prospect in some:
                position = name
                preview.looked_at += 1
                person = person_shown({field: said.value for field, said in prospect.fields.items()})
                if why := self._why_not(automation, setup, prospect):
                    preview.ignores(person, why)
                else:
                    preview.affects(person)
            if len(some) < _PAGE:
                return preview
        preview.position = position
        return preview

    def _why_not(self, automation: Automation, setup: ConnectionSetup, prospect: Prospect) -> str:
        if automation.kind == "keep_updated" and not prospect.links:
            return "There is no row of this person in Dynamics yet."
        facts = prospect_facts(prospect, now=self._now(), time_zone=setup.connection.time_zone)
        return why_unfit(automation.criteria, facts)

    async def _setup(self, automation: Automation) -> ConnectionSetup:
        action = await self._configuration.action(automation.action)
        setup = await self._configuration.setup(action.connection) if action else None
        if setup is None:
            message = f"There is no action {automation.action}: save it first."
            raise InvalidInputError(message, field="action")
        return setup

    async def _begin_anew(self, automation_id: str) -> None:
        """The runs so far stay to be seen."""
        while True:
            found = await self._store.progress(automation_id)
            anew = Progress(runs=found.entity.runs)
            if found.etag == ABSENT or await self._store.save_progress(automation_id, anew, found.etag):
                return


def _selects(automation: Automation) -> tuple[object, ...]:
    return automation.action, automation.kind, automation.criteria
