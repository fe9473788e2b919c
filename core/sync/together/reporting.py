"""What becomes of deliveries: log rows, messages that wake them, pauses of their connections."""

from collections.abc import Sequence

from core.domain.connection import Pause
from core.domain.delivery import Delivery
from core.domain.trail import Attempt
from core.sync.ports import BulkLog, BulkWakeQueue, Ended, Pauses
from core.sync.together.rounds import Rounds


class LogTogether:
    def __init__(self, sync_log: BulkLog, rounds: Rounds) -> None:
        self._sync_log = sync_log
        self._rounds = rounds

    async def write(self, delivery: Delivery, *, row_url: str, last: Attempt | None = None) -> None:
        await self._rounds.ask(self._write_all, Ended(delivery, row_url, last))

    async def count_repeat(self, delivery: Delivery) -> None:
        await self._sync_log.count_repeat(delivery)

    async def note_quarantined(self, delivery: Delivery, *, reason: str) -> None:
        await self._sync_log.note_quarantined(delivery, reason=reason)

    async def _write_all(self, ended: Sequence[Ended]) -> Sequence[None]:
        await self._sync_log.write_all(ended, self._rounds.lane)
        return [None] * len(ended)


class WakesTogether:
    """Deliveries that wait for the same thing are woken by one message, as late as the last of them wants."""

    def __init__(self, wake_queue: BulkWakeQueue, rounds: Rounds) -> None:
        self._wake_queue = wake_queue
        self._rounds = rounds

    async def wake(self, organization: str, delivery_id: str, *, after: float = 0.0) -> None:
        await self._rounds.ask(self._wake_all, (organization, delivery_id, after))

    async def _wake_all(self, asked: Sequence[tuple[str, str, float]]) -> Sequence[None]:
        for organization in dict.fromkeys(organization for organization, _, _ in asked):
            own = [(delivery_id, after) for of, delivery_id, after in asked if of == organization]
            latest = max(after for _, after in own)
            await self._wake_queue.wake_all(organization, [delivery_id for delivery_id, _ in own], after=latest)
        return [None] * len(asked)


class PausesTogether:
    """Hundreds of turns that meet one obstacle pause their connection once, for as long as the longest wants."""

    def __init__(self, pauses: Pauses, rounds: Rounds) -> None:
        self._pauses = pauses
        self._rounds = rounds

    async def lengthen_pause(self, connection_id: str, pause: Pause) -> None:
        await self._rounds.ask(self._lengthen_all, (connection_id, pause))

    async def _lengthen_all(self, asked: Sequence[tuple[str, Pause]]) -> Sequence[None]:
        for connection_id in dict.fromkeys(connection_id for connection_id, _ in asked):
            longest, *others = [pause for of, pause in asked if of == connection_id]
            for pause in others:
                longest = longest if longest.outlasts(pause) else pause
            await self._pauses.lengthen_pause(connection_id, longest)
        return [None] * len(asked)
