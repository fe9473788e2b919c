"""Who may use the simulated vault, and how it answers when a test wants it unkind."""

from collections.abc import Awaitable

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.keyvault.secrets.aio import SecretClient

from infra.local.control import Fault
from infra.local.entra import DEMO
from infra.local.key_vault.access import AUDIENCE
from tests.infra.azure_services import KeyVault, inner_code

OTHER_TENANT = "44444444-4444-4444-8444-444444444444"


async def test_first_request_is_challenged(key_vault: KeyVault) -> None:
    """Without a token the vault names the place and the resource to get one for."""
    async with key_vault.http() as http:
        answer = await http.get("/secrets", params={"api-version": "7.4"})
    assert answer.status_code == 401
    challenge = f'Bearer authorization="{key_vault.entra.url}/{DEMO.tenant_id}", resource="{AUDIENCE}"'
    assert answer.headers["www-authenticate"] == challenge


async def test_tokens_are_checked(key_vault: KeyVault) -> None:
    """A token for another resource, of another tenant, or too old is 401."""
    directory = key_vault.entra.directory
    directory.add_application(OTHER_TENANT, DEMO.client_id)
    tokens = [
        directory.issue(DEMO.tenant_id, DEMO.client_id, "https://org.crm.dynamics.com"),
        directory.issue(OTHER_TENANT, DEMO.client_id, AUDIENCE),
        directory.issue(DEMO.tenant_id, DEMO.client_id, AUDIENCE),
    ]
    key_vault.entra.clock.now += 3599
    tokens.append("nonsense")
    for token in tokens:
        async with key_vault.http(token=token) as http:
            assert (await http.get("/secrets", params={"api-version": "7.4"})).status_code == 401


async def test_client_of_another_tenant(key_vault: KeyVault) -> None:
    """A client that may sign in only at its own tenant fails at a vault of another one, and says so."""
    key_vault.entra.directory.add_application(OTHER_TENANT, DEMO.client_id, secret="s")
    stranger = key_vault.entra.credential("s", tenant_id=OTHER_TENANT)
    async with stranger, key_vault.client(stranger) as client:
        with pytest.raises(ClientAuthenticationError, match="not configured to acquire tokens for tenant"):
            await client.get_secret("acme")


async def test_challenge_of_another_domain(key_vault: KeyVault) -> None:
    """Left as it is by default, the client refuses a vault whose address is not of the domain it names."""
    credential = key_vault.entra.credential()
    async with credential, key_vault.client(credential, verify_challenge_resource=True) as client:
        with pytest.raises(ValueError, match="does not match the requested domain"):
            await client.get_secret("acme")


async def test_roles(key_vault: KeyVault, secrets: SecretClient) -> None:
    """A secrets user reads and lists and nothing else; without any role everything is 403."""
    await secrets.set_secret("acme", "1")
    await assign(key_vault, "Key Vault Secrets User")
    assert (await secrets.get_secret("acme")).value == "1"
    assert [each.name async for each in secrets.list_properties_of_secrets()] == ["acme"]
    await assert_forbidden(secrets.set_secret("acme", "2"))
    await assert_forbidden(secrets.delete_secret("acme"))
    await assign(key_vault, "none")
    await assert_forbidden(secrets.get_secret("acme"))


async def assign(key_vault: KeyVault, role: str) -> None:
    async with key_vault.http("/_control") as http:
        answer = await http.post("/roles", json={"client_id": DEMO.client_id, "role": role})
    assert answer.status_code == 204


async def assert_forbidden(call: Awaitable[object]) -> None:
    with pytest.raises(HttpResponseError, match="Caller is not authorized") as refused:
        await call
    assert (refused.value.status_code, inner_code(refused.value)) == (403, "ForbiddenByRbac")


async def test_throttling_is_waited_out(key_vault: KeyVault, secrets: SecretClient) -> None:
    """An ordered 429 meets the request that has a token, and the client comes back after Retry-After."""
    await secrets.set_secret("acme", "1")
    key_vault.control.reset()
    key_vault.control.order(Fault(status=429, headers={"Retry-After-Ms": "1"}, times=2))
    assert (await secrets.get_secret("acme")).value == "1"
    assert [request["status"] for request in key_vault.control.requests()] == [429, 429, 200]


async def test_ordered_answers(key_vault: KeyVault, secrets: SecretClient) -> None:
    """Any answer can be ordered over HTTP for a path and method; others pass meanwhile."""
    fault = {"status": 403, "code": "Forbidden", "message": "closed", "path": "^/secrets/acme", "method": "GET"}
    async with key_vault.http("/_control") as http:
        assert (await http.post("/faults", json=[fault])).status_code == 204
    await secrets.set_secret("acme", "1")
    with pytest.raises(HttpResponseError, match="closed"):
        await secrets.get_secret("acme")
    assert (await secrets.get_secret("acme")).value == "1"


async def test_slow_answers(key_vault: KeyVault, secrets: SecretClient) -> None:
    """A fault without a status only delays: a client with less patience gives up, one with more gets its answer."""
    await secrets.set_secret("acme", "1")
    key_vault.control.order(Fault(seconds=0.2, times=2, method="GET"))
    with pytest.raises((ServiceRequestError, ServiceResponseError)):
        await secrets.get_secret("acme", read_timeout=0.05, retry_total=0)
    assert (await secrets.get_secret("acme")).value == "1"


async def test_requests_are_listed_without_values(key_vault: KeyVault, secrets: SecretClient) -> None:
    """The list of requests tells paths and outcomes; a value is in none of it."""
    await secrets.set_secret("acme", "precious")
    async with key_vault.http("/_control") as http:
        listed = await http.get("/requests")
    last = listed.json()[-1]  # before it perhaps the challenge, which the client remembers for an address
    assert (last["method"], last["path"], last["status"]) == ("PUT", "/secrets/acme", 200)
    assert "precious" not in listed.text
