"""Makes a history that ended wrongly smaller, as long as it still ends wrongly.

What is played is real, so the same history does not end the same way each time: each smaller one is played a few
times, and the smallest that ended wrongly is what remains.
"""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.histories.arena import Arena
from tests.histories.history import History
from tests.histories.judging import some_order
from tests.histories.playing import Ended, play

TRIES = 4
ROUNDS_MOST = 40
_runs = itertools.count(1)


def shrunk(arena: Arena, history: History, ended: Ended) -> tuple[History, Ended]:
    rounds = ROUNDS_MOST
    while rounds > 0:
        for smaller in _smaller(history):
            rounds -= 1
            wrong = _wrong(arena, smaller)
            if wrong:
                history, ended = wrong
                break
        else:
            break
    return history, ended


def _smaller(history: History) -> Iterator[History]:
    yield from (history.without(said.number) for said in history.said if len(history.said) > 1)
    yield from (history.without_row(row.row_id) for row in history.rows)
    if history.faults:
        yield replace(history, faults=0)


def _wrong(arena: Arena, history: History) -> tuple[History, Ended] | None:
    for _ in range(TRIES):
        renamed = _renamed(history)
        (ended,) = play(arena, [renamed])
        if some_order(renamed, ended) is None:
            return renamed, ended
    return None


def _renamed(history: History) -> History:
    """The same with names nobody bears yet. Rows get ids of their own."""
    tag = f"{history.tag.partition('x')[0]}x{next(_runs)}"
    ids = {row.row_id: f"{next(_runs):08x}{row.row_id[8:]}" for row in history.rows}
    return _replaced(history, {history.tag: tag, **ids})


def _replaced(history: History, names: dict[str, str]) -> History:
    said = tuple(replace(each, body=_in(each.body, names)) for each in history.said)
    rows = tuple(replace(each, row_id=names[each.row_id], columns=_in(each.columns, names)) for each in history.rows)
    return replace(history, tag=names[history.tag], said=said, rows=rows)


def _in(value: Any, names: dict[str, str]) -> Any:
    """Every text in it with the new names."""
    match value:
        case dict():
            return {key: _in(each, names) for key, each in value.items()}
        case str():
            for old, new in names.items():
                value = value.replace(old, new)
            return value
        case _:
            return value
