"""Requests to the ledger: reads, and transactions that happen whole or not at all."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.protocol.world import ABSENT, ANY, Entity, World


class Read(NamedTuple):
    """Entities by key. One step here, or one for each key where a scenario asks for that (`apart`)."""

    keys: tuple[str, ...]

    def apply(self, world: World) -> tuple[World, tuple[Entity, ...]]:
        return world, tuple(world.entities.get(key, (ABSENT, None)) for key in self.keys)

    def apart(self) -> Iterator["Read"]:
        return (Read((key,)) for key in self.keys)


class Change(NamedTuple):
    key: str
    fields: Any  # None: delete
    etag: int


class Transact(NamedTuple):
    why: str
    changes: tuple[Change, ...]

    def apply(self, world: World) -> tuple[World, bool]:
        entities = dict(world.entities)
        for change in self.changes:
            etag = entities.get(change.key, (ABSENT, None))[0]
            if change.etag not in (ANY, etag):
                return world, False
            if change.fields is None:
                entities.pop(change.key, None)
            else:
                entities[change.key] = (etag + 1, change.fields)
        return world._replace(entities=entities), True
