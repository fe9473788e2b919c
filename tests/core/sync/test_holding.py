"""Held, released, withdrawn: the real intake, turn and conclusion in a world where anything comes between two steps.

Senders send until they are answered, workers are killed, replies are lost, and a timer finds what nobody finished.
What stands in the end must be what some order of receiving would have given: the same rows, one log row for each
stored delivery, saying what became of it in the end.
"""

import asyncio
import itertools
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from typing_extensions import override

from core.domain.capture import Capture
from core.domain.delivery import Delivery, Outcome, Result, delivery_key
from core.domain.trail import Attempt
from core.errors import RetryableError
from core.sync.attempt import Attempts
from core.sync.intake import Intake
from core.sync.turn import Turns
from tests.core.sync.scenarios import ACTIONS, SETUPS
from tests.core.sync.worlds import NOON, ORGANIZATION, Killed, Scheduler, Worker, World

SEEDS = 30
SETUP = SETUPS["one e-mail"]


@dataclass
class Log:
    """One row for each delivery; the adapter's promise, kept in one step (its own tests hold it to that)."""

    rows: dict[str, tuple[int, str]] = field(default_factory=dict)

    def write(self, delivery: Delivery) -> None:
        assert delivery.result is not None
        if self.rows.get(delivery.id, (0, ""))[0] <= delivery.revision:
            self.rows[delivery.id] = (delivery.revision, delivery.result.outcome.value)


class LoggingWorker:
    """The log of one worker; writing it is a request like any other."""

    def __init__(self, name: str, scheduler: Scheduler, log: Log) -> None:
        self._name, self._scheduler, self._log = name, scheduler, log

    async def write(self, delivery: Delivery, *, row_url: str, last: Attempt | None = None) -> None:
        await self._scheduler.request(self._name, f"log {delivery.id}", lambda: self._log.write(delivery))

    async def count_repeat(self, delivery: Delivery) -> None: ...

    async def note_quarantined(self, delivery: Delivery, *, reason: str) -> None: ...


class NoMessages:
    async def wake(self, organization: str, delivery_id: str, *, after: float = 0.0) -> None:
        """Every message is lost: the timer finds the work."""


class Host(Worker):
    """A process that receives deliveries and carries them out."""

    def __init__(self, name: str, scheduler: Scheduler, log: Log) -> None:
        super().__init__(name, scheduler, ACTIONS, SETUP)
        turns = Turns(
            ledger=self, configuration=self, crms=self, now=lambda: NOON, new_id=self.new_id, sleep=self.sleep
        )
        self._intake = Intake(ledger=self)
        self._attempts = Attempts(
            turns=turns,
            ledger=self,
            configuration=self,
            pauses=self,
            crms=self,
            sync_log=LoggingWorker(name, scheduler, log),
            wake_queue=NoMessages(),
            now=lambda: NOON + timedelta(hours=2),
        )

    async def send(self, delivery: Delivery, *, runs: bool = True) -> str:
        """Sends it, again where no answer came; answers with the receipt."""
        while True:
            try:
                found, _ = await self._intake.receive(delivery)
                if runs:
                    await self._attempts.attempt(found, deadline=1000)
            except (Killed, RetryableError):
                continue
            else:
                return found.entity.id

    async def tidy(self) -> None:
        """What the timer does, until nothing is due."""
        while marks := await self.due(ORGANIZATION, NOON, most=100):
            for mark in marks:
                entity = await self.read(ORGANIZATION, delivery_key(mark.delivery), Delivery)
                assert entity is not None
                await self._attempts.attempt(entity, deadline=1000)


def _delivery(name: str, number: int, minutes: int | None = None, **body: Any) -> Delivery:
    said = {"occurred_at": (NOON + timedelta(minutes=minutes)).isoformat()} if minutes is not None else {}
    received_at = NOON + timedelta(hours=1, seconds=number)
    return Delivery(
        id=name,
        organization=ORGANIZATION,
        connection="contoso",
        action="a0",
        capture=Capture.model_validate(body | said),
        received_at=received_at,
        due_at=received_at + timedelta(seconds=30),
    )


PERSON: dict[str, Any] = {"prospect": {"fields": {"LastName": "N", "Email": "a@x.example"}}}
OTHER: dict[str, Any] = {"prospect": {"fields": {"LastName": "M", "Email": "a@x.example", "Title": "t"}}}
BOTH: dict[str, Any] = {"submission": {"activity_id": 1, "hold_request_id": 5}}
BY_HOLD: dict[str, Any] = {"submission": {"hold_request_id": 5}}
BY_ACTIVITY: dict[str, Any] = {"submission": {"activity_id": 1}}

