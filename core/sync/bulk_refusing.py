"""What can never succeed is told: a failed row of the log and, where it came as a message, the poison queue.

The row's key follows from the message or source, so telling it again is telling it once. The message on the poison
queue may come twice; put back, it is read as it was.
"""

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol

from core.domain.bulk_batch import Batch, Source
from core.domain.capture import Capture, digest
from core.domain.connection import CONFIGURATION_ID, NO_CONNECTION
from core.domain.delivery import Delivery, ErrorClass, Outcome, Result
from core.errors import InvalidInputError
from core.sync.bulk_actions import BulkActions
from core.sync.bulk_ports import Contents
from core.sync.ports import SyncLog

REFUSED_MESSAGE = "refused_message"
_UPLOADED = "batches/"


class PoisonQueue(Protocol):
    async def refuse(self, body: str, reason: str) -> None: ...


class Refusing:
    def __init__(
        self,
        *,
        actions: BulkActions,
        contents: Contents,
        poison: PoisonQueue,
        sync_log: SyncLog,
        now: Callable[[], datetime],
    ) -> None:
        self._actions = actions
        self._contents = contents
        self._poison = poison
        self._sync_log = sync_log
        self._now = now

    async def message(self, body: str, reason: str, *, action: str, message_id: str, sent_at: datetime | None) -> None:
        """One that was not taken on; `action` as it names it, if it does."""
        connection, organization, named = await self._place(action)
        await self._tell(
            Delivery(
                id=digest("message", message_id),
                organization=organization,
                connection=connection,
                action=named,
                trigger="bulk",
                capture=Capture(),
                received_at=sent_at or self._now(),
                due_at=self._now(),
            ),
            reason,
        )
        await self._poison.refuse(body, reason)

    async def source(self, batch: Batch, source: Source, reason: str) -> None:
        """One that was taken on, and that cannot be read. Its row stands behind all lines that were."""
        received_at = source.received_at + timedelta(microseconds=source.records)
        await self._tell(
            Delivery(
                id=digest("source", batch.id, source.key),
                organization=batch.organization,
                connection=batch.connection,
                action=batch.action,
                trigger=batch.trigger,
                capture=Capture(),
                received_at=received_at,
                due_at=received_at,
                batch=batch.id,
            ),
            reason,
        )
        if source.key:
            await self._poison.refuse(await self._order(batch, source), reason)

    async def _place(self, action: str) -> tuple[str, str, str]:
        """Connection, organisation and action; rows of what names none that is known stand in a place of their own."""
        if not re.fullmatch(CONFIGURATION_ID, action):
            return NO_CONNECTION, "", ""
        try:
            known, connection = await self._actions.place(action)
        except InvalidInputError:
            return NO_CONNECTION, "", action
        return connection.id, connection.partition, known.id

    async def _tell(self, delivery: Delivery, reason: str) -> None:
        result = Result(
            outcome=Outcome.FAILED,
            reason=reason,
            error_class=ErrorClass.DATA,
            error_code=REFUSED_MESSAGE,
            finished_at=self._now(),
        )
        await self._sync_log.write(delivery.model_copy(update={"state": "done", "result": result}), row_url="")

    async def _order(self, batch: Batch, source: Source) -> str:
        """What the message said."""
        order = {"action": batch.action, "batch": batch.id, **await self._wanted(source)}
        return json.dumps(order, ensure_ascii=False, separators=(",", ":"))

    async def _wanted(self, source: Source) -> dict[str, Any]:
        if source.criteria is not None:
            return {"filter": source.criteria.model_dump(mode="json")}
        name = source.blobs[0]
        if not name.startswith(_UPLOADED):
            return {"blob": f"bulk/{name}"}
        content = b"".join([block async for block in self._contents.stream(name)])
        if source.kind == "prospects":
            return {"prospect_ids": json.loads(content)}
        return {"prospects": [json.loads(line) for line in content.split(b"\n") if line]}
