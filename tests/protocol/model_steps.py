"""The steps that the model takes when its deliveries come one after the other, and one is stopped on its way."""

from collections.abc import Sequence
from itertools import count
from typing import assert_never

from tests.protocol.captures import Delivery
from tests.protocol.dynamics import AddJoin, CreateRow, Find, Part, PutNote, UpdateRow, Write
from tests.protocol.program import Ending, Task
from tests.protocol.rows import table_of
from tests.protocol.scenario import Scenario
from tests.protocol.steps import SOUGHT, Step, in_a_row, kind_of_key, step
from tests.protocol.storage import Read, Transact
from tests.protocol.turn import Turn
from tests.protocol.world import Request, World


def steps_of_model(scenario: Scenario, runs: Sequence[tuple[Delivery, int]]) -> list[list[Step]]:
    """For each run its steps. A run stops after so many changes; 0: it goes to its end."""
    world, told = scenario.world(), []
    for delivery, changes_most in runs:
        steps, world = _run(world, Turn((delivery,)), changes_most)
        told.append(in_a_row(steps))
    return told


def _run(world: World, first: Task, changes_most: int) -> tuple[list[Step], World]:
    steps: list[Step] = []
    changes = count(1)
    task: Task | Ending = first
    while task is not Ending.DONE:
        program = (first if isinstance(task, Ending) else task).steps(frozenset())
        try:
            request = next(program)
            while True:
                steps.append(_step(request))
                after, reply = request.apply(world)
                has_changed, world = after is not world, after
                if has_changed and next(changes) == changes_most:
                    return steps, world
                request = program.send(reply)
        except StopIteration as stop:
            task = stop.value
    return steps, world


def _step(request: Request) -> Step:
    match request:
        case Read(keys):
            return step("read", map(kind_of_key, keys))
        case Transact(_, changes):
            return step("commit", (kind_of_key(change.key) for change in changes))
        case Find(searches):
            return step("find", {search.table for search in searches} & SOUGHT)
        case Write(parts):
            return step("write", map(_kind, parts))
    raise AssertionError(request)


def _kind(part: Part) -> str:
    match part:
        case CreateRow():
            return f"create {table_of(part.id)}"
        case UpdateRow():
            return f"update {table_of(part.id)}"
        case PutNote():
            return "note"
        case AddJoin():
            return part.join.kind
        case _:
            assert_never(part)
