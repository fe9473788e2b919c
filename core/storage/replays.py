"""The table `Replays`: how far each has come, and in pages what each is to do, written down before it is done.

Beside each replay stand an entry that sorts it by its age, and one as long as it is not over. So listing, going on and
tidying look at what they are about, however many there have been.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from core.domain.replay import Page, Replay
from core.storage.document import packed, unpacked
from core.storage.entity_batch import Operation
from core.storage.failures import storage_failures
from core.storage.log_row import time_key
from core.storage.transactions import submitted
from core.sync.ports import Versioned

_REPLAYS = "replays"
_PAGES = "pages|"
_BY_AGE, _OPEN = "by-age|", "open|"  # no replay is called so: ids hold no bar


class TableReplays:
    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def create(self, replay: Replay) -> bool:
        """False: there is one of this id."""
        entries = ({"PartitionKey": _REPLAYS, "RowKey": key, "replay": replay.id} for key in _entry_keys(replay))
        operations = [Operation("insert", entity) for entity in (_entity(replay), *entries)]
        return await submitted(self._table, operations, what="creating a replay") is not None

    async def read(self, replay_id: str) -> Versioned[Replay] | None:
        try:
            with storage_failures("reading a replay"):
                entity = await self._table.get_entity(_REPLAYS, replay_id)
        except ResourceNotFoundError:
            return None
        return Versioned(unpacked(entity, Replay), str(entity.metadata["etag"]))

    async def save(self, replay: Replay, etag: str) -> Versioned[Replay] | None:
        """None: somebody else has gone on with it."""
        operations = [Operation("replace", _entity(replay), etag)]
        if replay.state == "done":
            operations.append(Operation("delete", {"PartitionKey": _REPLAYS, "RowKey": _OPEN + replay.id}, "*"))
        etags = await submitted(self._table, operations, what="saving a replay")
        return Versioned(replay, etags[0]) if etags else None

    async def open(self) -> list[Replay]:
        """Those that are not over."""
        return await self._whole([name async for _, name in self._entries(_OPEN)])

    async def newest(self, *, most: int, after: str | None = None) -> tuple[list[Replay], str | None]:
        """And where the next page begins; None: there is nothing more."""
        found: list[tuple[str, str]] = []
        async for place, name in self._entries(after or _BY_AGE):
            if len(found) == most:
                return await self._whole([name for _, name in found]), found[-1][0]
            found.append((place, name))
        return await self._whole([name for _, name in found]), None

    async def _entries(self, after: str) -> AsyncIterator[tuple[str, str]]:
        """Of one kind, behind a place: where each stands, and of which replay it is."""
        end = after.partition("|")[0] + "}"
        query = self._table.query_entities(
            "PartitionKey eq @replays and RowKey gt @after and RowKey lt @end",
            parameters={"replays": _REPLAYS, "after": after, "end": end},
        )
        with storage_failures("listing replays"):
            async for entity in query:
                yield str(entity["RowKey"]), str(entity["replay"])

    async def _whole(self, names: list[str]) -> list[Replay]:
        found = await asyncio.gather(*(self.read(name) for name in names))
        return [each.entity for each in found if each]

    async def save_page(self, replay_id: str, number: int, page: Page) -> None:
        entity = {**_page_keys(replay_id, number), **packed(page)}
        with storage_failures("saving a page of a replay"):
            await self._table.upsert_entity(entity, mode=UpdateMode.REPLACE)

    async def page(self, replay_id: str, number: int) -> Page:
        keys = _page_keys(replay_id, number)
        with storage_failures("reading a page of a replay"):
            return unpacked(await self._table.get_entity(keys["PartitionKey"], keys["RowKey"]), Page)

    async def tidy(self, before: datetime, *, most: int) -> int:
        """Takes away replays that are over and were asked for before then, with their pages; answers how many."""
        removed = 0
        async for place, name in self._entries(_BY_AGE + time_key(before)):
            if removed >= most:
                break
            found = await self.read(name)
            if found is None or found.entity.state == "done":
                await self._remove(name, place, found.entity.pages if found else 0)
                removed += 1
        return removed

    async def _remove(self, name: str, place: str, pages: int) -> None:
        """Its entry goes last: until then it is found again."""
        keys = [*(_page_keys(name, number) for number in range(pages)), {"PartitionKey": _REPLAYS, "RowKey": name}]
        with storage_failures("tidying replays"):
            for each in (*keys, {"PartitionKey": _REPLAYS, "RowKey": place}):
                await self._table.delete_entity(each["PartitionKey"], each["RowKey"])


def _entity(replay: Replay) -> dict[str, Any]:
    shown = {"state": replay.state, "asked_at": replay.asked_at, "asked_by": replay.asked_by, "listed": replay.listed}
    return {"PartitionKey": _REPLAYS, "RowKey": replay.id, **shown, **packed(replay)}


def _entry_keys(replay: Replay) -> list[str]:
    by_age = f"{_BY_AGE}{time_key(replay.asked_at)}|{replay.id}"
    return [by_age] if replay.state == "done" else [by_age, f"{_OPEN}{replay.id}"]


def _page_keys(replay_id: str, number: int) -> dict[str, str]:
    return {"PartitionKey": f"{_PAGES}{replay_id}", "RowKey": f"{number:06d}"}
