"""Plays histories: every delivery is sent at once, by a sender that sends again until it is answered, while faults
strike at the hosts; then everything that was left open is carried on, and what stands in the end is read.
"""

import concurrent.futures
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from tests.faults.fault import ByChance, Fault, Kind
from tests.faults.hosts import Victim
from tests.histories.arena import Arena
from tests.histories.history import History, Said
from tests.histories.standing import Standing, standing

FAULTS = (
    Fault(Kind.ERROR, 500),
    Fault(Kind.ERROR, 503),
    Fault(Kind.ERROR, 503, retry_after=1),
    Fault(Kind.ERROR, 429, retry_after=1),
    Fault(Kind.RESET_BEFORE),
    Fault(Kind.RESET_AFTER),
    Fault(Kind.RESET_AFTER),
    Fault(Kind.TRUNCATED),
    Fault(Kind.SLOW, seconds=0.4),
    Fault(Kind.KILL_BEFORE),
    Fault(Kind.KILL_BEFORE),
    Fault(Kind.KILL_AFTER),
    Fault(Kind.KILL_AFTER),
)
RATE = 0.06
# Entities of deliveries, their log, Dynamics. What the hosts poll for all the time is left alone.
MET = r"SyncLog|SyncState\(P|\$batch|/api/data/"
SENT_AGAIN_MOST = 60
SENT_AGAIN_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Went:
    """What the log says of a delivery."""

    outcome: str
    table: str
    row_id: str


@dataclass(frozen=True, slots=True)
class Ended:
    """How a history ended: each delivery's outcome, what stands in Dynamics, and what had struck."""

    went: dict[int, Went]
    standing: Standing
    struck: tuple[str, ...]


def play(arena: Arena, histories: Sequence[History]) -> list[Ended]:
    """All of them at once."""
    for history in histories:
        for row in reversed(history.rows):
            arena.seed(row.table, {f"{row.table}id": row.row_id, **row.columns})
    _let_strike(arena, histories)
    receipts = _send_all(arena, histories)
    struck = tuple(f"{each.fault} at {each.request}" for place in arena.places for each in _struck(place))
    for place in arena.places:
        place.proxy.begin()
        place.vault.begin()
    left = arena.nursery.tidy(arena.organization)
    assert not left, f"{left} deliveries are still open; {struck}"
    return [_ended(arena, history, receipts, struck) for history in histories]


def _let_strike(arena: Arena, histories: Sequence[History]) -> None:
    for number, place in enumerate(arena.places):
        seed = 1000 * histories[0].seed + number
        most = sum(history.faults for history in histories)
        place.proxy.begin(ByChance(seed, FAULTS, RATE, most=most, on=MET))
        place.vault.begin(ByChance(seed, FAULTS[:7], RATE, most=most))
        host = place.alive()
        place.proxy.victim = place.vault.victim = host.pid


def _struck(place: Victim) -> Iterable[Any]:
    return [*place.proxy.struck, *place.vault.struck]


def _send_all(arena: Arena, histories: Sequence[History]) -> dict[tuple[str, int], str]:
    """The receipts, by history and delivery."""
    sendings = [
        (history, said, arena.places[number % len(arena.places)])
        for history in histories
        for said in history.said
        for number in said.hosts
    ]
    with concurrent.futures.ThreadPoolExecutor(len(sendings)) as pool:
        sent = list(pool.map(lambda sending: _send(arena, sending[1], sending[2]), sendings))
    return {(history.tag, said.number): receipt for (history, said, _), receipt in zip(sendings, sent, strict=True)}


def _send(arena: Arena, said: Said, place: Victim) -> str:
    """As Captello does: the same again, until somebody says that it was accepted."""
    told = ""
    for _ in range(SENT_AGAIN_MOST):
        try:
            url = f"{place.alive().url}/api/capture/{said.action}"
            answer = httpx.post(url, json=said.body, headers=arena.key, timeout=20)
            if answer.status_code in (200, 202):
                return str(answer.json()["receipt"])
            told = answer.text
        except httpx.TransportError as error:
            told = repr(error)
        time.sleep(SENT_AGAIN_SECONDS)
    raise AssertionError(f"{said} was never accepted: {told}")


# --- What stands in the end -------------------------------------------------------------------------------------------


def _ended(arena: Arena, history: History, receipts: dict[tuple[str, int], str], struck: tuple[str, ...]) -> Ended:
    logs = _logs(arena)
    went = {said.number: _went(logs, receipts[history.tag, said.number]) for said in history.said}
    return Ended(went, standing(arena, history.tag), struck)


def _logs(arena: Arena) -> list[dict[str, Any]]:
    answer = httpx.get(f"{arena.running.app}/api/v1/logs", params={"limit": "200"}, headers=arena.key, timeout=30)
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def _went(logs: list[dict[str, Any]], receipt: str) -> Went:
    (log,) = [log for log in logs if log["delivery"] == receipt]
    return Went(log["outcome"], log["table"] or "", log["record_id"] or "")
