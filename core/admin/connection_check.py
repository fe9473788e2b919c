"""Checking a connection: asks what `domain.check` judges, in few requests, and keeps the result with the connection.

Everything is asked with a token of its own, and only read. What does not need each other's answer is asked at once.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from core.domain.action import SyncAction
from core.domain.check import Answers, Challenge, CheckResult, Identity, can_work, judged
from core.domain.checked import Checked
from core.domain.connection import REVOKED, Connection
from core.domain.expiry import expiry_threshold
from core.domain.mapping import FieldMapping
from core.domain.table import Table
from core.errors import InvalidInputError, MisconfiguredConnectionError, RetryableError, SyncError
from core.logs import logger
from core.sync.metadata import keep_facts
from core.sync.pinning import Pinning
from core.sync.ports import ConnectionSetup

T = TypeVar("T")
ANSWER_SECONDS = 20.0  # for each question; the host gives a request less than four minutes
_PULLED = ("lead", "contact")

_alerts = logger("captello.alerts")


class Probe(Protocol):
    async def challenge(self) -> Challenge: ...

    async def sign_in(self) -> None: ...

    async def identity(self) -> Identity: ...

    async def privileges(self, user_id: str) -> Mapping[str, str]: ...

    async def table(self, name: str) -> Table: ...

    async def change_tracking(self, tables: Sequence[str]) -> Mapping[str, bool]: ...


class Probes(Protocol):
    def probe(self, connection: Connection) -> Probe: ...


class CheckedConfiguration(Protocol):
    async def fresh_setup(self, connection_id: str) -> ConnectionSetup | None: ...

    async def actions(self) -> list[SyncAction]: ...

    async def save_check(self, connection_id: str, check: CheckResult) -> None: ...

    async def refresh_mapping(self, connection_id: str, mapping: FieldMapping) -> None: ...


class Checks:
    def __init__(
        self, *, configuration: CheckedConfiguration, probes: Probes, pinning: Pinning, now: Callable[[], datetime]
    ) -> None:
        self._configuration = configuration
        self._probes = probes
        self._pinning = pinning
        self._now = now

    async def run(self, connection_id: str) -> CheckResult:
        """The result, which is kept. A connection that was paused and works again goes on."""
        setup = await self._configuration.fresh_setup(connection_id)
        if setup is None:
            raise InvalidInputError(f"There is no connection {connection_id}.", field="connection", status=404)
        checked = Checked(setup.connection, setup.mappings, await self._actions(connection_id))
        answers = await self._answers(checked)
        steps = judged(checked, answers, self._now().date())
        if isinstance(answers.tables, Mapping) and can_work(steps):
            await keep_facts(self._configuration, setup, answers.tables)
        ends = setup.connection.secret_expires_on
        threshold = expiry_threshold(ends, self._now().date())
        result = CheckResult(checked_at=self._now(), steps=steps, expires_on=ends, expiry_threshold=threshold)
        self._warn(setup, result)  # first: one that is given twice is better than one that never is
        await self._configuration.save_check(connection_id, result)
        if setup.pause is not None and can_work(steps):
            await self._pinning.pin(setup.connection)
        return result

    async def _actions(self, connection_id: str) -> list[SyncAction]:
        return [action for action in await self._configuration.actions() if action.connection == connection_id]

    async def _answers(self, checked: Checked) -> Answers:
        if checked.connection.revoked_at is not None:
            revoked = MisconfiguredConnectionError(REVOKED.reason, code=REVOKED.code)
            return Answers(challenge=revoked, token=revoked)
        probe = self._probes.probe(checked.connection)
        challenge, token = await asyncio.gather(_asked(probe.challenge()), _asked(probe.sign_in()))
        identity = await _asked(probe.identity()) if token is None and _is_there(challenge) else None
        if not isinstance(identity, Identity):
            return Answers(challenge, token, identity)
        privileges, tables, tracking = await asyncio.gather(
            _asked(probe.privileges(identity.user_id)),
            _asked(_tables(probe, [*checked.tables, *checked.searched])),
            _asked(probe.change_tracking(_PULLED)),
        )
        return Answers(challenge, token, identity, privileges, tables, tracking)

    def _warn(self, setup: ConnectionSetup, result: CheckResult) -> None:
        """Once for each threshold, in one line that monitoring can read."""
        earlier = setup.check
        told = (earlier.expires_on, earlier.expiry_threshold) if earlier else (None, None)
        if result.expiry_threshold is None or result.expires_on is None:
            return
        if told == (result.expires_on, result.expiry_threshold):
            return
        left = (result.expires_on - self._now().date()).days
        alert = {"alert": "secret_expiring", "connection": setup.connection.id, "days_left": left}
        alert |= {"threshold": result.expiry_threshold, "expires_on": result.expires_on.isoformat()}
        _alerts.warning("%s", json.dumps(alert))


def _is_there(challenge: Challenge | SyncError) -> bool:
    return isinstance(challenge, Challenge) and challenge.is_dynamics


async def _tables(probe: Probe, names: Sequence[str]) -> Mapping[str, Table]:
    described = await asyncio.gather(*(probe.table(name) for name in dict.fromkeys(names)))
    return {table.name: table for table in described}


async def _asked(question: Awaitable[T]) -> T | SyncError:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await question
    except TimeoutError:
        return RetryableError("There was no answer in time.")
    except SyncError as error:
        return error
