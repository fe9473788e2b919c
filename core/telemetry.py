"""What an attempt did outside, noted while it runs: adapters note their calls, whoever began the attempt reads them.

Each attempt is a task's own, so nobody hands a notebook from hand to hand.
"""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from core.domain.trail import CALLS_MOST, Call

_noted: ContextVar[list[Call] | None] = ContextVar("calls", default=None)


@contextlib.contextmanager
def calls_noted() -> Iterator[list[Call]]:
    """The calls that are made within the block, up to a bound."""
    calls: list[Call] = []
    token = _noted.set(calls)
    try:
        yield calls
    finally:
        _noted.reset(token)


def note_call(call: Call) -> None:
    calls = _noted.get()
    if calls is not None and len(calls) < CALLS_MOST:
        calls.append(call)
