"""Many requests at once against a Dynamics that counts them: the ceiling of one process, and what is heard."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from core.dataverse.client import DataverseClient
from core.dataverse.traffic import AT_ONCE_MOST, Traffic
from core.errors import ThrottledError
from infra.local.dynamics import CLIENT_ID, dynamics


def _anybody(_token: str, _audience: str) -> Mapping[str, object]:
    return {"appid": CLIENT_ID}


class OneToken:
    async def token(self, *, fresh: bool = False) -> str:
        return "x"


@pytest.fixture(scope="module")
def running() -> Iterator[str]:
    with dynamics(_anybody) as simulator:
        yield simulator.url


@pytest.fixture
def crm(running: str) -> str:
    httpx.post(f"{running}/_control/reset").raise_for_status()
    return running


def _order(crm: str, path: str, **order: Any) -> None:
    httpx.post(f"{crm}/_control/{path}", json=order).raise_for_status()


def _counted(crm: str) -> dict[str, Any]:
    told: dict[str, Any] = httpx.get(f"{crm}/_control/limits").json()
    return told


async def _ask(crm: str, traffic: Traffic, count: int) -> list[Any]:
    """So many requests at once; what they raised."""
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=None)) as http:
        client = DataverseClient(url=crm, organization_id=None, http=http, tokens=OneToken(), traffic=traffic)
        return await asyncio.gather(*(client.identity() for _ in range(count)), return_exceptions=True)


async def test_one_process_keeps_below_its_ceiling(crm: str) -> None:
    """Whatever is asked for at once; so two instances under full load stay below Dynamics' 52."""
    _order(crm, "latency", request_ms=30)
    answers = await _ask(crm, Traffic(), 3 * AT_ONCE_MOST)
    assert not [answer for answer in answers if isinstance(answer, BaseException)]
    assert _counted(crm)["in_flight_most"] == AT_ONCE_MOST
    assert 2 * AT_ONCE_MOST < 52


async def test_each_connection_has_a_ceiling_of_its_own(crm: str) -> None:
    """One that is slow takes up no place of another."""
    _order(crm, "latency", request_ms=30)
    await asyncio.gather(_ask(crm, Traffic(), 2 * AT_ONCE_MOST), _ask(crm, Traffic(), 2 * AT_ONCE_MOST))
    assert AT_ONCE_MOST < _counted(crm)["in_flight_most"] <= 2 * AT_ONCE_MOST


async def test_what_dynamics_says_of_its_limits_is_heard(crm: str) -> None:
    """Its advice with every answer; refusals are counted, with the wait that the last one named."""
    traffic = Traffic()
    assert (traffic.signals.dop_hint, traffic.signals.refusals) == (None, 0)
    _order(crm, "limits", requests=2, dop_hint=5)
    answers = await _ask(crm, traffic, 4)
    assert [isinstance(answer, ThrottledError) for answer in answers].count(True) == 2
    signals = traffic.signals
    assert (signals.dop_hint, signals.refusals) == (5, 2)
    assert 290 < signals.retry_after <= 310
