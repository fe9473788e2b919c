"""Client assertions: an application proves who it is by signing with its certificate's key (private_key_jwt).

Duty: check one assertion against the certificates registered for its application.
https://learn.microsoft.com/entra/identity-platform/certificate-credentials
"""

import base64
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import Certificate
from jwt.types import Options

from infra.local.entra import refusals
from infra.local.entra.directory import Application

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CLOCK_SKEW_SECONDS = 300
_ALGORITHMS = ("RS256", "PS256")
_SIGNATURE_ONLY: Options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}


def require_assertion(application: Application, assertion: str, *, audiences: set[str], now: float) -> None:
    claims = _signed_claims(application, assertion)
    if {claims.get("iss"), claims.get("sub")} != {application.client_id}:
        raise refusals.assertion_of_another_client()
    if claims.get("aud") not in audiences:
        raise refusals.assertion_for_another_audience()
    if not claims.get("nbf", 0) - CLOCK_SKEW_SECONDS <= now < claims.get("exp", 0) + CLOCK_SKEW_SECONDS:
        raise refusals.assertion_out_of_time()


def _signed_claims(application: Application, assertion: str) -> dict[str, Any]:
    try:
        header = jwt.get_unverified_header(assertion)
    except jwt.PyJWTError as problem:
        raise refusals.malformed_assertion() from problem
    thumbprint = str(header.get("x5t#S256") or header.get("x5t") or "").rstrip("=")  # some clients leave the padding on
    key = _public_key(application, thumbprint)
    try:
        return jwt.decode(assertion, key, algorithms=_ALGORITHMS, options=_SIGNATURE_ONLY)
    except jwt.PyJWTError as problem:
        raise refusals.wrong_signature(thumbprint) from problem


def _public_key(application: Application, thumbprint: str) -> RSAPublicKey:
    for certificate in application.certificates:
        key = certificate.public_key()
        if thumbprint in _thumbprints(certificate) and isinstance(key, RSAPublicKey):
            return key
    raise refusals.unknown_certificate(thumbprint)


def _thumbprints(certificate: Certificate) -> set[str]:
    """Older clients send the SHA-1 thumbprint, newer ones that of SHA-256."""
    digests = (certificate.fingerprint(hashes.SHA1()), certificate.fingerprint(hashes.SHA256()))  # noqa: S303
    return {base64.urlsafe_b64encode(digest).decode().rstrip("=") for digest in digests}
