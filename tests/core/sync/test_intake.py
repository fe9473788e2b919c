"""What counts as the same delivery, for how long, and with how many at once."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest

from core.domain.capture import Capture, identity
from core.domain.delivery import Delivery
from core.sync.intake import Intake
from tests.core.sync.scenarios import ACTIONS, SETUPS
from tests.core.sync.worlds import NOON, ORGANIZATION, Scheduler, Worker, World

PERSON: dict[str, Any] = {"prospect": {"fields": {"Email": "a@x.example"}}}
ACTIVITY: dict[str, Any] = {"submission": {"activity_id": 1}, **PERSON}
HELD: dict[str, Any] = {"submission": {"hold_request_id": 5}}
NAMED: dict[str, Any] = {"delivery_id": "x1", **PERSON}


def _delivery(body: dict[str, Any], hours: float = 0) -> Delivery:
    said, received_at = Capture.model_validate(body), NOON + timedelta(hours=hours)
    return Delivery(
        id=identity("a0", said),
        organization=ORGANIZATION,
        connection="contoso",
        action="a0",
        capture=said,
        received_at=received_at,
        due_at=received_at + timedelta(seconds=30),
    )


async def _received(world: World, *deliveries: Delivery, seed: int = 0, troubles: int = 0) -> list[tuple[str, bool]]:
    """All at once; each answer is the stored delivery's id, and whether it was a repeat."""
    scheduler = Scheduler(world, random.Random(seed), troubles=troubles)
    intakes = [Intake(ledger=Worker(f"w{n}", scheduler, ACTIONS, SETUPS["one e-mail"])) for n in range(len(deliveries))]
    tasks = [asyncio.create_task(intake.receive(each)) for intake, each in zip(intakes, deliveries, strict=True)]
    await scheduler.run(tasks)
    return [(task.result()[0].entity.id, task.result()[1]) for task in tasks]


@pytest.mark.parametrize(
    ("body", "hours", "is_repeat"),
    [
        (PERSON, 0.1, True),
        (PERSON, 23.9, True),
        (PERSON, 24, False),
        (ACTIVITY, 1000, True),
        (NAMED, 1000, True),
        (HELD, 1000, True),
    ],
)
async def test_the_same_words_later(body: dict[str, Any], hours: float, *, is_repeat: bool) -> None:
    """What names itself, or its submission, is the same for good; content alone for a day."""
    world = World()
    ((first, _),) = await _received(world, _delivery(body))
    ((again, repeated),) = await _received(world, _delivery(body, hours))
    assert repeated is is_repeat
    assert (again == first) is is_repeat


async def test_a_day_later_the_words_begin_anew_and_repeat_again() -> None:
    """The new delivery has its own day."""
    world = World()
    answers = [(await _received(world, _delivery(PERSON, hours)))[0] for hours in (0, 25, 26, 48, 50)]
    assert [repeated for _, repeated in answers] == [False, False, True, True, False]
    assert len({receipt for receipt, _ in answers}) == 3


@pytest.mark.parametrize("body", [PERSON, ACTIVITY, NAMED, HELD])
@pytest.mark.parametrize("hours", [0, 30])
async def test_of_many_at_once_one_is_the_first(body: dict[str, Any], hours: float) -> None:
    """Also of many that say it anew after a day."""
    for seed in range(10):
        world = World()
        if hours:
            await _received(world, _delivery(body))
        answers = await _received(world, *(_delivery(body, hours) for _ in range(5)), seed=seed)
        assert len({receipt for receipt, _ in answers}) == 1
        is_anew = not hours or body is PERSON
        assert [repeated for _, repeated in answers].count(False) == (1 if is_anew else 0)


async def test_a_sender_who_names_a_delivery_after_its_submission_can_release_it() -> None:
    """The same delivery id, first held, then not: completed in place; after that it is a repeat."""
    world = World()
    held, released = {**NAMED, **HELD}, {**NAMED, "event": "released"}
    answers = [(await _received(world, _delivery(body)))[0] for body in (held, held, released, released)]
    assert len({receipt for receipt, _ in answers}) == 1
    assert [repeated for _, repeated in answers] == [False, True, False, True]


async def test_a_new_capture_takes_one_storage_operation_to_receive() -> None:
    """A repeat two, an edit three more than a first capture: refused, read, read, stored."""
    world = World()
    counts = []
    for body in (ACTIVITY, ACTIVITY, {**ACTIVITY, "event": "updated"}):
        scheduler = Scheduler(world, random.Random(0), troubles=0)
        worker = Worker("w", scheduler, ACTIONS, SETUPS["one e-mail"])
        await scheduler.run([asyncio.create_task(Intake(ledger=worker).receive(_delivery(body)))])
        counts.append(len(scheduler.history))
    assert counts == [1, 2, 4]
