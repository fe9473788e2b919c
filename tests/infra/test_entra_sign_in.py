"""Azure's own credentials, unmodified, against the simulated token endpoint."""

import asyncio
import re

import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential as BlockingClientSecretCredential
from azure.identity.aio import ClientSecretCredential

from infra.local.control import Fault
from infra.local.entra import DEMO, Directory, demo_directory
from infra.local.entra.refusals import Refusal
from tests.infra.azure_services import Entra

SCOPE = "https://org.crm.dynamics.com/.default"
AUDIENCE = "https://org.crm.dynamics.com"


async def refusal_of(credential: ClientSecretCredential, scope: str = SCOPE) -> tuple[int, str]:
    """Status and AADSTS code of a sign-in that must fail."""
    async with credential:
        with pytest.raises(ClientAuthenticationError) as refused:
            await credential.get_token(scope)
    found = re.search(r"AADSTS\d+", refused.value.message)
    assert found
    return refused.value.status_code or 0, found[0]


async def test_token_is_for_the_resource_that_was_asked_for(entra: Entra) -> None:
    """A sign-in with the right secret gives a token that the resource can verify, and no other."""
    async with entra.credential() as credential:
        token = (await credential.get_token(SCOPE)).token
    claims = entra.directory.verify(token, AUDIENCE)
    assert (claims["tid"], claims["appid"]) == (DEMO.tenant_id, DEMO.client_id)
    with pytest.raises(ValueError, match=r"is for https://org\.crm\.dynamics\.com, not for"):
        entra.directory.verify(token, "https://vault.azure.net")


async def test_blocking_credential_signs_in_too(entra: Entra) -> None:
    """The blocking credential, which reads the OpenID metadata first, gets a token."""

    def sign_in() -> str:
        with BlockingClientSecretCredential(
            DEMO.tenant_id,
            DEMO.client_id,
            DEMO.client_secret,
            authority=entra.url,
            connection_verify=entra.authority,
            disable_instance_discovery=True,
        ) as credential:
            return credential.get_token(SCOPE).token

    assert entra.directory.verify(await asyncio.to_thread(sign_in), AUDIENCE)


async def test_wrong_secret(entra: Entra) -> None:
    """A wrong secret is 401 with AADSTS7000215."""
    assert await refusal_of(entra.credential("guessed")) == (401, "AADSTS7000215")


async def test_secret_id_instead_of_its_value(entra: Entra) -> None:
    """Pasting a secret's id instead of its value is answered as a wrong secret, with the hint in the message."""
    secret = entra.directory.add_secret(DEMO.tenant_id, DEMO.client_id)
    async with entra.credential(secret.id) as credential:
        with pytest.raises(ClientAuthenticationError, match=r"secret value, not\s+the client secret ID"):
            await credential.get_token(SCOPE)


async def test_expired_secret(entra: Entra) -> None:
    """A secret ends at its expiry, to the second, with 401 and AADSTS7000222."""
    secret = entra.directory.add_secret(DEMO.tenant_id, DEMO.client_id, expires_at=entra.clock.now + 10)
    async with entra.credential(secret.value) as credential:
        await credential.get_token(SCOPE)
    entra.clock.now += 10
    assert await refusal_of(entra.credential(secret.value)) == (401, "AADSTS7000222")


async def test_secrets_live_side_by_side(entra: Entra) -> None:
    """A new secret works before the old one is removed; afterwards the old one is wrong."""
    new = entra.directory.add_secret(DEMO.tenant_id, DEMO.client_id)
    old, *_ = entra.directory.application(DEMO.tenant_id, DEMO.client_id).secrets
    for value in (new.value, old.value):
        async with entra.credential(value) as credential:
            await credential.get_token(SCOPE)
    entra.directory.remove_secret(old.id)
    assert await refusal_of(entra.credential(old.value)) == (401, "AADSTS7000215")


async def test_unknown_application(entra: Entra) -> None:
    """An application that is not in the tenant is 400 with AADSTS700016."""
    stranger = entra.credential(client_id="99999999-9999-4999-8999-999999999999")
    assert await refusal_of(stranger) == (400, "AADSTS700016")


async def test_application_of_another_tenant(entra: Entra) -> None:
    """Signing in at the wrong one of two tenants says that the application is not there."""
    entra.directory.add_tenant("44444444-4444-4444-8444-444444444444")
    astray = entra.credential(tenant_id="44444444-4444-4444-8444-444444444444")
    assert await refusal_of(astray) == (400, "AADSTS700016")


async def test_unknown_tenant(entra: Entra) -> None:
    """A tenant that does not exist is 400 with AADSTS90002."""
    astray = entra.credential(tenant_id="55555555-5555-4555-8555-555555555555")
    assert await refusal_of(astray) == (400, "AADSTS90002")


async def test_text_that_is_no_tenant(entra: Entra) -> None:
    """Something that is neither a GUID nor a domain is 400 with AADSTS900023."""
    assert await refusal_of(entra.credential(tenant_id="our-company")) == (400, "AADSTS900023")


async def test_scope_without_default(entra: Entra) -> None:
    """Client credentials need a scope that ends in /.default."""
    delegated = "https://org.crm.dynamics.com/user_impersonation"
    assert await refusal_of(entra.credential(), delegated) == (400, "AADSTS1002012")


