"""The servers that every test may ask for."""

from azure.data.tables.aio import TableServiceClient
from azure.identity.aio import ClientSecretCredential
from azure.keyvault.secrets.aio import SecretClient

from infra.local.certificates import Certificates
from infra.local.entra import DEMO


async def test_storage_is_there(storage: str) -> None:
    """The shared storage account answers Azure's own client."""
    async with TableServiceClient.from_connection_string(storage) as tables:
        await tables.create_table_if_not_exists("sharedservers")
        assert "sharedservers" in [table.name async for table in tables.list_tables()]


async def test_demo_application_reaches_the_vault(entra_url: str, vault_url: str, certificates: Certificates) -> None:
    """The demo application signs in at the shared token endpoint and may use the shared vault."""
    async with (
        ClientSecretCredential(
            DEMO.tenant_id,
            DEMO.client_id,
            DEMO.client_secret,
            authority=entra_url,
            connection_verify=str(certificates.authority),
        ) as credential,
        SecretClient(
            vault_url,
            credential,
            verify_challenge_resource=False,
            connection_verify=str(certificates.authority),
        ) as client,
    ):
        await client.set_secret("shared-servers", "told")
        assert (await client.get_secret("shared-servers")).value == "told"
