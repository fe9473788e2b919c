"""A replay of a quarantined body that is cut off anywhere is finished by asking again, and happens once."""

import asyncio
import contextlib
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from core.domain.capture_body import Unreadable
from core.domain.quarantined import Quarantined
from core.errors import InvalidInputError, RetryableError
from core.sync.attempt import Attempts
from core.sync.capture import Captures
from core.sync.ports import Versioned
from core.sync.quarantining import Quarantine
from core.sync.turn import Turns
from tests.core.sync.scenarios import ACTIONS, CONNECTION, SETUPS
from tests.core.sync.test_holding import KillAt, Log, LoggingWorker, NoMessages
from tests.core.sync.worlds import NOON, Killed, Scheduler, Worker, World

MENDED = b'{"LastName": "N", "Email": "a@x.example"}'
OTHER = b'{"LastName": "M", "Email": "b@x.example"}'


@dataclass
class Shelf:
    """The bodies that are kept, by receipt; each change is one step."""

    scheduler: Scheduler
    items: dict[str, tuple[int, Quarantined]] = field(default_factory=dict)
    bodies: dict[tuple[str, bool], bytes] = field(default_factory=dict)

    async def add(self, item: Quarantined, body: bytes) -> bool:
        def happen() -> bool:
            is_new = item.receipt not in self.items
            self.items.setdefault(item.receipt, (0, item))
            self.bodies.setdefault((item.receipt, False), body)
            return is_new

        return await self.scheduler.request("shelf", "add", happen)

    async def item(self, receipt: str) -> Versioned[Quarantined] | None:
        def happen() -> Versioned[Quarantined] | None:
            known = self.items.get(receipt)
            return Versioned(known[1], str(known[0])) if known else None

        return await self.scheduler.request("shelf", "item", happen)

    async def body(self, receipt: str, *, mended: bool = False) -> bytes:
        return self.bodies.get((receipt, mended), self.bodies[receipt, False])

    async def change(self, item: Quarantined, etag: str, *, mended: bytes | None = None) -> bool:
        def happen() -> bool:
            version, _ = self.items[item.receipt]
            if str(version) != etag:
                return False
            self.items[item.receipt] = (version + 1, item)
            if mended is not None:
                self.bodies[item.receipt, True] = mended
            return True

        return await self.scheduler.request("shelf", "change", happen)


def _quarantine(scheduler: Scheduler, shelf: Shelf, log: Log) -> Quarantine:
    worker = Worker("w", scheduler, ACTIONS, SETUPS["one e-mail"])
    logging, messages, wait = LoggingWorker("w", scheduler, log), NoMessages(), timedelta(seconds=30)

    def now() -> datetime:
        return NOON

    turns = Turns(ledger=worker, configuration=worker, crms=worker, now=now, new_id=worker.new_id, sleep=worker.sleep)
    attempts = Attempts(
        turns=turns,
        ledger=worker,
        configuration=worker,
        pauses=worker,
        crms=worker,
        sync_log=logging,
        wake_queue=messages,
        now=now,
    )
    captures = Captures(
        turns=turns,
        attempts=attempts,
        ledger=worker,
        sync_log=logging,
        wake_queue=messages,
        now=now,
        grace=wait,
        deadline=1000,
        sleep=worker.sleep,
    )
    return Quarantine(bodies=shelf, captures=captures, configuration=worker, sync_log=logging, now=now, grace=wait)


async def _kept(quarantine: Quarantine, scheduler: Scheduler) -> str:
    keeping = quarantine.keep(
        Unreadable("No JSON."), action=ACTIONS["a0"], connection=CONNECTION, body=b"{", content_type="", query={}
    )
    task = asyncio.create_task(keeping)
    await scheduler.run([task])
    return task.result().receipt


async def _asked(quarantine: Quarantine, receipt: str, *bodies: bytes | None) -> None:
    """Somebody who asks once; what went wrong, he sees."""
    for body in bodies:
        with contextlib.suppress(Killed, RetryableError, InvalidInputError):
            await quarantine.replay(receipt, mended=body)


@pytest.mark.parametrize("how", range(4), ids=["killed before", "left on its way", "killed after", "reply lost"])
async def test_a_replay_that_was_cut_off_is_finished_by_asking_again(how: int) -> None:
    """At whatever step; the body that was chosen first counts, and the row of the log says how it ended."""
    step, is_struck = 0, True
    while is_struck:
        scheduler, log = Scheduler(World(), KillAt(step, how), troubles=0), Log()
        shelf = Shelf(scheduler)
        quarantine = _quarantine(scheduler, shelf, log)
        receipt = await _kept(quarantine, scheduler)
        scheduler._troubles = 1
        asking = asyncio.create_task(_asked(quarantine, receipt, MENDED, OTHER, None, None))
        await scheduler.run([asking])
        asking.result()
        is_struck = not scheduler._troubles
        names = [row.get("lastname") for (table, _), row in scheduler.world.rows.items() if table == "lead"]
        assert len(names) == 1, f"step {step}: {scheduler.history}"
        assert names[0] == {MENDED: "N", OTHER: "M"}[shelf.bodies[receipt, True]]
        assert log.rows[receipt][1] == "created"
        assert shelf.items[receipt][1].state == "replayed"
        step += 1
    assert step > 8


async def test_replaying_and_discarding_exclude_each_other() -> None:
    """Of both at once, one is refused, and nothing is half done."""
    for seed in range(20):
        scheduler, log = Scheduler(World(), random.Random(seed), troubles=0), Log()
        shelf = Shelf(scheduler)
        quarantine = _quarantine(scheduler, shelf, log)
        receipt = await _kept(quarantine, scheduler)
        replay = asyncio.create_task(quarantine.replay(receipt, mended=MENDED))
        discard = asyncio.create_task(quarantine.discard(receipt, reason="a test"))
        await scheduler.run([replay, discard])
        refused = [isinstance(task.exception(), InvalidInputError) for task in (replay, discard)]
        assert sorted(refused) == [False, True]
        has_row = any(table == "lead" for table, _ in scheduler.world.rows)
        assert has_row is refused[1]
        assert log.rows[receipt][1] == ("created" if refused[1] else "skipped")
