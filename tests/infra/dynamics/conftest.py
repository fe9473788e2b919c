"""A simulator for all tests of the session, wiped before each, and an HTTP client that is signed in."""

from collections.abc import Iterator

import httpx
import pytest

from infra.local.dynamics import dynamics
from tests.infra.dynamics.simulator import API, CLIENT_ID, Crm, verify


@pytest.fixture(scope="session")
def running() -> Iterator[Crm]:
    with dynamics(verify, client_ids=(CLIENT_ID,)) as simulator:
        token = f"{CLIENT_ID}|{simulator.url}"
        with (
            httpx.Client(base_url=simulator.url + API, headers={"Authorization": f"Bearer {token}"}) as api,
            httpx.Client(base_url=simulator.url + "/_control/") as control,
        ):
            yield Crm(simulator.url, api, control)


@pytest.fixture
def crm(running: Crm) -> Iterator[Crm]:
    running.control.post("reset").raise_for_status()
    yield running
    while running.opened:
        running.opened.pop().close()
