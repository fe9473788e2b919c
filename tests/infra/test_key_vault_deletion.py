"""Deleting, recovering and purging secrets, and what each state forbids."""

from pathlib import Path

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.keyvault.secrets.aio import SecretClient

from infra.local.key_vault.refusals import Refusal
from infra.local.key_vault.stored import State
from infra.local.key_vault.vault import NewVersion, Policy, Vault
from tests.infra.azure_services import Clock, KeyVault, inner_code


async def set_policy(key_vault: KeyVault, **policy: object) -> None:
    async with key_vault.http("/_control") as http:
        assert (await http.put("/policy", json=policy)).status_code == 204


async def test_delete(secrets: SecretClient) -> None:
    """A deleted secret is gone from the list and kept among the deleted ones, with the day it will be purged."""
    await secrets.set_secret("acme", "1")
    deleted = await secrets.delete_secret("acme")
    assert deleted.deleted_date
    assert deleted.scheduled_purge_date
    assert (deleted.scheduled_purge_date - deleted.deleted_date).days == 90
    with pytest.raises(ResourceNotFoundError):
        await secrets.get_secret("acme")
    assert [each async for each in secrets.list_properties_of_secrets()] == []
    assert (await secrets.get_deleted_secret("acme")).name == "acme"
    assert [each.name async for each in secrets.list_deleted_secrets()] == ["acme"]


async def test_name_of_a_deleted_secret_is_taken(secrets: SecretClient) -> None:
    """Setting a secret whose name a deleted one holds is 409 with ObjectIsDeletedButRecoverable."""
    await secrets.set_secret("acme", "1")
    await secrets.delete_secret("acme")
    with pytest.raises(ResourceExistsError) as refused:
        await secrets.set_secret("acme", "2")
    assert (refused.value.status_code, inner_code(refused.value)) == (409, "ObjectIsDeletedButRecoverable")


async def test_recover(secrets: SecretClient) -> None:
    """Recovery brings back all versions."""
    former = await secrets.set_secret("acme", "1")
    await secrets.set_secret("acme", "2")
    await secrets.delete_secret("acme")
    await secrets.recover_deleted_secret("acme")
    assert (await secrets.get_secret("acme")).value == "2"
    assert (await secrets.get_secret("acme", former.properties.version)).value == "1"


async def test_purge(secrets: SecretClient) -> None:
    """After a purge the name is free and nothing is left."""
    await secrets.set_secret("acme", "1")
    await secrets.delete_secret("acme")
    await secrets.purge_deleted_secret("acme")
    with pytest.raises(ResourceNotFoundError):
        await secrets.get_deleted_secret("acme")
    await secrets.set_secret("acme", "2")
    assert len([each async for each in secrets.list_properties_of_secret_versions("acme")]) == 1


async def test_what_was_not_deleted(secrets: SecretClient) -> None:
    """Reading, recovering or purging among the deleted ones needs a deleted one: else 404."""
    await secrets.set_secret("acme", "1")
    for name in ("acme", "other"):
        for call in (secrets.get_deleted_secret, secrets.purge_deleted_secret):
            with pytest.raises(ResourceNotFoundError):
                await call(name)
    with pytest.raises(ResourceNotFoundError):
        await secrets.delete_secret("other")


async def test_purge_protection(key_vault: KeyVault, secrets: SecretClient) -> None:
    """With purge protection nobody can purge, 403, and the recovery level says so."""
    await set_policy(key_vault, purge_protection=True)
    made = await secrets.set_secret("acme", "1")
    assert made.properties.recovery_level == "Recoverable"
    await secrets.delete_secret("acme")
    with pytest.raises(HttpResponseError, match="purge protection is enabled") as refused:
        await secrets.purge_deleted_secret("acme")
    assert refused.value.status_code == 403
    assert (await secrets.get_deleted_secret("acme")).name == "acme"


async def test_short_retention(key_vault: KeyVault, secrets: SecretClient) -> None:
    """A retention of fewer days than usual shows in the recovery level and in the purge date."""
    await set_policy(key_vault, retention_days=7)
    made = await secrets.set_secret("acme", "1")
    assert made.properties.recovery_level == "CustomizedRecoverable+Purgeable"
    deleted = await secrets.delete_secret("acme")
    assert deleted.deleted_date
    assert deleted.scheduled_purge_date
    assert (deleted.scheduled_purge_date - deleted.deleted_date).days == 7


