"""Service protection: what each user may ask of each server, what is refused beyond, and for how long."""

import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.dynamics.service_limits import Limits, Refusal, ServiceLimits, Usage
from tests.infra.dynamics.simulator import API, CLIENT_ID, Crm, error, send_batch

_SMALL = Limits(requests=3, execution_seconds=2.0, concurrent=2, window_seconds=60.0)


def _limits(limits: Limits = _SMALL) -> tuple[ServiceLimits, Usage]:
    service = ServiceLimits()
    service.order(limits)
    return service, service.usage("somebody", 0)


def _served(service: ServiceLimits, usage: Usage, *, at: float, executed: float = 0.0) -> Refusal | None:
    refusal = service.admit(usage, at)
    if refusal is None:
        service.leave(usage, at, executed=executed)
    return refusal


def _control(crm: Crm) -> dict[str, Any]:
    told: dict[str, Any] = crm.control.get("limits").json()
    return told


def _at_once(crm: Crm, count: int) -> list[httpx.Response]:
    async def ask() -> list[httpx.Response]:
        headers = {"Authorization": f"Bearer {CLIENT_ID}|{crm.url}"}
        async with httpx.AsyncClient(base_url=crm.url + API, headers=headers) as client:
            return list(await asyncio.gather(*(client.get("WhoAmI") for _ in range(count))))

    return asyncio.run(ask())


def test_requests_beyond_the_limit_wait_until_the_first_has_left_the_window() -> None:
    """The window slides: it is not emptied at once."""
    service, usage = _limits()
    assert [_served(service, usage, at=at) for at in (0, 10, 20)] == [None, None, None]
    assert _served(service, usage, at=30) == Refusal("requests", 30)
    assert _served(service, usage, at=60) is None
    assert _served(service, usage, at=61) == Refusal("requests", 9)


def test_execution_time_counts_when_it_is_over() -> None:
    """So the limit is overshot by what is under way, and lifted when enough has left the window."""
    service, usage = _limits()
    assert _served(service, usage, at=0, executed=1.5) is None
    assert _served(service, usage, at=10, executed=1.5) is None
    assert _served(service, usage, at=20) == Refusal("time", 40)
    assert _served(service, usage, at=60) is None


def test_who_goes_on_waits_longer() -> None:
    """Each request in spite of a refusal lengthens the wait, also when the window itself would allow it again."""
    service, usage = _limits()
    for at in (0, 0, 0):
        _served(service, usage, at=at)
    waits = [refusal.retry_after for at in (10, 10, 10) if (refusal := _served(service, usage, at=at))]
    assert waits == [50, 51, 52]
    assert _served(service, usage, at=60.5) == Refusal("requests", 2.5)
    assert _served(service, usage, at=63) is None


def test_too_many_at_once_are_refused_at_once() -> None:
    """A place that becomes free is free; who keeps on trying meanwhile is told to wait longer."""
    service, usage = _limits()
    assert [service.admit(usage, 0) for _ in range(2)] == [None, None]
    assert [service.admit(usage, 0) for _ in range(2)] == [Refusal("concurrency", 1), Refusal("concurrency", 2)]
    service.leave(usage, 0, executed=0)
    assert service.admit(usage, 0) is None
    assert service.admit(usage, 0) == Refusal("concurrency", 1)


@given(st.lists(st.tuples(st.floats(0, 30), st.floats(0, 2)), max_size=60))
def test_no_window_holds_more_than_the_limits(steps: list[tuple[float, float]]) -> None:
    """Whenever requests come and whatever they cost: no window has more of them admitted than the limit, nor one
    that came when the limit of execution time was used up.
    """
    service, usage = _limits()
    now, admitted = 0.0, list[tuple[float, float]]()
    for wait, seconds in steps:
        now += wait
        if _served(service, usage, at=now, executed=seconds) is None:
            recent = [cost for at, cost in admitted if at > now - _SMALL.window_seconds]
            assert len(recent) < _SMALL.requests
            assert sum(recent) < _SMALL.execution_seconds + 1e-6
            admitted.append((now, seconds))


