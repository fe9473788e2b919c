"""Certificates for the local https servers, and what a child process needs to trust them.

Duty: make a certificate authority that lives for one run, a server certificate for the loopback names, and a bundle
that adds this authority to the roots the machine trusts anyway. Who serves with them, and which process is pointed at
the bundle (SSL_CERT_FILE, before its interpreter starts), others decide.
"""

import os
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import certifi
import trustme

LOOPBACK_NAMES = ("localhost", "127.0.0.1")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Certificates:
    authority: Path
    """The authority alone: `connection_verify` of an Azure client, `verify` of httpx."""
    server: Path
    """Private key and chain in one file, as `served` takes it."""
    bundle: Path
    """The authority and the usual roots: SSL_CERT_FILE of a child process."""


def create_certificates(folder: Path) -> Certificates:
    """Make a new authority and a server certificate, and write them to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Certificates(folder / "authority.pem", folder / "server.pem", folder / "bundle.pem")
    authority = trustme.CA(organization_name="Local stack")
    authority.cert_pem.write_to_path(made.authority)
    _write_private(made.server, authority.issue_cert(*LOOPBACK_NAMES).private_key_and_cert_chain_pem.bytes())
    made.bundle.write_text(_joined([made.authority, *_usual_roots()]), encoding="ascii")
    return made


def _write_private(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(content)


def _usual_roots() -> Iterator[Path]:
    """The files this process trusts: what SSL_CERT_FILE says, what OpenSSL was built with, and certifi's.

    SSL_CERT_DIR and OpenSSL's own folder need no mention: SSL_CERT_FILE of the child does not turn them off.
    """
    paths = ssl.get_default_verify_paths()
    said = (os.environ.get(paths.openssl_cafile_env), paths.openssl_cafile, certifi.where())
    return (Path(path) for path in said if path and Path(path).is_file())


def _joined(files: list[Path]) -> str:
    """Every certificate of these files once, without the remarks that may stand between them."""
    texts = (file.read_text(encoding="utf-8", errors="replace") for file in files)
    blocks = dict.fromkeys(block for text in texts for block in _CERTIFICATE.findall(text))
    return "".join(f"{block}\n" for block in blocks)
