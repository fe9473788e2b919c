"""Brings a connection's mappings up to date with what Dynamics' tables look like now.

Somebody took a column away, shortened it, or renamed an option since the mapping was saved: the mapping keeps its
rows and its version, and learns the facts anew.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from core.domain.mapping import FieldMapping
from core.domain.table import Table
from core.errors import SyncError
from core.logs import logger
from core.sync.ports import ConnectionSetup

# However many values do not fit, the tables are not read more often for them.
DOUBTED_AGAIN_AFTER = timedelta(minutes=10)

_log = logger("captello.sync")


class Describes(Protocol):
    async def table(self, name: str) -> Table: ...


class KeepsFacts(Protocol):
    async def refresh_mapping(self, connection_id: str, mapping: FieldMapping) -> None: ...


class Remembers(KeepsFacts, Protocol):
    async def setup(self, connection_id: str) -> ConnectionSetup | None: ...


async def refresh_mappings(crm: Describes, configuration: KeepsFacts, setup: ConnectionSetup) -> None:
    names = list(setup.mappings)
    tables = await asyncio.gather(*map(crm.table, names))
    await keep_facts(configuration, setup, dict(zip(names, tables, strict=True)))


async def keep_facts(configuration: KeepsFacts, setup: ConnectionSetup, tables: Mapping[str, Table]) -> None:
    """Saves what is new about the tables, as far as they were read."""
    mappings = (setup.mappings[name].with_facts(table) for name, table in tables.items() if name in setup.mappings)
    await _save(configuration, setup, (fresh for fresh in mappings if fresh != setup.mappings[fresh.table]))


class Doubts:
    """Values that do not fit as a mapping knows its columns: do they fit the tables as they are now?"""

    def __init__(self, *, configuration: Remembers, now: Callable[[], datetime]) -> None:
        self._configuration = configuration
        self._now = now
        self._one_at_a_time: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)  # by connection

    async def settled(self, crm: Describes, setup: ConnectionSetup) -> bool:
        """Whether the mappings say something else by now, so that it has to be decided again. Who doubts at the same
        moment is answered together.
        """
        async with self._one_at_a_time[setup.connection.id]:
            current = await self._configuration.setup(setup.connection.id)
            if current and not _has_learnt(setup, current) and (due := self._due(current)):
                current = await self._learnt(crm, replace(current, mappings=due))
        return current is not None and _has_learnt(setup, current)

    def _due(self, setup: ConnectionSetup) -> dict[str, FieldMapping]:
        """The mappings that nobody has doubted for a while."""
        limit = self._now() - DOUBTED_AGAIN_AFTER
        return {name: each for name, each in setup.mappings.items() if not each.doubted_at or each.doubted_at <= limit}

    async def _learnt(self, crm: Describes, setup: ConnectionSetup) -> ConnectionSetup | None:
        """That the tables cannot be read stops nobody, nor does it try anybody's patience twice."""
        doubted = {
            name: mapping.model_copy(update={"doubted_at": self._now()}) for name, mapping in setup.mappings.items()
        }
        setup = replace(setup, mappings=doubted)
        await _save(self._configuration, setup, doubted.values())
        try:
            await refresh_mappings(crm, self._configuration, setup)
        except SyncError as error:
            _log.warning("the tables of %s could not be read anew: %s", setup.connection.id, error.message)
        return await self._configuration.setup(setup.connection.id)


def _has_learnt(before: ConnectionSetup, now: ConnectionSetup) -> bool:
    """Whether a mapping of the same version knows other facts."""
    pairs = [(mapping, now.mappings.get(name)) for name, mapping in before.mappings.items()]
    return any(then.version == new.version and then.columns != new.columns for then, new in pairs if new)


async def _save(configuration: KeepsFacts, setup: ConnectionSetup, mappings: Iterable[FieldMapping]) -> None:
    for mapping in mappings:
        await configuration.refresh_mapping(setup.connection.id, mapping)
