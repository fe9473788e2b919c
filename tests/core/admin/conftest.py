"""An operator's office: a vault, tables and the services over them, all real, and an outside world that obeys."""

import itertools
import uuid
from collections.abc import AsyncIterator

import pytest
from azure.data.tables.aio import TableServiceClient
from azure.identity.aio import ClientSecretCredential
from azure.keyvault.secrets.aio import SecretClient

from infra.local.certificates import Certificates
from infra.local.entra import DEMO
from tests.core.admin.office import Office

_numbers = itertools.count(1)


@pytest.fixture
async def vault_client(vault_url: str, entra_url: str, certificates: Certificates) -> AsyncIterator[SecretClient]:
    trust = str(certificates.authority)
    signs_in = ClientSecretCredential(
        DEMO.tenant_id, DEMO.client_id, DEMO.client_secret, authority=entra_url, connection_verify=trust
    )
    async with (
        signs_in as credential,
        SecretClient(vault_url, credential, verify_challenge_resource=False, connection_verify=trust) as client,
    ):
        yield client


@pytest.fixture
async def office(storage: str, vault_client: SecretClient) -> AsyncIterator[Office]:
    async with TableServiceClient.from_connection_string(storage) as service:
        table = await service.create_table(f"t{uuid.uuid4().hex}")
        yield Office(table, vault_client, f"office-{uuid.uuid4().hex[:8]}-{next(_numbers)}")
        await table.close()
