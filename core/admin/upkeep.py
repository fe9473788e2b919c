"""Once a day, every connection is checked, is warned of when its credential ends, and loses the one before it."""

from collections.abc import Callable
from datetime import datetime, timedelta

from core.admin.connection_check import Checks
from core.admin.connections import Connections
from core.domain.check import can_work
from core.domain.connection import Connection
from core.errors import SyncError
from core.logs import logger
from core.sync.ports import Configuration, ConnectionSetup

EVERY = timedelta(days=1)
AT_ONCE_MOST = 5  # a timer's run stays short; the others come a minute later

_log = logger("captello.upkeep")


class Upkeep:
    def __init__(
        self, *, configuration: Configuration, checks: Checks, connections: Connections, now: Callable[[], datetime]
    ) -> None:
        self._configuration = configuration
        self._checks = checks
        self._connections = connections
        self._now = now

    async def run(self) -> int:
        """Checks what was not checked for a day; answers how many. One that fails does not keep the others."""
        wanted = [each for each in await self._configuration.connections() if await self._is_due(each)]
        for connection in wanted[:AT_ONCE_MOST]:
            try:
                await self._care_for(connection)
            except SyncError as error:
                _log.warning("connection %s could not be checked: %s [%s]", connection.id, error.message, error.code)
            except Exception:  # noqa: BLE001  # a bug over one connection must not keep the others unchecked
                _log.exception("the check of connection %s met a bug", connection.id)
        return len(wanted[:AT_ONCE_MOST])

    async def _is_due(self, connection: Connection) -> bool:
        return self._wants_a_check(await self._configuration.setup(connection.id))

    def _wants_a_check(self, setup: ConnectionSetup | None) -> bool:
        if setup is None or setup.connection.revoked_at is not None:
            return False
        return setup.check is None or self._now() - setup.check.checked_at >= EVERY

    async def _care_for(self, connection: Connection) -> None:
        """Somebody may have checked or revoked it since it was looked at: its turn comes after others'."""
        if not self._wants_a_check(await self._configuration.fresh_setup(connection.id)):
            return
        result = await self._checks.run(connection.id)
        failed = [step.name for step in result.steps if step.status == "failed"]
        if failed:
            _log.warning("the check of connection %s failed: %s", connection.id, ", ".join(failed))
        if can_work(result.steps):
            await self._connections.drop_previous(connection.id)
