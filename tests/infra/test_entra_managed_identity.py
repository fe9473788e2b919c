"""Managed identities as the Functions host offers them, by Azure's own credential."""

from collections.abc import Iterator

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity.aio import ManagedIdentityCredential

from infra.local.control import Control, Fault
from infra.local.entra import DEMO, IDENTITY_HEADER, Directory, demo_directory, entra_app
from infra.local.serve import served

AUDIENCE = "https://vault.azure.net"
OTHER = "66666666-6666-4666-8666-666666666666"


@pytest.fixture(scope="module")
def directory() -> Directory:
    made = demo_directory()
    made.add_managed_identity(DEMO.tenant_id, OTHER)
    return made


@pytest.fixture(scope="module")
def control() -> Control:
    return Control()


@pytest.fixture(scope="module")
def endpoint(directory: Directory, control: Control) -> Iterator[str]:
    """Without TLS, as inside the machine of a real app."""
    with served(lambda url: entra_app(directory, url, control=control)) as url:
        yield f"{url}/msi/token"


@pytest.fixture(autouse=True)
def inside_the_app(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", IDENTITY_HEADER)


async def appid(directory: Directory, credential: ManagedIdentityCredential) -> object:
    async with credential:
        token = await credential.get_token(f"{AUDIENCE}/.default")
    return directory.verify(token.token, AUDIENCE)["appid"]


async def test_the_first_identity_needs_no_name(directory: Directory) -> None:
    """A request that names no identity gets the app's first one."""
    assert await appid(directory, ManagedIdentityCredential()) == DEMO.identity_id


async def test_identity_by_its_client_id(directory: Directory) -> None:
    """A user-assigned identity is chosen by its client id."""
    assert await appid(directory, ManagedIdentityCredential(client_id=OTHER)) == OTHER


async def test_identity_that_the_app_does_not_have(directory: Directory) -> None:
    """An identity that was never assigned fails; an application of the tenant is none."""
    with pytest.raises((ClientAuthenticationError, HttpResponseError), match="No Managed Identity found"):
        await appid(directory, ManagedIdentityCredential(client_id=DEMO.client_id))


async def test_header_must_match(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever does not know the header of this app gets no token."""
    monkeypatch.setenv("IDENTITY_HEADER", "guessed")
    with pytest.raises((ClientAuthenticationError, HttpResponseError), match="X-IDENTITY-HEADER"):
        await appid(directory, ManagedIdentityCredential())


async def test_throttled_requests_are_retried(directory: Directory, control: Control) -> None:
    """An ordered 429 reaches the credential, whose own retries then succeed."""
    control.reset()
    control.order(Fault(status=429, headers={"Retry-After-Ms": "1"}, path="/msi/"))
    assert await appid(directory, ManagedIdentityCredential()) == DEMO.identity_id
    assert [request["status"] for request in control.requests()] == [429, 200]
