"""Beginning a bulk action: what is to be done is written down, then a message begins it.

Content is stored first, then the batch with its source, then the message goes. Whatever is cut off in between is begun
again by whoever asks again, or found by the timer. Beginning the same batch twice is beginning it once.
"""

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.domain.action import SyncAction
from core.domain.bulk_batch import BATCH_KEY, Batch, Source, SourceKind, source_key, told_of
from core.domain.connection import Connection
from core.domain.criteria import Criteria
from core.domain.delivery import Trigger
from core.domain.stored_prospect import unknowable
from core.errors import InvalidInputError, RetryableError
from core.sync.bulk_ports import Batches, BulkQueue, Contents
from core.sync.ports import ABSENT, Change, Configuration, Versioned

RECORDS_MOST = 1_000_000  # of one source; each takes a microsecond of the batch's time
TRIES_MOST = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """What a bulk action is to be done with: one of ids, criteria and blobs; `told` says it in short."""

    told: str
    prospect_ids: Sequence[str] | None = None
    criteria: Criteria | None = None
    blobs: tuple[str, ...] = ()
    content: bytes | None = None  # to be stored as the one blob
    content_type: str = ""

    @property
    def kind(self) -> SourceKind:
        if self.criteria is not None:
            return "filter"
        return "content" if self.prospect_ids is None else "prospects"

    @property
    def room(self) -> timedelta:
        """A microsecond for each record, so that no two of a batch came in at one time."""
        return timedelta(microseconds=RECORDS_MOST if self.content is None else len(self.content))


def asked_for_prospects(prospect_ids: Sequence[str]) -> Asked:
    """Names as the API lists them, or Captello's ids."""
    each_once = tuple(dict.fromkeys(prospect_ids))
    return Asked(told_of("prospects", *each_once), prospect_ids=each_once)


def asked_for_filter(criteria: Criteria) -> Asked:
    """Raises InvalidInputError for what cannot be known of a stored prospect: it would silently fit nobody."""
    if why := unknowable(criteria):
        raise InvalidInputError(why, field="filter")
    return Asked(told_of("filter", criteria.model_dump_json()), criteria=criteria)


class BulkActions:
    def __init__(
        self,
        *,
        batches: Batches,
        contents: Contents,
        queue: BulkQueue,
        configuration: Configuration,
        now: Callable[[], datetime],
    ) -> None:
        self._batches = batches
        self._contents = contents
        self._queue = queue
        self._configuration = configuration
        self._now = now

    async def start(
        self,
        action_id: str,
        *,
        prospect_ids: Sequence[str] | None = None,
        criteria: Criteria | None = None,
        trigger: Trigger = "bulk",
        batch: str = "",
        asked_by: str = "",
    ) -> Batch:
        """A bulk action over prospects that are here already: these, or whoever fits the criteria.

        With a `batch` id, asking again gives the same batch. Raises InvalidInputError where there is no such action,
        or the id means something else.
        """
        asked = asked_for_filter(criteria) if criteria is not None else asked_for_prospects(prospect_ids or ())
        return await self.begin(action_id, asked, trigger=trigger, batch=batch, asked_by=asked_by)

    async def begin(
        self, action_id: str, asked: Asked, *, trigger: Trigger = "bulk", batch: str = "", asked_by: str = ""
    ) -> Batch:
        """The same for anything that can be asked."""
        action, connection = await self.place(action_id)
        batch_id = batch or f"b-{uuid.uuid4().hex}"
        told = told_of(action.id, asked.told)
        if known := await self._batches.read(batch_id, BATCH_KEY, Batch):
            return self._same(known.entity, told)
        now = self._now()
        made = Batch(
            id=batch_id,
            action=action.id,
            connection=connection.id,
            organization=connection.partition,
            trigger=trigger,
            asked_at=now,
            asked_by=asked_by,
            told=told,
            next_at=now + asked.room,
        )
        source = await self._source(made, asked, key="", received_at=now)
        if not await self._stored(made, source):
            known = await self._batches.read(batch_id, BATCH_KEY, Batch)
            return self._same(known.entity, told) if known else made
        await self._queue.send({"batch": batch_id, "source": ""})
        return made

    async def add(self, action_id: str, asked: Asked, *, batch: str, key: str) -> Batch:
        """What a message says, as a source of its own: several messages may name one batch. `key`: the message's id."""
        action, connection = await self.place(action_id)
        for _ in range(TRIES_MOST):
            found = await self._batches.read(batch, BATCH_KEY, Batch) or await self._empty(action, connection, batch)
            if found.entity.action != action.id:
                message = f"The batch {batch} was begun with the action {found.entity.action}: choose another id."
                raise InvalidInputError(message, field="batch", status=409)
            if found.entity.cancelled_at is not None:
                message = f"The batch {batch} was cancelled: name another one."
                raise InvalidInputError(message, field="batch", status=409)
            if await self._batches.read(batch, source_key(key), Source) or await self._added(found, asked, key):
                await self._queue.send({"batch": batch, "source": key})
                return found.entity
        raise RetryableError("Too many messages for the same batch at once.", detail=batch)

    async def place(self, action_id: str) -> tuple[SyncAction, Connection]:
        action = await self._configuration.action(action_id)
        setup = await self._configuration.setup(action.connection) if action else None
        if action is None or setup is None:
            raise InvalidInputError(f"There is no action {action_id[:80]!r}.", field="action", status=404)
        return action, setup.connection

    def _same(self, known: Batch, told: str) -> Batch:
        if known.told != told:
            message = f"The batch {known.id} was begun with other content, or another action: choose another id."
            raise InvalidInputError(message, field="batch", status=409)
        return known

    async def _source(self, batch: Batch, asked: Asked, *, key: str, received_at: datetime) -> Source:
        blobs, content = asked.blobs, asked.content
        if asked.prospect_ids is not None:
            content = json.dumps(list(asked.prospect_ids)).encode()
        if content is not None:
            blobs = (f"batches/{batch.id}/{asked.told}",)
            await self._contents.save(blobs[0], content)
        facts: dict[str, Any] = {"kind": asked.kind, "content_type": asked.content_type, "criteria": asked.criteria}
        return Source(key=key, blobs=blobs, received_at=received_at, sent_at=self._now(), **facts)

    async def _stored(self, batch: Batch, source: Source) -> bool:
        await self._batches.enlist(batch)
        changes = [Change(batch.key, batch, ABSENT), Change(source.entity_key, source, ABSENT)]
        return await self._batches.commit(batch.id, changes) is not None

    async def _empty(self, action: SyncAction, connection: Connection, batch: str) -> Versioned[Batch]:
        now = self._now()
        made = Batch(
            id=batch,
            action=action.id,
            connection=connection.id,
            organization=connection.partition,
            asked_at=now,
            asked_by="queue",
            told="messages",
            next_at=now,
        )
        await self._batches.enlist(made)
        etags = await self._batches.commit(batch, [Change(made.key, made, ABSENT)])
        return Versioned(made, etags[0] if etags else "")

    async def _added(self, found: Versioned[Batch], asked: Asked, key: str) -> bool:
        """False: somebody else has added to the batch meanwhile."""
        batch = found.entity
        received_at = max(self._now(), batch.next_at)
        source = await self._source(batch, asked, key=key, received_at=received_at)
        after = batch.model_copy(update={"next_at": received_at + asked.room, "finished_at": None})
        await self._batches.enlist(after)
        changes = [Change(after.key, after, found.etag or ABSENT), Change(source.entity_key, source, ABSENT)]
        return await self._batches.commit(batch.id, changes) is not None
