"""Forgetting, giving up and erasing beside deliveries at work, in a world where anything comes between two steps.

Whatever they meet: one row in Dynamics for the person, nobody's claim left behind, no work without its mark, a row in
the log that says what the delivery says. And whoever is erased when nothing is at work any more, is gone.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

import pytest

from core.domain.capture import prospect_name
from core.domain.delivery import Claim, Delivery, Outcome
from core.domain.prospect import Prospect
from core.errors import InvalidInputError, RetryableError
from core.sync.erasing import Erasing
from core.sync.forgetting import Forgetting
from tests.core.sync.test_holding import BOTH, BY_ACTIVITY, BY_HOLD, OTHER, PERSON, SCENARIOS, End, Host, Log
from tests.core.sync.test_holding import _delivery as delivery
from tests.core.sync.test_holding import _tidied as tidied
from tests.core.sync.worlds import NOON, ORGANIZATION, Killed, Scheduler, World

SEEDS = 40
CASES: dict[str, tuple[Delivery, ...]] = {
    "a capture and its edit": (
        delivery("c", 0, minutes=1, **BY_ACTIVITY, **PERSON),
        delivery("e", 1, minutes=2, event="updated", **BY_ACTIVITY, **OTHER),
    ),
    "one person twice": (
        delivery("c", 0, **BY_ACTIVITY, **PERSON),
        delivery("d", 1, submission={"activity_id": 2}, prospect={"id": 7, "fields": OTHER["prospect"]["fields"]}),
    ),
    "held and released": (delivery("h", 0, **BOTH), delivery("r", 1, event="released", **BY_HOLD, **PERSON)),
    "two releases at once": SCENARIOS["two releases at once"],
}


class Archivist(Host):
    """Does what retention and an operator do, again and again, whatever it meets."""

    def __init__(self, name: str, scheduler: Scheduler, log: Log) -> None:
        super().__init__(name, scheduler, log)
        self.forgetting = Forgetting(ledger=self, attempts=self._attempts, now=lambda: NOON)
        self.erasing = Erasing(ledger=self, attempts=self._attempts, now=lambda: NOON)

    async def forget(self, each: Delivery) -> None:
        await self.forgetting.forget(ORGANIZATION, each.id)

    async def give_up(self, each: Delivery) -> None:
        await self.forgetting.give_up(ORGANIZATION, each.id, reason="nobody released it")

    async def erase(self, each: Delivery) -> None:
        await self.erasing.prospect(ORGANIZATION, prospect_name(each.capture, each.id))
        await self.erasing.delivery(ORGANIZATION, each.id)

    async def erase_prospect(self, each: Delivery) -> None:
        await self.erasing.prospect(ORGANIZATION, prospect_name(each.capture, each.id))

    async def insists(self, what: Callable[[Delivery], Awaitable[None]], every: Sequence[Delivery]) -> None:
        for each in [*every] * 4:
            try:
                await what(each)
            except (Killed, RetryableError, InvalidInputError):
                continue


async def _beside(what: str, deliveries: Sequence[Delivery], choice: random.Random) -> End:
    scheduler, log = Scheduler(World(), choice, troubles=3), Log()
    senders = [asyncio.create_task(Host(each.id, scheduler, log).send(each)) for each in deliveries]
    archivists = [Archivist(f"archivist {number}", scheduler, log) for number in range(3)]
    at_work = [asyncio.create_task(each.insists(getattr(each, what), deliveries)) for each in archivists]
    await scheduler.run([*senders, *at_work])
    receipts = {each.id: task.result() for each, task in zip(deliveries, senders, strict=True)}
    return await tidied(scheduler.world, log, receipts)


async def _then(what: str, deliveries: Sequence[Delivery], end: End) -> End:
    """The same once more, with nobody else at work."""
    scheduler = Scheduler(end.world, random.Random(0), troubles=0)
    archivist = Archivist("archivist", scheduler, end.log)
    at_work = asyncio.create_task(archivist.insists(getattr(archivist, what), deliveries))
    await scheduler.run([at_work])
    at_work.result()
    return end


def _is_in_order(end: End) -> None:
    rows, _ = end.visible
    assert len(rows) <= 1, rows
    for key, (_, entity) in end.world.entities.items():
        assert not key.startswith("due|")
        if isinstance(entity, Claim | Prospect):
            assert not entity.claimed_by, key
    for each in end.deliveries.values():
        assert (each.state, each.result is not None) == ("done", True)
        assert each.result
        assert end.log.rows[each.id] == (each.revision, each.result.outcome.value)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("what", ["forget", "give_up", "erase"])
async def test_nothing_at_work_is_disturbed(what: str, name: str) -> None:
    """Under every interleaving, with kills and lost replies, and finished by the next run: everything in order."""
    for seed in range(SEEDS):
        end = await _then(what, CASES[name], await _beside(what, CASES[name], random.Random(seed)))
        _is_in_order(end)
        assert len(end.visible[0]) == 1 or not any(
            outcome in ("created", "updated", "unchanged") for _, outcome in end.log.rows.values()
        )


@pytest.mark.parametrize("name", CASES)
async def test_who_is_erased_is_gone(name: str) -> None:
    """When nothing is at work any more: no address of theirs in any entity; and erasing again changes nothing."""
    for seed in range(SEEDS):
        end = await _then("erase", CASES[name], await _beside("erase", CASES[name], random.Random(seed)))
        _is_in_order(end)
        assert "a@x.example" not in repr(end.world.entities)
        before = dict(end.world.entities)
        assert (await _then("erase", CASES[name], end)).world.entities == before


@pytest.mark.parametrize("name", CASES)
async def test_what_is_forgotten_is_gone(name: str) -> None:
    """Deliveries, and what was heard of their submissions; the person stays."""
    for seed in range(SEEDS):
        end = await _then("forget", CASES[name], await _beside("forget", CASES[name], random.Random(seed)))
        held = {each.id for each in end.deliveries.values() if each.result and each.result.outcome is Outcome.HELD}
        assert end.deliveries.keys() <= held
        assert held or not [key for key in end.world.entities if key.startswith("heard|")]
        assert held or [each for _, each in end.world.entities.values() if isinstance(each, Prospect)]
