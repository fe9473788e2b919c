"""Tokens from the simulated Entra through the real azure-identity, over https."""

from collections.abc import AsyncIterator, Iterator

import pytest
from azure.core.pipeline.transport import AioHttpTransport

from core.dataverse.token import Tokens
from core.domain.connection import Connection
from core.errors import MisconfiguredConnectionError, RetryableError
from infra.local.certificates import Certificates
from infra.local.control import Control, Fault
from infra.local.entra import DEMO, Directory, demo_directory, entra_app
from infra.local.serve import served
from tests.infra.test_entra_certificate import make_identity

URL = "https://contoso.crm4.dynamics.com"


class Vault:
    """One secret in two versions: the one that the connection names, and the newest."""

    def __init__(self, first: str = DEMO.client_secret) -> None:
        self.first = self.newest = first
        self.forgotten = False

    async def secret(self, name: str, version: str = "", *, fresh: bool = False) -> str:
        return self.first if version == "first" else self.newest

    def forget(self, name: str) -> None:
        self.forgotten = True


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


def _tokens(entra: Entra, transport: Transport, vault: Vault, **settings: str) -> Tokens:
    who = {"tenant_id": DEMO.tenant_id, "client_id": DEMO.client_id, **settings}
    connection = Connection(id="c", name="C", url=URL, secret_version="first", **who)
    return Tokens(connection=connection, secrets=vault, authority=entra.url, transports=transport)


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


async def test_the_version_that_the_connection_names_is_used_while_it_works(entra: Entra, transport: Transport) -> None:
    """A newer one in the vault, which nobody has tried, disturbs nobody."""
    vault = Vault()
    vault.newest = "somebody's mistake"
    assert await _tokens(entra, transport, vault).token()


async def test_a_secret_that_was_mended_in_the_vault_is_picked_up(entra: Entra, transport: Transport) -> None:
    """Refused with the version it knows, a host tries the newest before it gives up: nothing has to pause."""
    vault = Vault("expired long ago")
    tokens = _tokens(entra, transport, vault)
    with pytest.raises(MisconfiguredConnectionError) as refused:
        await tokens.token()
    assert (refused.value.code, "value" in refused.value.message) == ("AADSTS7000215", True)
    vault.newest = DEMO.client_secret
    assert await tokens.token()
    assert await _tokens(entra, transport, vault).token()


async def test_an_id_pasted_as_the_secret_is_recognised(entra: Entra, transport: Transport) -> None:
    """Entra says the same to every wrong secret; a GUID is probably the secret's id."""
    pasted = entra.directory.application(DEMO.tenant_id, DEMO.client_id).secrets[0].id
    with pytest.raises(MisconfiguredConnectionError) as refused:
        await _tokens(entra, transport, Vault(pasted)).token()
    assert refused.value.code == "secret_id_pasted"
    assert pasted not in refused.value.message


async def test_a_certificate_signs_in_too(entra: Entra, transport: Transport) -> None:
    """PEM with the private key, as it is kept in the vault; one that Entra does not know has its own finding."""
    known, unknown = make_identity(), make_identity()
    entra.directory.add_certificate(DEMO.tenant_id, DEMO.client_id, known.certificate)
    token = await _tokens(entra, transport, Vault(known.pem.decode())).token()
    assert entra.directory.verify(token, URL)["appid"] == DEMO.client_id
    with pytest.raises(MisconfiguredConnectionError) as refused:
        await _tokens(entra, transport, Vault(unknown.pem.decode())).token()
    assert refused.value.code == "AADSTS700027"


async def test_a_broken_certificate_is_not_quoted(entra: Entra, transport: Transport) -> None:
    """Whatever stands in the vault stays there."""
    with pytest.raises(MisconfiguredConnectionError) as refused:
        await _tokens(entra, transport, Vault("-----BEGIN CANARY-----")).token()
    assert refused.value.code == "certificate_unreadable"
    assert "CANARY" not in f"{refused.value}{refused.value.detail}"


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
