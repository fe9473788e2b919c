"""Child processes trust the local servers, and go on trusting whom they trusted before."""

import os
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from infra.local.certificates import Certificates, create_certificates
from infra.local.entra import demo_directory, entra_app
from infra.local.serve import served

ASK = """
import asyncio, sys, aiohttp, httpx
async def main(url):
    async with aiohttp.ClientSession() as client:
        async with client.get(url) as answer:
            print(answer.status)
print(httpx.get(sys.argv[1]).status_code)
asyncio.run(main(sys.argv[1]))
"""


def test_child_trusts_by_its_environment(certificates: Certificates, entra_url: str) -> None:
    """With SSL_CERT_FILE set to the bundle, httpx and aiohttp of a child process trust the local servers."""
    told = subprocess.run(
        [sys.executable, "-c", ASK, f"{entra_url}/_control/applications"],
        env={**os.environ, "SSL_CERT_FILE": str(certificates.bundle)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == ["200", "200"]


def test_who_was_trusted_before_stays_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bundle holds the usual roots and what SSL_CERT_FILE named before: the authority of a company's proxy, say."""
    company = create_certificates(tmp_path / "company")
    monkeypatch.setenv("SSL_CERT_FILE", str(company.authority))
    ours = create_certificates(tmp_path / "ours")
    bundle = ours.bundle.read_text()
    assert company.authority.read_text().strip() in bundle
    assert ours.authority.read_text().strip() in bundle
    assert bundle.count("BEGIN CERTIFICATE") > 50
    assert ours.server.stat().st_mode & 0o077 == 0


def test_both_names_of_this_machine(certificates: Certificates) -> None:
    """The server certificate is good for 127.0.0.1 and for localhost."""
    trust = ssl.create_default_context(cafile=certificates.authority)
    with served(lambda url: entra_app(demo_directory(), url), certificate=certificates.server) as url:
        for address in (url, url.replace("127.0.0.1", "localhost")):
            assert httpx.get(f"{address}/_control/requests", verify=trust).status_code == 200
