"""Tokens from the simulated Entra through the real azure-identity, over https."""

from collections.abc import AsyncIterator, Iterator

import pytest
from azure.core.pipeline.transport import AioHttpTransport

from core.dataverse.token import ClientSecretTokens
from core.errors import MisconfiguredConnectionError, RetryableError
from infra.local.certificates import Certificates
from infra.local.control import Control, Fault
from infra.local.entra import DEMO, Directory, demo_directory, entra_app
from infra.local.serve import served

URL = "https://contoso.crm4.dynamics.com"


class Vault:
    """One secret, which somebody may change."""

    def __init__(self) -> None:
        self.value = DEMO.client_secret
        self.remembered = ""

    async def secret(self, name: str, *, fresh: bool = False) -> str:
        if fresh or not self.remembered:
            self.remembered = self.value
        return self.remembered


class Transport:
    def __init__(self, certificates: Certificates) -> None:
        self.opened = AioHttpTransport(connection_verify=str(certificates.authority))

    def identity_transport(self) -> AioHttpTransport:
        return self.opened


class Entra:
    """A directory of this test's own, and where it is served."""

    def __init__(self, directory: Directory, control: Control, url: str) -> None:
        self.directory, self.control, self.url = directory, control, url


@pytest.fixture
def entra(certificates: Certificates) -> Iterator[Entra]:
    directory, control = demo_directory(), Control()
    with served(lambda url: entra_app(directory, url, control=control), certificate=certificates.server) as url:
        yield Entra(directory, control, url)


@pytest.fixture
async def transport(certificates: Certificates) -> AsyncIterator[Transport]:
    made = Transport(certificates)
    yield made
    await made.opened.close()


def _tokens(entra: Entra, transport: Transport, vault: Vault, **settings: str) -> ClientSecretTokens:
    who = {"tenant_id": DEMO.tenant_id, "client_id": DEMO.client_id, **settings}
    return ClientSecretTokens(url=URL, secret_name="s", secrets=vault, authority=entra.url, transports=transport, **who)


async def test_a_token_is_for_the_environment_and_is_remembered(entra: Entra, transport: Transport) -> None:
    """The audience is the connection's URL; a second call asks nobody."""
    tokens = _tokens(entra, transport, Vault())
    first = await tokens.token()
    assert entra.directory.verify(first, URL)["appid"] == DEMO.client_id
    assert await tokens.token() == first
    assert len(entra.control.requests()) == 1


async def test_a_fresh_token_is_asked_for_again(entra: Entra, transport: Transport) -> None:
    """Dynamics answered 401: Entra is asked anew."""
    tokens = _tokens(entra, transport, Vault())
    await tokens.token()
    await tokens.token(fresh=True)
    assert len(entra.control.requests()) == 2


async def test_a_secret_that_was_mended_in_the_vault_is_picked_up(entra: Entra, transport: Transport) -> None:
    """After a refusal the vault is read again, whatever is remembered."""
    vault = Vault()
    vault.value = "expired long ago"
    tokens = _tokens(entra, transport, vault)
    with pytest.raises(MisconfiguredConnectionError) as refused:
        await tokens.token()
    assert (refused.value.code, "value" in refused.value.message) == ("AADSTS7000215", True)
    vault.value = DEMO.client_secret
    assert await tokens.token()


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"client_id": "99999999-9999-4999-8999-999999999999"}, "AADSTS700016"),
        ({"tenant_id": "99999999-9999-4999-8999-999999999999"}, "AADSTS90002"),
    ],
)
async def test_a_wrong_name_has_its_own_finding(
    entra: Entra, transport: Transport, settings: dict[str, str], code: str
) -> None:
    """Which of the two ids is wrong is said in plain words."""
    with pytest.raises(MisconfiguredConnectionError) as refused:
        await _tokens(entra, transport, Vault(), **settings).token()
    assert refused.value.code == code
    assert DEMO.client_secret not in f"{refused.value.message}{refused.value.detail}"


async def test_an_outage_of_entra_is_nobodys_mistake(entra: Entra, transport: Transport) -> None:
    """503 is tried again later, and pauses no connection for five minutes."""
    tokens = _tokens(entra, transport, Vault())
    entra.control.order(Fault(status=503, headers={"Retry-After": "0"}, times=20))
    with pytest.raises(RetryableError):
        await tokens.token()
    entra.control.reset()
    assert await tokens.token()
