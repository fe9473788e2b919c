"""Pins a connection to the organisation that answers at its URL, and brings its deliveries there.

Deliveries of a connection whose organisation is not known yet stand in a partition of their own. They move once it
is known: first into the organisation's partition, then out of the old one, so that a crash between doubles nothing.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from core.domain.connection import Connection, Pause, unpinned_partition
from core.domain.delivery import Delivery, Due, delivery_key
from core.errors import ChangedMeanwhileError, MisconfiguredConnectionError, RetryableError, SyncError, ThrottledError
from core.sync.alerts import tell_paused
from core.sync.intake import Intake
from core.sync.ports import ANY, Change, Configuration, Ledger

MENDED_AFTER = timedelta(minutes=5)  # when somebody has to do something, it is looked again after this
REACHED_AFTER = timedelta(seconds=30)
_MOVED_AT_ONCE_MOST = 200


class Organization(Protocol):
    async def organization_id(self) -> str: ...


class Organizations(Protocol):
    async def crm(self, connection: Connection) -> Organization: ...


class Pinning:
    def __init__(
        self, *, ledger: Ledger, configuration: Configuration, crms: Organizations, now: Callable[[], datetime]
    ) -> None:
        self._ledger = ledger
        self._intake = Intake(ledger=ledger)
        self._configuration = configuration
        self._crms = crms
        self._now = now

    async def pin(self, connection: Connection) -> Connection:
        """The connection with its organisation. Where it cannot be learnt, the connection pauses, with the reason."""
        try:
            organization = await (await self._crms.crm(connection)).organization_id()
        except SyncError as error:
            await self._pause(connection, error)
            return connection
        if connection.organization_id not in (None, organization):
            await self._pause(connection, _another_organization())
            return connection
        pinned = connection.model_copy(update={"organization_id": organization})
        if pinned != connection:
            try:
                await self._configuration.save_connection(pinned, before=connection)
            except ChangedMeanwhileError:  # by an editor: what he saved is pinned instead, here or in a minute
                return connection
        await self._configuration.save_pause(connection.id, None)
        await self.bring_home(pinned)
        return pinned

    async def bring_home(self, connection: Connection) -> None:
        """Moves deliveries that came before the organisation was known. They are due at once, oldest first."""
        old = unpinned_partition(connection.id)
        if connection.organization_id is None:
            return
        for mark in await self._ledger.due(
            old, datetime.max.replace(tzinfo=self._now().tzinfo), most=_MOVED_AT_ONCE_MOST
        ):
            await self._move(old, connection.organization_id, mark)

    async def _move(self, old: str, organization: str, mark: Due) -> None:
        found = await self._ledger.read(old, delivery_key(mark.delivery), Delivery)
        left = [Change(mark.key, None, ANY)]
        if found is not None:
            due_at = min(found.entity.received_at, self._now())
            moved = found.entity.model_copy(update={"organization": organization, "due_at": due_at})
            await self._intake.receive(moved)
            left.append(Change(found.entity.key, None, found.etag))
        await self._ledger.commit(old, left)

    async def _pause(self, connection: Connection, error: SyncError) -> None:
        wait = REACHED_AFTER if isinstance(error, RetryableError) else MENDED_AFTER
        if isinstance(error, ThrottledError):
            wait = timedelta(seconds=error.retry_after)
        pause = Pause(reason=error.message, code=error.code, until=self._now() + wait)
        if isinstance(error, MisconfiguredConnectionError):
            tell_paused(connection.id, pause)
        await self._configuration.save_pause(connection.id, pause)


def _another_organization() -> MisconfiguredConnectionError:
    return MisconfiguredConnectionError(
        "Another organisation answers at this address than the one this connection was made for (a copied "
        "environment?). Nothing is written; if the new one is meant, save the connection with its organization_id.",
        code="organization_changed",
    )
