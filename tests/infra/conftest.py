"""Fixtures for the tests of the local stack; servers that all tests share stand in `tests/conftest.py`."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from azure.keyvault.secrets.aio import SecretClient
from starlette.types import ASGIApp

from infra.local.certificates import Certificates
from infra.local.entra import DEMO, demo_directory, entra_app
from infra.local.key_vault import key_vault_app
from infra.local.serve import served
from tests.infra.azure_services import Clock, Entra, KeyVault, Stage
from tests.infra.fresh_machine import Machine, fresh_machine


@pytest.fixture(scope="session")
def stages(certificates: Certificates) -> Iterator[list[Stage]]:
    """Two servers that stand ready."""
    ready: list[Stage] = []

    def stage(url: str) -> ASGIApp:
        ready.append(Stage(url))
        return ready[-1]

    with served(stage, certificate=certificates.server), served(stage, certificate=certificates.server):
        yield ready


@pytest.fixture
def entra(stages: list[Stage], certificates: Certificates) -> Entra:
    clock = Clock()
    own = Entra(stages[0].url, demo_directory(clock=clock), clock, str(certificates.authority))
    stages[0].play(lambda url: entra_app(own.directory, url, control=own.control))
    return own


@pytest.fixture
def key_vault(stages: list[Stage], entra: Entra) -> KeyVault:
    own = KeyVault(stages[1].url, entra)

    def vault(url: str) -> ASGIApp:
        return key_vault_app(entra.directory, url, tenant_id=DEMO.tenant_id, authority=entra.url, control=own.control)

    stages[1].play(vault)
    return own


@pytest.fixture
async def secrets(key_vault: KeyVault) -> AsyncIterator[SecretClient]:
    """Azure's client, signed in as the demo application at a vault of the test's own."""
    async with key_vault.entra.credential() as credential, key_vault.client(credential) as client:
        yield client


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return fresh_machine(tmp_path)
