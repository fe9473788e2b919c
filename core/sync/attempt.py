"""One attempt at a delivery: its turn, and what follows from how it went.

Done: the log row is written and the mark of open work taken away. Not done: the connection pauses where it must, and
the delivery is marked due again and woken by a message. Nothing is raised for a failure of the outside world.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from core.domain.connection import REVOKED, Pause
from core.domain.delivery import Delivery, ErrorClass, Outcome, Result
from core.domain.masking import Masking
from core.domain.replay import ended_as
from core.domain.retry import next_try
from core.domain.trail import Attempt, Call, with_attempt
from core.errors import NOT_CONFIGURED, MisconfiguredConnectionError, RetryableError, SyncError, ThrottledError
from core.logs import logger
from core.sync.alerts import tell_failed, tell_paused
from core.sync.ports import ABSENT, ANY, Change, Crms, Ledger, Pauses, SyncLog, TurnSettings, Versioned, WakeQueue
from core.sync.turn import Turns
from core.telemetry import calls_noted
from core.tracing import Span, delivered, span

BUG_ATTEMPTS_MOST = 5
# How long a connection that needs mending is left alone before it is tried again.
MENDING = timedelta(minutes=5)

_log = logger("captello.sync")


class Attempts:
    def __init__(
        self,
        *,
        turns: Turns,
        ledger: Ledger,
        configuration: TurnSettings,
        pauses: Pauses,
        crms: Crms,
        sync_log: SyncLog,
        wake_queue: WakeQueue,
        now: Callable[[], datetime],
    ) -> None:
        self._turns = turns
        self._ledger = ledger
        self._configuration = configuration
        self._pauses = pauses
        self._crms = crms
        self._sync_log = sync_log
        self._wake_queue = wake_queue
        self._now = now

    async def attempt(
        self, found: Versioned[Delivery], followers: Sequence[Versioned[Delivery]] = (), *, deadline: float
    ) -> Delivery | None:
        """The delivery when it is done and logged; None when it goes on later by itself. `deadline` in seconds.

        `followers`: as `Turns.complete` takes them. Each has an attempt of its own to come, which logs it.
        """
        delivery = found.entity
        if delivery.state != "done" and (reason := await self.pause_reason(delivery)):
            _log.info("delivery %s waits: %s", delivery.id, reason)
            await self._wait(found)
            return None
        began = self._now()
        with span("turn", action=delivery.action, trigger=delivery.trigger) as telling, calls_noted() as calls:
            try:
                async with asyncio.timeout(deadline):
                    done = await self._turns.complete(found, followers)
                    _tell(telling, done, (self._now() - began).total_seconds())
                    await self.conclude(done, _ended(began, done, calls))
            except TimeoutError:
                slow = RetryableError("Dynamics is slow; the delivery goes on by itself.")
                await self._defer(found, slow, _failed(began, delivery, slow, calls))
            except SyncError as error:
                await self._defer(found, error, _failed(began, delivery, error, calls))
            except Exception as error:  # noqa: BLE001  # a bug must not lose the delivery: it is deferred, then logged as failed
                _log.exception("delivery %s met a bug", delivery.id)
                await self._defer(found, error, _failed(began, delivery, error, calls))
            else:
                return done
        return None

    async def conclude(self, delivery: Delivery, last: Attempt | None = None) -> None:
        """Writes the log row, which anybody may do again; then the work is over."""
        await self._sync_log.write(delivery, row_url=await self.row_url(delivery), last=last)
        if delivery.is_marked:
            await self._ledger.commit(delivery.organization, [Change(delivery.due.key, None, ANY)])
        tell_failed(delivery)

    async def row_url(self, delivery: Delivery) -> str:
        """Where a person sees the row this delivery went to; "" where there is none."""
        result = delivery.result
        if result is None or not result.row_id:
            return ""
        setup = await self._configuration.setup(delivery.connection)
        return self._crms.row_url(setup.connection, result.table, result.row_id) if setup else ""

    async def pause_reason(self, delivery: Delivery) -> str:
        setup = await self._configuration.setup(delivery.connection)
        if setup is None:
            return ""
        if hold := setup.hold(self._now()):
            return hold.reason
        if setup.connection.organization_id is None:
            return "The connection's organisation is not known yet."
        if setup.connection.organization_id != delivery.organization:
            return "The connection points to another organisation now; this waits until it points back."
        return ""

    # --- Not done ---------------------------------------------------------------------------------------------------

    async def _defer(self, begun: Versioned[Delivery], error: Exception, attempt: Attempt) -> None:
        """Marks the delivery due again."""
        delivery = begun.entity
        _log.warning("delivery %s is deferred: %s %s", delivery.id, type(error).__name__, _engineers_words(error))
        try:
            await self._pause(delivery.connection, error)
            await self._postpone(begun, error, attempt)
        except SyncError as storage_error:
            _not_marked(delivery, storage_error)

    async def _postpone(self, begun: Versioned[Delivery], error: Exception, attempt: Attempt) -> None:
        found = await self._ledger.read(begun.entity.organization, begun.entity.key, Delivery)
        if found is None and begun.etag == ABSENT:
            found = begun
        if found is None or found.entity.state == "done":
            return
        if self._is_hopeless(found.entity, error):
            await self._fail(found, error, attempt)
            return
        tried = found.entity.model_copy(update={"tried": with_attempt(found.entity.tried, attempt)})
        await self._mark_due(Versioned(tried, found.etag), error)

    async def _pause(self, connection_id: str, error: Exception) -> None:
        match error:
            case ThrottledError():
                until = self._now() + timedelta(seconds=error.retry_after)
            case MisconfiguredConnectionError() if error.code not in _HOLDS_BY_ITSELF:
                until = self._now() + MENDING
            case _:
                return
        pause = Pause(reason=error.message, code=error.code, until=until)
        if isinstance(error, MisconfiguredConnectionError):
            tell_paused(connection_id, pause)
        await self._pauses.lengthen_pause(connection_id, pause)

    async def _mark_due(self, found: Versioned[Delivery], error: Exception) -> None:
        if isinstance(error, MisconfiguredConnectionError):
            await self._mark_waiting(found)
            return
        attempts = found.entity.attempts + (0 if isinstance(error, ThrottledError) else 1)
        at_least = error.retry_after if isinstance(error, ThrottledError) else 0.0
        due_at = next_try(self._now(), attempts, at_least=at_least)
        after = found.entity.model_copy(update={"attempts": attempts, "due_at": due_at})
        if await self._move_mark(found, after):
            seconds = (due_at - self._now()).total_seconds()
            await self._wake_queue.wake(after.organization, after.id, after=max(seconds, 0.0))

    async def _wait(self, found: Versioned[Delivery]) -> None:
        try:
            await self._mark_waiting(found)
        except SyncError as error:
            _not_marked(found.entity, error)

    async def _mark_waiting(self, found: Versioned[Delivery]) -> None:
        """Due since it was received: when somebody has mended the connection, everything that waits is due at once,
        in that order. No message: the timer passes over connections that are paused.
        """
        if found.entity.due_at != found.entity.received_at or not found.entity.is_marked:
            due_at = found.entity.received_at
            await self._move_mark(found, found.entity.model_copy(update={"due_at": due_at}))

    async def _move_mark(self, found: Versioned[Delivery], after: Delivery) -> bool:
        marked = after.model_copy(update={"is_marked": True})
        changes = [Change(marked.key, marked, found.etag), Change(marked.due.key, marked.due, ABSENT)]
        if found.entity.is_marked:
            changes.append(Change(found.entity.due.key, None, ANY))
        return await self._ledger.commit(marked.organization, changes) is not None

    def _is_hopeless(self, delivery: Delivery, error: Exception) -> bool:
        """A bug that comes again and again; but an intent is never given up, for its write may have landed."""
        is_bug = not isinstance(error, SyncError)
        return is_bug and delivery.state == "received" and delivery.attempts + 1 >= BUG_ATTEMPTS_MOST

    async def _fail(self, found: Versioned[Delivery], error: Exception, attempt: Attempt) -> None:
        result = Result(
            outcome=Outcome.FAILED,
            reason="The service failed on this capture. It is kept, and can be replayed when the fault is mended.",
            error_class=ErrorClass.INTERNAL,
            error_code=type(error).__name__,
            mapped_as=await self._mappings_now(found.entity),
            finished_at=self._now(),
        )
        failed = found.entity.model_copy(update={"state": "done", "result": result})
        if await self._ledger.commit(failed.organization, [Change(failed.key, failed, found.etag)]):
            await self.conclude(failed, attempt)

    async def _mappings_now(self, delivery: Delivery) -> dict[str, int]:
        setup = await self._configuration.setup(delivery.connection)
        current = {table: mapping.version for table, mapping in setup.mappings.items()} if setup else {}
        return current | delivery.mapped_as


# A revoked connection is held anyway, and longer; where an action is missing, only its own deliveries wait for it.
_HOLDS_BY_ITSELF = {REVOKED.code, NOT_CONFIGURED}


def _not_marked(delivery: Delivery, error: SyncError) -> None:
    """Its first mark stands, and the timer finds it. Without one, whatever it came with has to come again."""
    _log.warning("delivery %s could not be marked: %s", delivery.id, _engineers_words(error))
    if not delivery.is_marked:
        raise error


def _tell(telling: Span, done: Delivery, seconds: float) -> None:
    """What became of it, without anybody's name."""
    if result := done.result:
        error_class = result.error_class.value if result.error_class else ""
        telling.tell(outcome=result.outcome.value, table=result.table, error_class=error_class, receipt=done.id)
        delivered(seconds, trigger=done.trigger, outcome=result.outcome.value, error_class=error_class)


def _ended(began: datetime, done: Delivery, calls: Sequence[Call]) -> Attempt:
    result = done.result
    if result is None or result.outcome is not Outcome.FAILED:
        return Attempt(at=began, happened=f"It ended as {result.outcome.value if result else ''}.", calls=tuple(calls))
    return Attempt(
        at=began,
        happened=ended_as(done),
        words=Masking(done.capture).words(result.words),
        code=result.error_code,
        request_id=next((call.request_id for call in reversed(calls) if call.is_refused), ""),
        calls=tuple(calls),
    )


def _failed(began: datetime, delivery: Delivery, error: Exception, calls: Sequence[Call]) -> Attempt:
    """An attempt that did not end the delivery."""
    if not isinstance(error, SyncError):
        happened = "The service failed on this capture."
        return Attempt(at=began, happened=happened, code=type(error).__name__, calls=tuple(calls))
    return Attempt(
        at=began,
        happened=error.message,
        words=Masking(delivery.capture).words(error.words),
        code=error.code,
        request_id=error.request_id[:64],
        calls=tuple(calls),
    )


def _engineers_words(error: Exception) -> str:
    if isinstance(error, SyncError):
        return f"{error.message} [{error.code}] {error.detail} request {error.request_id}"
    return str(type(error))
