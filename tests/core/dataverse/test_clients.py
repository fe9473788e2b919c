"""One client a connection: another one when it changed, none when it was revoked."""

from datetime import UTC, datetime

import pytest

from core.dataverse.clients import DataverseClients
from core.domain.connection import Connection
from core.errors import MisconfiguredConnectionError

GUID = "11111111-1111-4111-8111-111111111111"
CONTOSO = Connection(
    id="contoso", name="C", url="https://c.crm.dynamics.com", tenant_id=GUID, client_id=GUID, organization_id=GUID
)


class Vault:
    def __init__(self) -> None:
        self.forgotten: list[str] = []

    async def secret(self, name: str, version: str = "", *, fresh: bool = False) -> str:
        return "secret"

    def forget(self, name: str) -> None:
        self.forgotten.append(name)


async def test_a_client_lasts_as_long_as_its_connection_stays_the_same() -> None:
    """With it lasts its token; a new secret is a new client, and another connection always has its own."""
    clients = DataverseClients(secrets=Vault(), authority="https://login.microsoftonline.com")
    first = await clients.crm(CONTOSO)
    assert await clients.crm(CONTOSO.model_copy()) is first
    assert await clients.crm(CONTOSO.model_copy(update={"secret_version": "2"})) is not first
    assert await clients.crm(CONTOSO.model_copy(update={"id": "fabrikam"})) is not first
    assert clients.trial(CONTOSO) is not await clients.crm(CONTOSO)
    await clients.close()


async def test_a_revoked_connection_has_no_client() -> None:
    """As soon as an instance has heard of it, nothing is sent, and nothing stays in its memory."""
    vault = Vault()
    clients = DataverseClients(secrets=vault, authority="https://login.microsoftonline.com")
    await clients.crm(CONTOSO)
    revoked = CONTOSO.model_copy(update={"revoked_at": datetime(2026, 5, 4, tzinfo=UTC)})
    with pytest.raises(MisconfiguredConnectionError) as refused:
        await clients.crm(revoked)
    assert refused.value.code == "revoked"
    assert vault.forgotten == [CONTOSO.secret_name]
    await clients.close()