SCENARIOS: dict[str, tuple[Delivery, ...]] = {
    "held and released": (_delivery("h", 0, **BOTH), _delivery("r", 1, event="released", **BY_HOLD, **PERSON)),
    "held, then no longer held": (_delivery("h", 0, **BOTH), _delivery("r", 1, **BY_ACTIVITY, **PERSON)),
    "two releases at once": (
        _delivery("h", 0, **BOTH),
        _delivery("r", 1, event="released", **BY_HOLD, **PERSON),
        _delivery("s", 2, event="released", **BOTH, **OTHER),
    ),
    "withdrawn while held": (_delivery("h", 0, **BOTH), _delivery("w", 1, event="withdrawn", **BY_ACTIVITY)),
    "released and withdrawn at once": (
        _delivery("h", 0, **BOTH),
        _delivery("r", 1, event="released", **BOTH, **PERSON),
        _delivery("w", 2, event="withdrawn", **BY_ACTIVITY),
    ),
    "a withdrawal beside its capture": (
        _delivery("c", 0, minutes=1, **BY_ACTIVITY, **PERSON),
        _delivery("w", 1, minutes=2, event="withdrawn", **BY_ACTIVITY),
    ),
    "captured, edited and withdrawn at once": (
        _delivery("c", 0, minutes=1, **BY_ACTIVITY, **PERSON),
        _delivery("e", 1, minutes=3, event="updated", **BY_ACTIVITY, **OTHER),
        _delivery("w", 2, minutes=2, event="withdrawn", **BY_ACTIVITY),
    ),
    "held twice, known by different ids, released by both": (
        _delivery("h", 0, **BY_HOLD),
        _delivery("k", 1, submission={"activity_id": 1, "type": "transcription"}),
        _delivery("r", 2, event="released", **BOTH, **PERSON),
    ),
}


@dataclass
class End:
    """What stands in the end."""

    world: World
    log: Log
    receipts: dict[str, str]

    @property
    def deliveries(self) -> dict[str, Delivery]:
        stored = (entity for _, entity in self.world.entities.values())
        return {each.id: each for each in stored if isinstance(each, Delivery)}

    @property
    def visible(self) -> Any:
        rows = sorted(
            (table, row.get("lastname"), row.get("jobtitle"))
            for (table, _), row in self.world.rows.items()
            if table in ("lead", "contact")
        )
        return rows, sorted((name, _kind(outcome)) for name, (_, outcome) in self.log.rows.items())


def _kind(outcome: str) -> str:
    return "matched" if outcome in ("updated", "unchanged") else outcome


async def _at_once(deliveries: Sequence[Delivery], choice: random.Random) -> End:
    """Two senders for each delivery, kills and lost replies; then the timer."""
    scheduler, log = Scheduler(World(), choice, troubles=4), Log()
    hosts = [(Host(f"{each.id}{copy}", scheduler, log), each) for each in deliveries for copy in ("", "'")]
    tasks = [asyncio.create_task(host.send(each)) for host, each in hosts]
    await scheduler.run(tasks)
    receipts = {each.id: task.result() for (_, each), task in zip(hosts, tasks, strict=True)}
    return await _tidied(scheduler.world, log, receipts)


async def _in_order(deliveries: Sequence[Delivery], runs: Sequence[bool]) -> End:
    """One received after the other; those that do not run at once run when all have been received."""
    scheduler, log = Scheduler(World(), random.Random(0), troubles=0), Log()
    receipts: dict[str, str] = {}
    for each, is_run in zip(deliveries, runs, strict=True):
        task = asyncio.create_task(Host(each.id, scheduler, log).send(each, runs=is_run))
        await scheduler.run([task])
        receipts[each.id] = task.result()
    return await _tidied(scheduler.world, log, receipts)


async def _tidied(world: World, log: Log, receipts: dict[str, str]) -> End:
    scheduler = Scheduler(world, random.Random(0), troubles=0)
    timer = asyncio.create_task(Host("timer", scheduler, log).tidy())
    await scheduler.run([timer])
    timer.result()
    return End(world, log, receipts)


