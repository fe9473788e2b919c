"""Azure's own secrets client, unmodified, against the simulated Key Vault."""

import asyncio
from datetime import UTC, datetime

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.identity import ClientSecretCredential as BlockingClientSecretCredential
from azure.keyvault.secrets import SecretClient as BlockingSecretClient
from azure.keyvault.secrets.aio import SecretClient

from infra.local.entra import DEMO
from infra.local.key_vault.access import AUDIENCE
from tests.infra.azure_services import KeyVault, inner_code

BEFORE, AFTER = datetime(2020, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC)


async def test_set_and_get(secrets: SecretClient) -> None:
    """What is set can be read back, with everything that was said about it."""
    stored = await secrets.set_secret(
        "acme", "täst \U0001f511", content_type="text/plain", tags={"for": "acme"}, expires_on=AFTER
    )
    read = await secrets.get_secret("acme")
    assert (read.value, read.id) == ("täst \U0001f511", stored.id)
    assert (read.properties.content_type, read.properties.tags) == ("text/plain", {"for": "acme"})
    assert (read.properties.enabled, read.properties.expires_on) == (True, AFTER)
    assert (read.properties.recovery_level, read.properties.recoverable_days) == ("Recoverable+Purgeable", 90)


async def test_names_know_no_case(secrets: SecretClient) -> None:
    """A secret is found by its name in any case, as in the real vault."""
    await secrets.set_secret("Acme", "1")
    await secrets.set_secret("ACME", "2")
    assert (await secrets.get_secret("acme")).value == "2"
    assert len([each async for each in secrets.list_properties_of_secrets()]) == 1


async def test_versions(secrets: SecretClient) -> None:
    """Setting again makes a new version; the former ones stay readable by their id."""
    first = await secrets.set_secret("acme", "1")
    second = await secrets.set_secret("acme", "2")
    assert (await secrets.get_secret("acme")).properties.version == second.properties.version
    assert (await secrets.get_secret("acme", first.properties.version)).value == "1"
    listed = [each.version async for each in secrets.list_properties_of_secret_versions("acme")]
    assert listed == [first.properties.version, second.properties.version]


async def test_unknown_secret(secrets: SecretClient) -> None:
    """A secret or version that does not exist is 404 with SecretNotFound."""
    await secrets.set_secret("acme", "1")
    for name, version in (("other", None), ("acme", "0" * 32)):
        with pytest.raises(ResourceNotFoundError, match="SecretNotFound"):
            await secrets.get_secret(name, version)


async def test_list_in_pages(secrets: SecretClient) -> None:
    """Lists come in pages of at most 25, in order, without values, and none is lost between pages."""
    names = [f"s{number:03}" for number in range(60)]
    await asyncio.gather(*(secrets.set_secret(name, "hidden") for name in names))
    pages = [[each.name async for each in page] async for page in secrets.list_properties_of_secrets().by_page()]
    assert [len(page) for page in pages] == [25, 25, 10]
    assert [name for page in pages for name in page] == names
    small = secrets.list_properties_of_secrets(max_page_size=7).by_page()
    assert len([each async for each in await anext(small)]) == 7


async def test_page_size_is_limited(key_vault: KeyVault) -> None:
    """More than 25 a page is refused, as is a page size that is no number."""
    token = key_vault.entra.directory.issue(DEMO.tenant_id, DEMO.client_id, AUDIENCE)
    async with key_vault.http(token=token) as http:
        for size in ("26", "0", "many"):
            answer = await http.get("/secrets", params={"api-version": "7.4", "maxresults": size})
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadParameter")


async def test_update_properties(secrets: SecretClient) -> None:
    """Properties can be changed without a new version; what is not named stays."""
    made = await secrets.set_secret("acme", "1", tags={"for": "acme"})
    changed = await secrets.update_secret_properties("acme", expires_on=AFTER, content_type="text/plain")
    assert (changed.version, changed.tags) == (made.properties.version, {"for": "acme"})
    read = (await secrets.get_secret("acme")).properties
    assert (read.expires_on, read.content_type) == (AFTER, "text/plain")
    await secrets.update_secret_properties("acme", made.properties.version, tags={})
    assert (await secrets.get_secret("acme")).properties.tags == {}


