"""Looking for the people an automation is for: a slice of everybody who is here, or of what has changed.

Everybody is gone through once, in the order of their names; then the feeds of changes are read, so that looking costs
as much as has changed. Nothing is stored here: a slice comes with the progress that holds once it has been handed over.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.domain.automation import Changed, FeedPart, Progress
from core.domain.delivery import Delivery, delivery_key, prospect_key
from core.domain.prospect import Prospect
from core.domain.selecting import (
    IS_DONE,
    Candidate,
    Task,
    delivered_as,
    is_there_already,
    may_concern,
    why_not,
)
from core.domain.stored_prospect import said_since
from core.sync.bulk_ports import Stored
from core.sync.ports import Ledger

SLICE = 10_000  # people, or changes, that are handed over at once
_PAGE = 500
_READ_AT_ONCE = 32

Judged = tuple[Candidate, str]  # somebody who was looked at, and why the automation is not for them ("": it is)


class Feed(Protocol):
    async def changes(
        self, organization: str, *, after: str, before: str, committed_after: datetime | None, most: int
    ) -> FeedPart:
        """Between these keys; fewer than `most`: that is all."""
        ...


class Places(Protocol):
    async def organizations(self) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Slice:
    """Some who were looked at."""

    judged: Sequence[Judged]
    progress: Progress  # when those it is for have been handed over
    is_last: bool
    looked_at: int = 0

    @property
    def selected(self) -> list[Candidate]:
        return [who for who, why in self.judged if not why]


class Selecting:
    def __init__(self, *, feed: Feed, stored: Stored, ledger: Ledger, places: Places, most: int = SLICE) -> None:
        self._feed = feed
        self._stored = stored
        self._ledger = ledger
        self._places = places
        self._most = most

    async def next(self, task: Task, progress: Progress) -> Slice:
        organizations = sorted(await self._places.organizations()) if task.follows_all else [task.here]
        if progress.since is None:
            return await self._among_all(task, progress, organizations)
        return await self._among_changed(task, progress, organizations)

    async def without_begun(self, task: Task, judged: Sequence[Judged]) -> list[Judged]:
        """Those are not selected that a run before this one has seen to."""
        selected = [who for who, why in judged if not why]
        begun: set[int] = set()
        for start in range(0, len(selected), _READ_AT_ONCE):
            some = selected[start : start + _READ_AT_ONCE]
            reads = (self._ledger.read(task.here, delivery_key(delivered_as(task, who)), Delivery) for who in some)
            known = await asyncio.gather(*reads)
            begun |= {id(who) for who, found in zip(some, known, strict=True) if found is not None}
        return [(who, IS_DONE if id(who) in begun else why) for who, why in judged]

    # --- Everybody --------------------------------------------------------------------------------------------------

    async def _among_all(self, task: Task, progress: Progress, organizations: Sequence[str]) -> Slice:
        """Goes on where the last slice ended; what changes meanwhile is seen in the feed."""
        begun = progress.model_copy(update={"begun_at": progress.begun_at or task.now})
        position, people = begun.position, list[tuple[str, str, Prospect]]()
        while len(people) < self._most:
            organization, some = await self._some(organizations, position)
            people += [(organization, name, prospect) for name, prospect in some]
            if not some:
                judged = await self._all_judged(task, begun, people)
                return Slice(judged, begun.through(), is_last=True, looked_at=len(people))
            position = f"{organization}|{some[-1][0]}"
        judged = await self._all_judged(task, begun, people)
        after = begun.model_copy(update={"position": position})
        return Slice(judged, after, is_last=False, looked_at=len(people))

    async def _some(self, organizations: Sequence[str], position: str) -> tuple[str, list[tuple[str, Prospect]]]:
        """The next page behind `position`, which is an organisation and a name; nobody: there is no more."""
        begins, _, name = position.partition("|")
        for organization in (each for each in organizations if each >= begins):
            after = name if organization == begins else ""
            if some := await self._stored.some(organization, most=_PAGE, after=after):
                return organization, some
        return "", []

    async def _all_judged(
        self, task: Task, progress: Progress, people: Sequence[tuple[str, str, Prospect]]
    ) -> list[Judged]:
        """Who is kept up to date, and was out of sight, is so for what was said since then."""
        since = progress.again_since
        found = [
            Candidate(organization, name, prospect, None, said_since(prospect, since) if since else ())
            for organization, name, prospect in people
        ]
        wanted = [who for who in found if who.changed or not task.follows_all]
        judged = [(who, why_not(task, who)) for who in await self._with_known(task, wanted)]
        return judged if since is None else await self.without_begun(task, judged)

    # --- What has changed -------------------------------------------------------------------------------------------

    async def _among_changed(self, task: Task, progress: Progress, organizations: Sequence[str]) -> Slice:
        """The next part of the first feed that has not been gone through now."""
        places = {each: progress.place(each) for each in organizations}
        pending = [each for each, place in places.items() if place.began_at or place.since < task.now]
        if not pending:
            return Slice([], progress.model_copy(update={"places": places}), is_last=True)
        here, place = pending[0], places[pending[0]].under_way(task.now)
        after, before = place.window
        part = await self._feed.changes(here, after=after, before=before, committed_after=place.seen, most=self._most)
        is_end = len(part.changes) < self._most
        changes = [each for each in part.changes if place.is_unread(each) and may_concern(task, each)]
        places[here] = place.having_read(part.changes, part.asked_at, is_end=is_end)
        judged = await self._changes_judged(task, here, changes)
        is_last = is_end and len(pending) == 1 and places[here].since >= task.now
        return Slice(judged, progress.model_copy(update={"places": places}), is_last, len(changes))

    async def _changes_judged(self, task: Task, organization: str, changes: Sequence[Changed]) -> list[Judged]:
        people = await self._people(organization, dict.fromkeys(each.prospect for each in changes))
        found = [
            (change, Candidate(organization, change.prospect, who, None, change.fields, change.key))
            for change in _together(task, changes)
            if (who := people.get(change.prospect))
        ]
        known = await self._with_known(task, [who for _, who in found])
        wanted = [who for (change, _), who in zip(found, known, strict=True) if not is_there_already(task, who, change)]
        return await self.without_begun(task, [(who, why_not(task, who)) for who in wanted])

    # --- As they are known ------------------------------------------------------------------------------------------

    async def _with_known(self, task: Task, found: Sequence[Candidate]) -> list[Candidate]:
        """With what is known of them here, where their rows are."""
        elsewhere = dict.fromkeys(who.name for who in found if who.organization != task.here)
        known = await self._people(task.here, elsewhere)
        return [who.known_as(who.prospect if who.organization == task.here else known.get(who.name)) for who in found]

    async def _people(self, organization: str, names: dict[str, None]) -> dict[str, Prospect]:
        people: dict[str, Prospect] = {}
        every = list(names)
        for start in range(0, len(every), _READ_AT_ONCE):
            some = every[start : start + _READ_AT_ONCE]
            reads = (self._ledger.read(organization, prospect_key(each), Prospect) for each in some)
            for name, found in zip(some, await asyncio.gather(*reads), strict=True):
                if found is not None:
                    people[name] = found.entity
        return people


def _together(task: Task, changes: Sequence[Changed]) -> list[Changed]:
    """Who is selected runs once, whatever they said how often; who is kept up to date, once for each change."""
    if task.follows_all:
        return list(changes)
    fields: dict[str, dict[str, None]] = {}
    for change in changes:
        fields.setdefault(change.prospect, {}).update(dict.fromkeys(change.fields))
    return [Changed(prospect=name, fields=tuple(each)) for name, each in fields.items()]