def test_retention_ends() -> None:
    """A deleted secret can be recovered until its purge date and not after it."""
    clock = Clock()
    vault = Vault(clock=clock, policy=Policy(retention_days=7))
    vault.set("acme", NewVersion(value="1"))
    deleted = vault.delete("acme")
    clock.now = vault.purge_date(deleted) - 1
    assert vault.get_deleted("acme") is deleted
    clock.now += 1
    assert vault.all_deleted() == []
    vault.set("acme", NewVersion(value="2"))


async def test_client_waits_for_a_slow_vault(key_vault: KeyVault, secrets: SecretClient) -> None:
    """The client's delete and recover return only when the vault has settled."""
    await secrets.set_secret("acme", "1")
    await set_policy(key_vault, settle_seconds=3)
    key_vault.entra.clock.step = 0.5
    # A real wait is two seconds between two looks; this is the only way to have none.
    await secrets.delete_secret("acme", _polling_interval=0)
    assert (await secrets.get_deleted_secret("acme")).name == "acme"
    await secrets.recover_deleted_secret("acme", _polling_interval=0)
    assert (await secrets.get_secret("acme")).value == "1"
    looks = [request["status"] for request in key_vault.control.requests()]
    assert looks.count(404) > 1


def settling_vault() -> tuple[Vault, Clock]:
    """A vault that takes its time, with one secret."""
    clock = Clock()
    vault = Vault(clock=clock, policy=Policy(settle_seconds=5))
    vault.set("acme", NewVersion(value="1"))
    return vault, clock


def refused_with(call: object, *given: object) -> str | None:
    """The inner code of a refusal, else its code."""
    assert callable(call)
    with pytest.raises(Refusal) as refused:
        call(*given)
    return refused.value.inner or refused.value.code


def test_while_a_deletion_is_going_on() -> None:
    """Neither live nor deleted: reading is 404, and setting, recovering and purging are 409 ObjectIsBeingDeleted."""
    vault, clock = settling_vault()
    vault.delete("acme")
    assert refused_with(vault.get, "acme") == "SecretNotFound"
    assert refused_with(vault.get_deleted, "acme") == "SecretNotFound"
    assert refused_with(vault.set, "acme", NewVersion(value="2")) == "ObjectIsBeingDeleted"
    assert refused_with(vault.recover, "acme") == "ObjectIsBeingDeleted"
    assert refused_with(vault.purge, "acme") == "ObjectIsBeingDeleted"
    clock.now += 5
    assert vault.get_deleted("acme").state is State.DELETED


def test_while_a_recovery_is_going_on() -> None:
    """Reading is 404 and setting is 409 ObjectIsBeingRecovered until the recovery has settled."""
    vault, clock = settling_vault()
    vault.delete("acme")
    clock.now += 5
    vault.recover("acme")
    assert refused_with(vault.get, "acme") == "SecretNotFound"
    assert refused_with(vault.set, "acme", NewVersion(value="2")) == "ObjectIsBeingRecovered"
    clock.now += 5
    assert vault.get("acme")[1].value == "1"


def test_while_a_purge_is_going_on() -> None:
    """Nothing is to be found and yet the name is taken, 409 ObjectIsBeingDeleted, until the purge has settled."""
    vault, clock = settling_vault()
    vault.delete("acme")
    clock.now += 5
    vault.purge("acme")
    assert refused_with(vault.get_deleted, "acme") == "SecretNotFound"
    assert refused_with(vault.set, "acme", NewVersion(value="2")) == "ObjectIsBeingDeleted"
    clock.now += 5
    assert vault.set("acme", NewVersion(value="2"))[1].value == "2"


def test_secrets_are_kept_in_a_file(tmp_path: Path) -> None:
    """With a file, a vault goes on where the former one ended, deleted secrets included; only we may read the file."""
    file, clock = tmp_path / "new" / "vault.json", Clock()
    before = Vault(clock=clock, file=file)
    before.set("acme", NewVersion(value="1"))
    before.set("acme", NewVersion(value="2", tags={"for": "acme"}))
    before.set("gone", NewVersion(value="3"))
    before.delete("gone")
    after = Vault(clock=clock, file=file)
    assert after.all() == before.all()
    assert after.all_deleted() == before.all_deleted()
    assert file.stat().st_mode & 0o077 == 0
