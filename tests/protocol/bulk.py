"""A message of many captures: those that share a key become one intent, and new rows are created in one request."""

from typing import NamedTuple

from tests.protocol.captures import Delivery
from tests.protocol.dynamics import CreateRow, Write
from tests.protocol.landing import CarryOut
from tests.protocol.program import Ending, Next, Steps
from tests.protocol.safeguards import Safeguard, Without
from tests.protocol.turn import take


class Batch(NamedTuple):
    """The groups of one message; no two groups share a key."""

    groups: tuple[tuple[Delivery, ...], ...]

    def steps(self, without: Without) -> Steps[Next]:
        claimed: list[CarryOut] = []
        is_over = True
        for group in self.groups:
            taken = yield from take(group, without)
            if isinstance(taken, CarryOut):
                claimed.append(taken)
            is_over = is_over and taken is Ending.DONE
        are_there = yield from _created(claimed, without)
        for each in claimed:
            yield from each.steps_after_create(without) if each in are_there else each.steps(without)
        return Ending.DONE if is_over else Ending.AGAIN


def _created(claimed: list[CarryOut], without: Without) -> Steps[list[CarryOut]]:
    """All new rows in one request, without conditions: Dynamics refuses it whole when one of the ids exists already."""
    new = [each for each in claimed if each.intent.create and not each.intent.accounts]
    if len(new) < 2:
        return []
    answer = yield Write(tuple(CreateRow(each.intent.row_id, each.intent.create) for each in new if each.intent.create))
    return new if answer == "done" or Safeguard.SINGLY_AFTER_BULK in without else []
