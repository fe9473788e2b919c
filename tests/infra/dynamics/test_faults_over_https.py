"""Broken connections over https, which is what Microsoft's client and the journeys use."""

import ssl
from collections.abc import Iterator

import httpx
import pytest

from infra.local.certificates import Certificates
from infra.local.dynamics import Dynamics, dynamics
from tests.infra.dynamics.simulator import API, CLIENT_ID, verify


@pytest.fixture
def trusted(certificates: Certificates) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificates.authority))


@pytest.fixture
def secure(certificates: Certificates) -> Iterator[Dynamics]:
    with dynamics(verify, client_ids=(CLIENT_ID,), certificate=certificates.server) as running:
        yield running


@pytest.mark.parametrize(("kind", "rows"), [("reset_before", 0), ("reset_after", 1), ("truncated", 1)])
def test_a_connection_that_breaks(secure: Dynamics, trusted: ssl.SSLContext, kind: str, rows: int) -> None:
    """The client sees a transport error, never an answer; the work is done or not, as ordered."""
    token = {"Authorization": f"Bearer {CLIENT_ID}|{secure.url}", "Prefer": "return=representation"}
    with httpx.Client(base_url=secure.url, verify=trusted, headers=token) as client:
        client.post("/_control/faults", json={"kind": kind}).raise_for_status()
        with pytest.raises(httpx.TransportError):
            client.post(f"{API}leads", json={"lastname": "A"})
        assert len(client.get("/_control/rows/lead").json()["rows"]) == rows
        assert client.get(f"{API}WhoAmI").status_code == 200
