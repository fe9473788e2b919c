"""Sign-in with a certificate, by Azure's own credentials."""

import asyncio
import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import dataclass

import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CertificateCredential as BlockingCertificateCredential
from azure.identity.aio import CertificateCredential
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from infra.local.entra import DEMO
from tests.infra.azure_services import Entra

AUDIENCE = "https://org.crm.dynamics.com"
SCOPE = f"{AUDIENCE}/.default"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class Identity:
    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        """Key and certificate in one file, as the credentials read it."""
        key = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return key + self.certificate.public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def identity() -> Identity:
    return make_identity()


def make_identity() -> Identity:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "demo")])
    begins = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=begins,
        not_valid_after=begins + dt.timedelta(days=3650),
    )
    return Identity(key, builder.sign(key, hashes.SHA256()))


def credential(entra: Entra, identity: Identity) -> CertificateCredential:
    return CertificateCredential(
        DEMO.tenant_id,
        DEMO.client_id,
        certificate_data=identity.pem,
        authority=entra.url,
        connection_verify=entra.authority,
    )


@pytest.fixture
def registered(entra: Entra, identity: Identity) -> Entra:
    """A directory that knows the certificate, and whose clock agrees with the client's."""
    entra.clock.now = time.time()
    entra.directory.add_certificate(DEMO.tenant_id, DEMO.client_id, identity.certificate)
    return entra


async def test_certificate_signs_in(registered: Entra, identity: Identity) -> None:
    """An application may sign in with a registered certificate instead of a secret."""
    async with credential(registered, identity) as signing_in:
        token = (await signing_in.get_token(SCOPE)).token
    assert registered.directory.verify(token, AUDIENCE)["appid"] == DEMO.client_id


async def test_blocking_credential_signs_in_too(registered: Entra, identity: Identity) -> None:
    """The blocking credential signs with another algorithm and names the certificate by another thumbprint."""

    def sign_in() -> str:
        with BlockingCertificateCredential(
            DEMO.tenant_id,
            DEMO.client_id,
            certificate_data=identity.pem,
            authority=registered.url,
            connection_verify=registered.authority,
            disable_instance_discovery=True,
        ) as blocking:
            return blocking.get_token(SCOPE).token

    assert registered.directory.verify(await asyncio.to_thread(sign_in), AUDIENCE)


async def test_unknown_certificate(registered: Entra) -> None:
    """A certificate that is not registered is 401 with AADSTS700027."""
    async with credential(registered, make_identity()) as signing_in:
        with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
            await signing_in.get_token(SCOPE)


async def test_assertion_is_checked(registered: Entra, identity: Identity) -> None:
    """An assertion must be by this client, for this endpoint, in its time, and signed by the key it names."""
    url = f"{registered.url}/{DEMO.tenant_id}/oauth2/v2.0/token"
    now = registered.clock.now
    good = {"aud": url, "iss": DEMO.client_id, "sub": DEMO.client_id, "nbf": now - 60, "exp": now + 60}
    assert await answered(registered, url, signed(good, identity)) is None
    assert await answered(registered, url, signed({**good, "sub": DEMO.identity_id}, identity)) == 700021
    assert await answered(registered, url, signed({**good, "aud": f"{url}x"}, identity)) == 700023
    assert await answered(registered, url, signed({**good, "exp": now - 301}, identity)) == 700024
    forged = signed(good, Identity(make_identity().key, identity.certificate))
    assert await answered(registered, url, forged) == 700027
    assert await answered(registered, url, "not.a.token") == 50027


def signed(claims: Mapping[str, object], by: Identity) -> str:
    thumbprint = jwt.utils.base64url_encode(by.certificate.fingerprint(hashes.SHA256())).decode()
    return jwt.encode(dict(claims), by.key, algorithm="PS256", headers={"x5t#S256": thumbprint})


async def answered(entra: Entra, url: str, assertion: str) -> int | None:
    """The AADSTS code that an assertion meets; None when it is accepted."""
    form = {
        "grant_type": "client_credentials",
        "client_id": DEMO.client_id,
        "scope": SCOPE,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
    }
    async with entra.http() as http:
        answer = (await http.post(url, data=form)).json()
    codes: list[int] = answer.get("error_codes", [None])
    return codes[0]
