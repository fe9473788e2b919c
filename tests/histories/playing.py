"""Plays histories: every delivery is sent at once, by a sender that sends again until it is answered, while faults
strike at the hosts; then everything that was left open is carried on, and what stands in the end is read.
"""

import concurrent.futures
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from core.domain.capture import Capture, identity
from tests.faults.fault import ByChance, Fault, Kind
from tests.faults.hosts import Victim
from tests.histories.arena import Arena
from tests.histories.history import CONNECTION, History, Said
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
MET = r"SyncLog|SyncState\(P|\$batch|/api/data/|/bulk/"
SENT_AGAIN_MOST = 60
SENT_AGAIN_SECONDS = 0.05

Place = tuple[str, int]  # a history's tag, a delivery's number


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


def _send_all(arena: Arena, histories: Sequence[History]) -> Mapping[Place, str]:
    """The receipts, which lead to what became of a delivery."""
    sendings = [sending for history in histories for sending in _sendings(history)]
    with concurrent.futures.ThreadPoolExecutor(len(sendings)) as pool:
        receipts = pool.map(lambda sending: _send(arena, sending), sendings)
        told = [(sending.said, receipt) for sending, receipt in zip(sendings, receipts, strict=True)]
    return {place: receipt for places, receipt in told for place in places if receipt}


@dataclass(frozen=True, slots=True)
class _Sending:
    said: tuple[Place, ...]
    method: str
    path: str
    body: Any
    host: int


def _sendings(history: History) -> Iterable[_Sending]:
    """Each capture to each of its hosts; those in bulk together, to the hosts of the first of them."""
    for said in history.said:
        if not said.in_bulk:
            place = (history.tag, said.number)
            yield from (
                _Sending((place,), "POST", f"/api/capture/{said.action}", said.body, host) for host in said.hosts
            )
    in_bulk = [said for said in history.said if said.in_bulk]
    for host in in_bulk[0].hosts if in_bulk else ():
        places = tuple((history.tag, said.number) for said in in_bulk)
        path = f"/api/v1/bulk/{history.tag}?action={in_bulk[0].action}"
        yield _Sending(places, "PUT", path, [said.body for said in in_bulk], host)


def _send(arena: Arena, sending: _Sending) -> str:
    """As Captello does: the same again, until somebody says that it was accepted. A batch has no receipts."""
    told, place = "", arena.places[sending.host % len(arena.places)]
    for _ in range(SENT_AGAIN_MOST):
        try:
            url = place.alive().url + sending.path
            answer = httpx.request(sending.method, url, json=sending.body, headers=arena.key, timeout=20)
            if answer.status_code in (200, 202):
                return str(answer.json().get("receipt", ""))
            told = answer.text
        except httpx.TransportError as error:
            told = repr(error)
        time.sleep(SENT_AGAIN_SECONDS)
    raise AssertionError(f"{sending} was never accepted: {told}")


# --- What stands in the end -------------------------------------------------------------------------------------------


def _ended(arena: Arena, history: History, receipts: Mapping[Place, str], struck: tuple[str, ...]) -> Ended:
    logs = _logs(arena)
    went = {said.number: _went(logs, said, receipts.get((history.tag, said.number), "")) for said in history.said}
    return Ended(went, standing(arena, history.tag), struck)


def _logs(arena: Arena) -> list[dict[str, Any]]:
    answer = httpx.get(
        f"{arena.running.app}/api/v1/logs",
        params={"connection": CONNECTION, "limit": "500"},
        headers=arena.key,
        timeout=30,
    )
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def _went(logs: list[dict[str, Any]], said: Said, receipt: str) -> Went:
    receipt = receipt or identity(said.action, Capture.model_validate(said.body))
    found = [log for log in logs if log["delivery"] == receipt]
    assert len(found) == 1, f"{len(found)} log rows of {said}, {receipt}"
    return Went(found[0]["outcome"], found[0]["table"] or "", found[0]["record_id"] or "")
