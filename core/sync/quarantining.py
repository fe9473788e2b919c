"""Bodies that could not be read: kept whole, seen in the log, and replayed once they can be.

A replay is a delivery whose id and time of receipt are the quarantined body's: so it happens once, whoever asks for it
how often, its capture counts as said when it came in, and the row in the log that said `quarantined` says what became
of it.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from core.domain.action import SyncAction
from core.domain.capture import Capture
from core.domain.capture_body import Unreadable, read_capture
from core.domain.connection import Connection
from core.domain.delivery import Delivery, Outcome, Result
from core.domain.quarantined import Quarantined, quarantine_receipt
from core.errors import InvalidInputError
from core.sync.capture import Answer, Captures
from core.sync.ports import Configuration, SyncLog, Versioned


class Bodies(Protocol):
    async def add(self, item: Quarantined, body: bytes) -> bool: ...

    async def item(self, receipt: str) -> Versioned[Quarantined] | None: ...

    async def body(self, receipt: str, *, mended: bool = False) -> bytes: ...

    async def change(self, item: Quarantined, etag: str, *, mended: bytes | None = None) -> bool: ...


class Quarantine:
    def __init__(
        self,
        *,
        bodies: Bodies,
        captures: Captures,
        configuration: Configuration,
        sync_log: SyncLog,
        now: Callable[[], datetime],
        grace: timedelta,
    ) -> None:
        self._bodies = bodies
        self._captures = captures
        self._configuration = configuration
        self._sync_log = sync_log
        self._now = now
        self._grace = grace

    async def keep(
        self,
        unreadable: Unreadable,
        *,
        action: SyncAction,
        connection: Connection,
        body: bytes,
        content_type: str,
        query: Mapping[str, str],
    ) -> Quarantined:
        """Keeps the body, once; a repeat of it is counted."""
        item = Quarantined(
            receipt=quarantine_receipt(action.id, body, query),
            action=action.id,
            connection=connection.id,
            organization=connection.partition,
            reason=unreadable.reason,
            content_type=content_type[:200],
            query=dict(query),
            size=len(body),
            received_at=self._now(),
        )
        if await self._bodies.add(item, body):
            await self._sync_log.note_quarantined(_delivery(item), reason=item.reason)
            return item
        first = await self._item(item.receipt)
        # The row again: who kept the body first may not have come so far.
        await self._sync_log.note_quarantined(_delivery(first.entity), reason=first.entity.reason)
        await self._sync_log.count_repeat(_delivery(first.entity))
        return first.entity

    async def replay(self, receipt: str, *, mended: bytes | None = None, content_type: str | None = None) -> Answer:
        """Reads the body again, or the mended one, and carries out the capture. Done once: again is the same answer."""
        found = await self._item(receipt)
        item = found.entity
        if item.state == "discarded":
            raise InvalidInputError("This body was discarded.", field="receipt", status=409)
        action, connection = await self._configured(item)
        if item.state == "waiting":
            body = await self._bodies.body(receipt) if mended is None else mended
            _readable(read_capture(body=body, content_type=content_type or item.content_type, query=item.query))
            mended_type = "" if mended is None else content_type or item.content_type
            item = await self._settle(found, {"state": "replayed", "mended_type": mended_type}, mended=mended)
        # What was settled first counts, also when another body is sent now.
        body = await self._bodies.body(receipt, mended=True)
        content_type = item.mended_type or item.content_type
        capture = _readable(read_capture(body=body, content_type=content_type, query=item.query))
        replayed = self._replayed(item, action, connection, capture)
        answer = await self._captures.receive(replayed, wait=True, counts=False)
        if answer.receipt != receipt:
            await self._close(item, Outcome.SKIPPED, f"Completed the held capture {answer.receipt}: see there.")
        return answer

    async def discard(self, receipt: str, *, reason: str) -> Quarantined:
        """It will not be replayed; the body stays until the table is tidied."""
        found = await self._item(receipt)
        if found.entity.state == "replayed":
            raise InvalidInputError("This body has been replayed already.", field="receipt", status=409)
        item = found.entity
        if item.state == "waiting":
            item = await self._settle(found, {"state": "discarded", "note": reason})
        await self._close(item, Outcome.SKIPPED, f"The body could not be read, and was discarded: {item.note}")
        return item

    async def _item(self, receipt: str) -> Versioned[Quarantined]:
        found = await self._bodies.item(receipt)
        if found is None:
            raise InvalidInputError("No body is kept under this receipt.", field="receipt", status=404)
        return found

    async def _configured(self, item: Quarantined) -> tuple[SyncAction, Connection]:
        action = await self._configuration.action(item.action)
        setup = await self._configuration.setup(item.connection)
        if action is None or setup is None:
            message = f"The action {item.action}, or its connection, is not configured any more."
            raise InvalidInputError(message, field="action", status=409)
        return action, setup.connection

    async def _settle(
        self, found: Versioned[Quarantined], change: Mapping[str, str], *, mended: bytes | None = None
    ) -> Quarantined:
        """Replaying and discarding exclude each other; two who do the same are one."""
        after = found.entity.model_copy(update={**change, "settled_at": self._now()})
        if await self._bodies.change(after, found.etag, mended=mended):
            return after
        now = (await self._item(after.receipt)).entity
        if now.state != after.state:
            raise InvalidInputError(f"Somebody else has just {now.state} this body.", field="receipt", status=409)
        return now

    def _replayed(self, item: Quarantined, action: SyncAction, connection: Connection, capture: Capture) -> Delivery:
        """Its row in the log stands under the connection that it came in for."""
        now = self._now()
        where = {"organization": connection.partition, "connection": connection.id, "action": action.id}
        again = {"capture": capture, "due_at": now + self._grace, "taken_up_at": now, "trigger": "replay"}
        return _delivery(item).model_copy(update=where | again)

    async def _close(self, item: Quarantined, outcome: Outcome, reason: str) -> None:
        """The last word in the log on a body that became no delivery of its own."""
        result = Result(outcome=outcome, reason=reason, finished_at=self._now())
        await self._sync_log.write(_delivery(item).model_copy(update={"state": "done", "result": result}), row_url="")


def _delivery(item: Quarantined) -> Delivery:
    """The delivery that this body would have been, as far as anybody can tell."""
    return Delivery(
        id=item.receipt,
        organization=item.organization,
        connection=item.connection,
        action=item.action,
        capture=Capture(),
        received_at=item.received_at,
        due_at=item.received_at,
    )


def _readable(read: Capture | Unreadable) -> Capture:
    if isinstance(read, Unreadable):
        raise InvalidInputError(f"It cannot be read yet: {read.reason} Send a mended `body`.", field="body")
    if read.is_empty:
        raise InvalidInputError("It can be read, but holds no field: send a mended `body`.", field="body")
    return read