@pytest.mark.parametrize(
    ("limits", "code", "says"),
    [
        ({"requests": 2}, "0x80072322", "exceeded the limit of 2 over time window of 300 seconds."),
        ({"execution_seconds": 0.02}, "0x80072321", "exceeded limit of 20 milliseconds over time window of 300"),
    ],
)
def test_a_window_that_is_full(crm: Crm, limits: dict[str, float], code: str, says: str) -> None:
    """429 with its own code, until the window has passed; meanwhile others are served."""
    crm.order("latency", {"request_ms": 10})
    crm.order("limits", limits)
    other = crm.limited()
    assert [crm.api.get("WhoAmI").status_code for _ in range(2)] == [200, 200]
    refused = crm.api.get("WhoAmI")
    assert error(refused) == (429, code)
    assert says in refused.json()["error"]["message"]
    assert 290 <= int(refused.headers["Retry-After"]) <= 300
    assert other.get("WhoAmI").status_code == 200
    crm.order("clock", {"advance_seconds": 301})
    assert crm.api.get("WhoAmI").status_code == 200


def test_too_many_in_flight(crm: Crm) -> None:
    """The third of three at once is refused where two are allowed; the most that were in flight are told."""
    crm.order("latency", {"request_ms": 150})
    crm.order("limits", {"concurrent": 2})
    answers = _at_once(crm, 3)
    refused = [error(answer) for answer in answers if answer.status_code != 200]
    assert refused == [(429, "0x80072326")]
    assert (_control(crm)["in_flight_most"], _control(crm)["refusals"]) == (2, {"concurrency": 1})


def test_a_batch_is_one_request_and_takes_the_time_of_all_its_parts(crm: Crm) -> None:
    """As documented; and a refused one carries out no part."""
    crm.order("latency", {"request_ms": 5, "part_ms": 2, "row_ms": 1})
    crm.order("limits", {"requests": 1})
    head = "--batch_a1\nContent-Type: application/http\nContent-Transfer-Encoding: binary\n\n"
    part = f'{head}POST leads HTTP/1.1\nContent-Type: application/json\n\n{{"lastname":"A"}}\n'
    assert send_batch(crm, part * 3 + "--batch_a1--\n").status_code == 200
    assert _control(crm)["busy_seconds"] == pytest.approx(0.005 + 3 * 0.002 + 3 * 0.001)
    assert error(send_batch(crm, part + "--batch_a1--\n")) == (429, "0x80072322")
    assert len(crm.rows("lead")) == 3


def test_what_is_left_is_told(crm: Crm) -> None:
    """With every answer: requests and seconds that remain, and how many requests at once are advised."""
    crm.order("limits", {"requests": 10, "execution_seconds": 5, "dop_hint": 3})
    crm.api.get("WhoAmI")
    headers = crm.api.get("WhoAmI").headers
    assert headers["x-ms-ratelimit-burst-remaining-xrm-requests"] == "8"
    assert headers["x-ms-ratelimit-time-remaining-xrm-requests"] == "5.00"
    assert headers["x-ms-dop-hint"] == "3"


def test_each_server_counts_for_itself(crm: Crm) -> None:
    """A client that brings back the affinity cookie uses up one server; another has as much on each of them."""
    crm.order("limits", {"requests": 2, "servers": 3})
    kept = crm.api
    kept.cookies.clear()
    assert [kept.get("WhoAmI").status_code for _ in range(3)] == [200, 200, 429]
    assert [entry["affinity"] for entry in crm.requests()][-3:] == [False, True, True]
    crm.order("limits", {"requests": 2, "servers": 3})
    free = [
        httpx.get(crm.url + API + "WhoAmI", headers={"Authorization": f"Bearer {CLIENT_ID}|{crm.url}"})
        for _ in range(7)
    ]
    assert [answer.status_code for answer in free] == [200] * 6 + [429]


def test_limits_are_off_until_they_are_ordered(crm: Crm) -> None:
    """And after a reset; ordered with nothing said they are the documented ones."""
    assert _control(crm)["limits"] is None
    told = crm.order("limits", {})["limits"]
    assert (told["requests"], told["execution_seconds"], told["concurrent"], told["window_seconds"]) == (
        6000,
        1200,
        52,
        300,
    )
    crm.control.post("reset")
    assert _control(crm)["limits"] is None


@pytest.mark.parametrize("order", [{"requests": 0}, {"request": 5}, {"window_seconds": -1}, {"servers": 99}])
def test_limits_that_make_no_sense(crm: Crm, order: dict[str, float]) -> None:
    """A misspelt order is refused, for a test would prove nothing."""
    assert crm.control.post("limits", json=order).status_code == 400
