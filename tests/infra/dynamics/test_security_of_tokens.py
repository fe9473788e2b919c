"""Tokens as the simulated Entra issues them, at the door of an environment: good, late, of others."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest

from infra.local.dynamics import Dynamics, dynamics
from infra.local.entra import Directory
from infra.local.entra.tokens import LIFETIME_SECONDS
from tests.infra.dynamics.simulator import API, CLIENT_ID

_TENANT = "AAAAAAAA-0000-4000-8000-00000000000a"
_OTHER = "aaaaaaaa-0000-4000-8000-00000000000b"


@dataclass
class Door:
    """An environment of one tenant, and a directory of two whose clock stands still."""

    now: float = 1_800_000_000.0
    directory: Directory = field(init=False)
    crm: Dynamics = field(init=False)

    def __post_init__(self) -> None:
        self.directory = Directory(clock=lambda: self.now)
        for tenant in (_TENANT, _OTHER):
            self.directory.add_application(tenant, CLIENT_ID)

    def token(self, *, tenant: str = _TENANT, audience: str | None = None) -> str:
        return self.directory.issue(tenant, CLIENT_ID, audience or self.crm.url)

    def ask(self, token: str, scheme: str = "Bearer") -> httpx.Response:
        return httpx.get(f"{self.crm.url}{API}WhoAmI", headers={"Authorization": f"{scheme} {token}".strip()})


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    with dynamics(door.directory.verify, client_ids=(CLIENT_ID,), tenant_id=_TENANT) as door.crm:
        yield door


def _refused(answer: httpx.Response, crm: Dynamics) -> bool:
    challenge = (
        f"Bearer authorization_uri=https://login.microsoftonline.com/{_TENANT.lower()}/oauth2/authorize, "
        f"resource_id={crm.url}/"
    )
    assert answer.headers["WWW-Authenticate"] == challenge
    assert answer.content == b""
    return answer.status_code == 401


def test_a_good_token(door: Door) -> None:
    """Its audience may end with a slash or not."""
    assert door.ask(door.token()).status_code == 200
    assert door.ask(door.token(audience=f"{door.crm.url}/")).status_code == 200


def test_a_token_that_has_expired(door: Door) -> None:
    """It is good to its last second and refused from then on, and the next one is good again."""
    token = door.token()
    door.now += LIFETIME_SECONDS - 1
    assert door.ask(token).status_code == 200
    door.now += 1
    assert _refused(door.ask(token), door.crm)
    assert door.ask(door.token()).status_code == 200


def test_a_token_for_something_else(door: Door) -> None:
    """The audience is this environment, not another one and not the whole of Dynamics."""
    for audience in (
        "https://contoso.crm4.dynamics.com",
        "https://dynamics.com",
        "00000007-0000-0000-c000-000000000000",
    ):
        assert _refused(door.ask(door.token(audience=audience)), door.crm)


def test_a_token_of_another_tenant(door: Door) -> None:
    """The same application, signed by the same authority: the environment belongs to one tenant."""
    assert _refused(door.ask(door.token(tenant=_OTHER)), door.crm)


def test_a_token_that_was_tampered_with(door: Door) -> None:
    """The signature covers the claims."""
    head, claims, _ = door.token().split(".")
    signature = door.token(tenant=_OTHER).rpartition(".")[2]
    assert _refused(door.ask(f"{head}.{claims}.{signature}"), door.crm)


@pytest.mark.parametrize(("token", "scheme"), [("", "Bearer"), ("nonsense", "Bearer"), ("YTpi", "Basic")])
def test_no_token_at_all(door: Door, token: str, scheme: str) -> None:
    """Nothing, nonsense, and a password are all refused alike."""
    assert _refused(door.ask(token, scheme), door.crm)


def test_refused_requests_name_no_user(door: Door) -> None:
    """Who sent them is not known."""
    door.ask(door.token(tenant=_OTHER))
    (entry,) = httpx.get(f"{door.crm.url}/_control/requests").json()["requests"]
    assert (entry["status"], entry["user"]) == (401, None)
