"""Credentials in a simulated Key Vault, through Azure's own client."""

import ssl
import uuid

import httpx
import pytest
from azure.keyvault.secrets.aio import SecretClient

from core.errors import MisconfiguredConnectionError
from core.key_vault import KeyVault
from infra.local.certificates import Certificates


@pytest.fixture
def vault(vault_client: SecretClient) -> KeyVault:
    async def client() -> SecretClient:
        return vault_client

    return KeyVault(client)


@pytest.fixture
def name() -> str:
    return f"s{uuid.uuid4().hex}"


async def test_a_new_version_stands_beside_the_old_one(vault: KeyVault, name: str) -> None:
    """Both can be read by their names, so that nobody has to change over at a certain moment."""
    first, second = await vault.save(name, "one"), await vault.save(name, "two")
    assert (await vault.secret(name, first), await vault.secret(name, second)) == ("one", "two")
    assert await vault.secret(name) == "two"


async def test_a_retired_version_cannot_be_read(vault: KeyVault, name: str) -> None:
    """The newer one can, and retiring what is not there harms nothing."""
    first = await vault.save(name, "one")
    await vault.save(name, "two")
    await vault.retire(name, first)
    with pytest.raises(MisconfiguredConnectionError) as denied:
        await vault.secret(name, first)
    assert denied.value.code == "secret_denied"
    assert await vault.secret(name) == "two"
    await vault.retire(f"{name}x", first)


async def test_erasing_leaves_nothing_to_recover(vault: KeyVault, vault_client: SecretClient, name: str) -> None:
    """Deleted and purged, also from memory; doing it again is harmless."""
    version = await vault.save(name, "one")
    await vault.secret(name, version)
    assert await vault.erase(name) == "purged"
    with pytest.raises(MisconfiguredConnectionError) as missing:
        await vault.secret(name, version)
    assert missing.value.code == "secret_missing"
    assert name not in [each.name async for each in vault_client.list_deleted_secrets()]
    assert await vault.erase(name) == "absent"


async def test_a_vault_that_forbids_purging(
    vault: KeyVault, name: str, vault_url: str, certificates: Certificates
) -> None:
    """The secret is deleted, and its retention period does the rest."""
    trust = ssl.create_default_context(cafile=certificates.authority)
    async with httpx.AsyncClient(base_url=vault_url, verify=trust) as control:
        await vault.save(name, "one")
        (await control.put("/_control/policy", json={"purge_protection": True})).raise_for_status()
        try:
            assert await vault.erase(name) == "deleted"
        finally:
            (await control.put("/_control/policy", json={})).raise_for_status()
    assert await vault.erase(name) == "purged"
