"""Access tokens: signed, and checked by whoever they are for.

Duty: make a token in the version 1 form that Dynamics and Key Vault receive, and verify one. Who may have a token,
`directory` decides.
"""

import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from jwt.types import Options

LIFETIME_SECONDS = 3599
CLOCK_SKEW_SECONDS = 300
MOST_REMEMBERED = 10_000
_ALGORITHM = "RS256"
# Time is judged by our own clock, and audience and issuer by our own rules: of PyJWT we want the signature.
_SIGNATURE_ONLY: Options = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}


class Tokens:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._key_id = uuid.uuid4().hex
        self._verified: dict[str, Mapping[str, Any]] = {}
        self._lock = threading.Lock()

    def issue(self, *, tenant_id: str, client_id: str, object_id: str, audience: str) -> str:
        now = int(self._clock())
        claims = {
            "aud": audience,
            "iss": issuer(tenant_id),
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME_SECONDS,
            "appid": client_id,
            "idp": issuer(tenant_id),
            "idtyp": "app",
            "oid": object_id,
            "sub": object_id,
            "tid": tenant_id,
            "uti": uuid.uuid4().hex,
            "ver": "1.0",
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM, headers={"kid": self._key_id})

    def verify(self, token: str, audience: str) -> Mapping[str, Any]:
        """The token's claims; ValueError says what is wrong with it."""
        claims = self._verified.get(token) or self._signed_claims(token)
        now = self._clock()
        if now >= claims["exp"]:
            self._verified.pop(token, None)
            raise ValueError("The token has expired.")
        if now < claims["nbf"] - CLOCK_SKEW_SECONDS:
            raise ValueError("The token is not valid yet.")
        if claims["aud"].rstrip("/") != audience.rstrip("/"):
            raise ValueError(f"The token is for {claims['aud']}, not for {audience}.")
        return claims

    def public_keys(self) -> Mapping[str, object]:
        """The key set that others check signatures with."""
        key = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{**key, "kid": self._key_id, "x5t": self._key_id, "use": "sig", "alg": _ALGORITHM}]}

    def _signed_claims(self, token: str) -> Mapping[str, Any]:
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token, self._key.public_key(), algorithms=[_ALGORITHM], options=_SIGNATURE_ONLY
            )
        except jwt.PyJWTError as problem:
            raise ValueError(f"The token is not one of ours: {problem}.") from problem
        if claims["iss"] != issuer(claims["tid"]):
            raise ValueError(f"The token's issuer {claims['iss']} is not that of its tenant.")
        self._remember(token, claims)
        return claims

    def _remember(self, token: str, claims: Mapping[str, Any]) -> None:
        """A signature costs a tenth of a millisecond to check, and the same token comes with every request."""
        with self._lock:
            if len(self._verified) >= MOST_REMEMBERED:
                self._verified.clear()
            self._verified[token] = claims


def issuer(tenant_id: str) -> str:
    return f"https://sts.windows.net/{tenant_id}/"
