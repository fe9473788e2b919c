"""The table `Replays`: how far each has come, and in pages what each is to do, written down before it is done."""

from datetime import datetime
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode
from azure.data.tables.aio import TableClient

from core.domain.replay import Page, Replay
from core.storage.document import packed, unpacked
from core.storage.failures import storage_failures
from core.sync.ports import Versioned

_REPLAYS = "replays"
_PAGES = "pages|"


class TableReplays:
    def __init__(self, table: TableClient) -> None:
        self._table = table

    async def create(self, replay: Replay) -> bool:
        """False: there is one of this id."""
        try:
            with storage_failures("creating a replay"):
                await self._table.create_entity(_entity(replay))
        except ResourceExistsError:
            return False
        return True

    async def read(self, replay_id: str) -> Versioned[Replay] | None:
        try:
            with storage_failures("reading a replay"):
                entity = await self._table.get_entity(_REPLAYS, replay_id)
        except ResourceNotFoundError:
            return None
        return Versioned(unpacked(entity, Replay), str(entity.metadata["etag"]))

    async def save(self, replay: Replay, etag: str) -> Versioned[Replay] | None:
        """None: somebody else has gone on with it."""
        unchanged = MatchConditions.IfNotModified
        try:
            with storage_failures("saving a replay"):
                answer = await self._table.update_entity(
                    _entity(replay), mode=UpdateMode.REPLACE, etag=etag, match_condition=unchanged
                )
        except (ResourceModifiedError, ResourceNotFoundError):
            return None
        return Versioned(replay, str(answer["etag"]))

    async def every(self, *, only_open: bool = False) -> list[Replay]:
        """The newest first."""
        condition = "PartitionKey eq @replays" + (" and state ne 'done'" if only_open else "")
        with storage_failures("reading replays"):
            query = self._table.query_entities(condition, parameters={"replays": _REPLAYS})
            found = [unpacked(entity, Replay) async for entity in query]
        return sorted(found, key=lambda replay: (replay.asked_at, replay.id), reverse=True)

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
        old = [each for each in await self.every() if each.state == "done" and each.asked_at < before]
        with storage_failures("tidying replays"):
            for replay in old[-most:]:
                for number in range(replay.pages):
                    keys = _page_keys(replay.id, number)
                    await self._table.delete_entity(keys["PartitionKey"], keys["RowKey"])
                await self._table.delete_entity(_REPLAYS, replay.id)
        return len(old[-most:])


def _entity(replay: Replay) -> dict[str, Any]:
    shown = {"state": replay.state, "asked_at": replay.asked_at, "asked_by": replay.asked_by, "listed": replay.listed}
    return {"PartitionKey": _REPLAYS, "RowKey": replay.id, **shown, **packed(replay)}


def _page_keys(replay_id: str, number: int) -> dict[str, str]:
    return {"PartitionKey": f"{_PAGES}{replay_id}", "RowKey": f"{number:06d}"}