async def test_disabled_secret(secrets: SecretClient) -> None:
    """A disabled secret is listed but cannot be read, 403, until it is enabled again."""
    await secrets.set_secret("acme", "1", enabled=False)
    with pytest.raises(HttpResponseError) as refused:
        await secrets.get_secret("acme")
    assert (refused.value.status_code, inner_code(refused.value)) == (403, "SecretDisabled")
    assert [each.enabled async for each in secrets.list_properties_of_secrets()] == [False]
    await secrets.update_secret_properties("acme", enabled=True)
    assert (await secrets.get_secret("acme")).value == "1"


async def test_only_the_disabled_version_is_closed(secrets: SecretClient) -> None:
    """Disabling the former version leaves the current one readable."""
    former = await secrets.set_secret("acme", "1")
    await secrets.set_secret("acme", "2")
    await secrets.update_secret_properties("acme", former.properties.version, enabled=False)
    assert (await secrets.get_secret("acme")).value == "2"
    with pytest.raises(HttpResponseError, match="disabled"):
        await secrets.get_secret("acme", former.properties.version)


async def test_expired_and_early_secrets_are_readable(secrets: SecretClient) -> None:
    """As documented, the vault hands out secrets before nbf and after exp: their reader must look at the dates."""
    await secrets.set_secret("expired", "1", expires_on=BEFORE)
    await secrets.set_secret("early", "2", not_before=AFTER)
    assert (await secrets.get_secret("expired")).properties.expires_on == BEFORE
    assert (await secrets.get_secret("early")).properties.not_before == AFTER


async def test_what_a_secret_may_be(secrets: SecretClient) -> None:
    """Values up to 25 kB are kept; longer ones, and names with other signs, are 400 with BadParameter."""
    await secrets.set_secret("acme", "x" * 25 * 1024)
    for name, value in (("acme", "x" * (25 * 1024 + 1)), ("acme_1", "1"), ("a" * 128, "1")):
        with pytest.raises(HttpResponseError, match="BadParameter") as refused:
            await secrets.set_secret(name, value)
        assert refused.value.status_code == 400


async def test_backup_and_restore(secrets: SecretClient) -> None:
    """A backup brings back a purged secret with all its versions, and never replaces one that is there."""
    former = await secrets.set_secret("acme", "1")
    await secrets.set_secret("acme", "2")
    backup = await secrets.backup_secret("acme")
    with pytest.raises(ResourceExistsError):
        await secrets.restore_secret_backup(backup)
    await secrets.delete_secret("acme")
    await secrets.purge_deleted_secret("acme")
    await secrets.restore_secret_backup(backup)
    assert (await secrets.get_secret("acme")).value == "2"
    assert (await secrets.get_secret("acme", former.properties.version)).value == "1"
    with pytest.raises(HttpResponseError, match="BadParameter"):
        await secrets.restore_secret_backup(b"something else")


async def test_blocking_clients(key_vault: KeyVault) -> None:
    """Azure's blocking client and credential work as well."""

    def use() -> str | None:
        entra = key_vault.entra
        with (
            BlockingClientSecretCredential(
                DEMO.tenant_id,
                DEMO.client_id,
                DEMO.client_secret,
                authority=entra.url,
                connection_verify=entra.authority,
                disable_instance_discovery=True,
            ) as credential,
            BlockingSecretClient(
                key_vault.url, credential, verify_challenge_resource=False, connection_verify=entra.authority
            ) as client,
        ):
            client.set_secret("acme", "1")
            return client.get_secret("acme").value

    assert await asyncio.to_thread(use) == "1"
