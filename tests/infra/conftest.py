"""Simulated services that one test has for itself, with their switches in its hand, and Azure's clients for them.

Duty: a directory with a clock that stands still, a token endpoint and a vault with their controls. Servers that can be
shared stand in `tests/conftest.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from azure.identity.aio import ClientSecretCredential
from azure.keyvault.secrets.aio import SecretClient
from starlette.types import ASGIApp

from infra.local.certificates import Certificates
from infra.local.control import Control
from infra.local.entra import DEMO, Directory, demo_directory, entra_app
from infra.local.key_vault import key_vault_app
from infra.local.serve import served


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Entra:
    """A token endpoint of one's own."""

    directory: Directory
    clock: Clock
    url: str
    authority: str
    """The file to trust."""
    control: Control

    def credential(self, secret: str = DEMO.client_secret, **changed: Any) -> ClientSecretCredential:
        given = {"tenant_id": DEMO.tenant_id, "client_id": DEMO.client_id, "client_secret": secret, **changed}
        return ClientSecretCredential(**given, authority=self.url, connection_verify=self.authority)


@dataclass
class KeyVault:
    """A vault of one's own, and as many clients as wanted."""

    url: str
    entra: Entra
    control: Control = field(default_factory=Control)

    def client(self, credential: ClientSecretCredential, **options: Any) -> SecretClient:
        verify = {"verify_challenge_resource": False, "connection_verify": self.entra.authority}
        return SecretClient(self.url, credential, **{**verify, **options})


@pytest.fixture
def entra(certificates: Certificates) -> Iterator[Entra]:
    clock, control = Clock(), Control()
    directory = demo_directory(clock=clock)
    with served(lambda url: entra_app(directory, url, control=control), certificate=certificates.server) as url:
        yield Entra(directory, clock, url, str(certificates.authority), control)


@pytest.fixture
def key_vault(entra: Entra, certificates: Certificates) -> Iterator[KeyVault]:
    control = Control()

    def vault(url: str) -> ASGIApp:
        return key_vault_app(entra.directory, url, tenant_id=DEMO.tenant_id, authority=entra.url, control=control)

    with served(vault, certificate=certificates.server) as url:
        yield KeyVault(url, entra, control)