async def test_token_ends_with_its_hour(entra: Entra) -> None:
    """A token is good until its expiry by the directory's clock, also when it was verified before."""
    token = entra.directory.issue(DEMO.tenant_id, DEMO.client_id, AUDIENCE)
    entra.clock.now += 3598
    assert entra.directory.verify(token, AUDIENCE)
    entra.clock.now += 1
    with pytest.raises(ValueError, match="expired"):
        entra.directory.verify(token, AUDIENCE)


def test_token_of_another_directory(entra: Entra) -> None:
    """A token that another directory signed is refused, whatever it claims."""
    forged = demo_directory(clock=entra.clock).issue(DEMO.tenant_id, DEMO.client_id, AUDIENCE)
    with pytest.raises(ValueError, match="not one of ours"):
        entra.directory.verify(forged, AUDIENCE)


def test_what_is_no_token(entra: Entra) -> None:
    """Text that is no token at all is refused by ValueError, as everything else that is wrong."""
    for text in ("", "abc", "a.b.c", "eyJhbGciOiJub25lIn0.e30."):
        with pytest.raises(ValueError, match="not one of ours"):
            entra.directory.verify(text, AUDIENCE)


async def test_throttled_and_unavailable_sign_ins_are_retried(entra: Entra) -> None:
    """Ordered 429 and 503 answers reach the client, whose own retries then succeed."""
    soon = {"Retry-After-Ms": "1"}
    entra.control.order(Fault(status=429, headers=soon), Fault(status=503, headers=soon))
    async with entra.credential() as credential:
        assert (await credential.get_token(SCOPE)).token
    assert [request["status"] for request in entra.control.requests()] == [429, 503, 200]


async def test_requests_are_listed_without_secrets(entra: Entra) -> None:
    """The list of requests tells who asked for what and how it ended, and neither secret nor token."""
    async with entra.credential() as credential:
        token = (await credential.get_token(SCOPE)).token
    await refusal_of(entra.credential("guessed"))
    async with entra.http() as http:
        listed = await http.get("/_control/requests")
    good, bad = listed.json()
    assert (good["client_id"], good["scope"], good["status"]) == (DEMO.client_id, SCOPE, 200)
    assert (bad["status"], bad["error_code"]) == (401, 7000215)
    assert not any(hidden in listed.text for hidden in (token, DEMO.client_secret, "guessed"))


async def test_secrets_are_administered_over_http(entra: Entra) -> None:
    """Through the control interface a secret is made, expired and removed; its value is shown once."""
    async with entra.http("/_control") as http:
        made = (await http.post("/secrets", json={"tenant_id": DEMO.tenant_id, "client_id": DEMO.client_id})).json()
        async with entra.credential(made["value"]) as credential:
            await credential.get_token(SCOPE)
        assert made["value"] not in (await http.get("/applications")).text
        assert (await http.patch(f"/secrets/{made['id']}", json={})).status_code == 204
        assert await refusal_of(entra.credential(made["value"])) == (401, "AADSTS7000222")
        assert (await http.delete(f"/secrets/{made['id']}")).status_code == 204
        assert await refusal_of(entra.credential(made["value"])) == (401, "AADSTS7000215")


async def test_mistakes_at_the_control_interface_are_explained(entra: Entra) -> None:
    """What the control interface does not understand is 400 with a reason, never a traceback."""
    async with entra.http("/_control") as http:
        answers = [
            await http.post("/faults", content=b"{"),
            await http.post("/faults", json={"stauts": 429}),
            await http.post("/secrets", json={"tenant_id": "none.example", "client_id": "x"}),
            await http.delete("/secrets/none"),
        ]
    assert [answer.status_code for answer in answers] == [400, 400, 400, 400]
    assert "stauts" in answers[1].text


async def test_keys_verify_the_tokens(entra: Entra) -> None:
    """The published keys check the signature of an issued token, for whoever verifies by the book."""
    async with entra.http() as http:
        metadata = (await http.get(f"{entra.url}/{DEMO.tenant_id}/v2.0/.well-known/openid-configuration")).json()
        keys = jwt.PyJWKSet.from_dict((await http.get(metadata["jwks_uri"])).json())
    token = entra.directory.issue(DEMO.tenant_id, DEMO.client_id, AUDIENCE)
    key = keys[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(
        token, key.key, algorithms=["RS256"], audience=AUDIENCE, options={"verify_iat": False, "verify_nbf": False}
    )


async def test_incomplete_requests_are_explained(entra: Entra) -> None:
    """A missing parameter, a missing credential and another grant have codes of their own."""
    good = {"grant_type": "client_credentials", "client_id": DEMO.client_id, "scope": SCOPE}
    cases = {900144: {**good, "client_id": ""}, 7000216: good, 70003: {**good, "grant_type": "password"}}
    async with entra.http() as http:
        for code, form in cases.items():
            answer = await http.post(f"{entra.url}/{DEMO.tenant_id}/oauth2/v2.0/token", data=form)
            assert answer.json()["error_codes"] == [code]


def test_only_installed_resources(entra: Entra) -> None:
    """Where a directory knows its resources, a token for any other is AADSTS500011."""
    narrow = Directory(resources={AUDIENCE})
    narrow.add_application(DEMO.tenant_id, DEMO.client_id)
    assert narrow.issue(DEMO.tenant_id, DEMO.client_id, f"{AUDIENCE}/")
    with pytest.raises(Refusal, match="AADSTS500011"):
        narrow.issue(DEMO.tenant_id, DEMO.client_id, "https://other.crm.dynamics.com")