async def _allowed(deliveries: Sequence[Delivery]) -> list[Any]:
    """What every order of receiving gives, with each delivery carried out at once or later."""
    later = list(itertools.product((True, False), repeat=len(deliveries)))
    orders = itertools.product(itertools.permutations(deliveries), later)
    return [(await _in_order(order, runs)).visible for order, runs in orders]


@pytest.mark.parametrize("name", SCENARIOS)
async def test_any_interleaving_ends_as_some_order_of_receiving(name: str) -> None:
    """Kills, lost replies and two senders for each delivery included; every receipt leads to a final outcome."""
    deliveries = SCENARIOS[name]
    allowed = await _allowed(deliveries)
    for seed in range(SEEDS):
        end = await _at_once(deliveries, random.Random(seed))
        assert end.visible in allowed, f"{name}, seed {seed}: {end.visible} is none of {allowed}"
        assert {each.id: each.result.outcome.value for each in end.deliveries.values() if each.result} == {
            delivery: outcome for delivery, (_, outcome) in end.log.rows.items()
        }
        _every_delivery_is_answered_for(deliveries, end)


def _every_delivery_is_answered_for(deliveries: Iterable[Delivery], end: End) -> None:
    """It stands for itself, or one other took it over, and its receipt says which."""
    taken_over = {name: each.id for each in end.deliveries.values() for name in each.absorbed}
    assert not taken_over.keys() & end.deliveries.keys()
    for each in deliveries:
        assert each.id in end.deliveries or each.id in taken_over
        assert end.receipts[each.id] == taken_over.get(each.id, each.id)


async def test_repeats_of_a_release_are_answered_with_the_held_receipt() -> None:
    """Long after it was over, too; nothing is written again."""
    held, released = SCENARIOS["held and released"]
    end = await _in_order([held, released, released, held], [True] * 4)
    assert end.receipts == {"h": "h", "r": "h"}
    assert end.visible == ([("lead", "N", None)], [("h", "created")])


async def test_what_is_released_takes_the_time_of_its_release() -> None:
    """What the person said in between is older than the release, and gives way to it."""
    held, released = SCENARIOS["held and released"]
    between = _delivery("b", 0, submission={"activity_id": 2}, **OTHER)
    end = await _in_order([held, between, released], [True] * 3)
    assert end.visible[0] == [("lead", "N", "t")]


def test_what_was_read_is_what_is_compared() -> None:
    """The log of this world keeps a later revision, as the real one does."""
    log = Log()
    done = _delivery("d", 0).model_copy(update={"revision": 1, "result": _result("created")})
    for each in (done, done.model_copy(update={"revision": 0, "result": _result("held")})):
        log.write(each)
    assert log.rows == {"d": (1, "created")}


def _result(outcome: str) -> Result:
    return Result(outcome=Outcome(outcome))


# --- Kills at every step ----------------------------------------------------------------------------------------------


class KillAt(random.Random):
    """Lets requests happen in their order, and one thing go wrong at one step."""

    def __init__(self, step: int, how: int) -> None:
        super().__init__(0)
        self._left, self._how = step, how

    @override
    def random(self) -> float:
        self._left -= 1
        return 0.0 if self._left == -1 else 1.0

    @override
    def randrange(self, start: int, stop: int | None = None, step: int = 1) -> int:
        return 0

    @override
    def choice(self, seq: Any) -> Any:
        return seq[self._how]


@pytest.mark.parametrize("name", ["held and released", "withdrawn while held", "a withdrawal beside its capture"])
@pytest.mark.parametrize("how", range(4), ids=["killed before", "left on its way", "killed after", "reply lost"])
async def test_a_kill_at_any_step_changes_nothing(name: str, how: int) -> None:
    """Between every two steps of receiving, carrying out, logging and tidying up."""
    first, second = SCENARIOS[name]
    expected = [(await _in_order([first, second], [is_run, True])).visible for is_run in (True, False)]
    step, is_struck = 0, True
    while is_struck:
        scheduler, log = Scheduler(World(), KillAt(step, how), troubles=1), Log()
        for each in (first, second):
            task = asyncio.create_task(Host(each.id, scheduler, log).send(each))
            await scheduler.run([task])
            task.result()
        is_struck = not scheduler._troubles
        end = await _tidied(scheduler.world, log, {})
        assert end.visible in expected, f"step {step}: {scheduler.history}"
        assert {each.state for each in end.deliveries.values()} == {"done"}
        assert not [key for key in end.world.entities if key.startswith("due|")]
        step += 1
    assert step > 10
