"""A certificate with its private key, as people have it, in the one form that is kept: PEM, the key not encrypted.

What reads it comes with azure-identity, and is imported when the first certificate is saved.
https://learn.microsoft.com/entra/identity-platform/certificate-credentials
"""

import base64
import binascii
from typing import TYPE_CHECKING, Any

from core.domain.credential import Credential
from core.errors import InvalidInputError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_FIELD = "client_certificate"


def certificate_credential(text: str, password: str = "") -> Credential:
    """From PEM (key and certificate in one text) or base64 of PKCS#12. Raises InvalidInputError."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  # see the module
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415

    key, certificates = _read(text.strip(), password.encode() or None)
    if not isinstance(key, RSAPrivateKey):
        raise _refused("Entra takes certificates with an RSA key only.")
    own = next((each for each in certificates if each.public_key() == key.public_key()), None)
    if own is None:
        raise _refused("The certificate does not belong to the private key.")
    chain = [own, *(each for each in certificates if each is not own)]
    return Credential(
        value=_pem(key, chain),
        kind="certificate",
        thumbprint=own.fingerprint(hashes.SHA1()).hex().upper(),  # noqa: S303  # what Entra's portal shows
        expires_on=own.not_valid_after_utc.date(),
    )


def _read(text: str, password: bytes | None) -> "tuple[Any, list[Certificate]]":
    try:
        return _read_pem(text.encode(), password) if "-----BEGIN" in text else _read_pkcs12(text, password)
    except (ValueError, TypeError, binascii.Error):  # never with the words of the library: they may quote
        raise _refused(
            "The certificate cannot be read. Give PEM with the private key and the certificate in one text, or base64 "
            "of a PKCS#12 file (.pfx), and `certificate_password` where it has one."
        ) from None


def _read_pem(text: bytes, password: bytes | None) -> "tuple[Any, list[Certificate]]":
    from cryptography import x509  # noqa: PLC0415  # see the module
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    return load_pem_private_key(text, password), x509.load_pem_x509_certificates(text)


def _read_pkcs12(text: str, password: bytes | None) -> "tuple[Any, list[Certificate]]":
    from cryptography.hazmat.primitives.serialization import pkcs12  # noqa: PLC0415  # see the module

    raw = base64.b64decode("".join(text.split()), validate=True)
    key, own, others = pkcs12.load_key_and_certificates(raw, password)
    return key, [each for each in (own, *others) if each]


def _pem(key: Any, chain: "list[Certificate]") -> str:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  # see the module

    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return b"".join([private, *(each.public_bytes(encoding) for each in chain)]).decode()


def _refused(message: str) -> InvalidInputError:
    return InvalidInputError(message, field=_FIELD)
