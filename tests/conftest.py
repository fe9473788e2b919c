"""What tests of every part may ask for: real storage, and the simulated services over real HTTPS, once per session.

Duty: start each server when the first test asks for it and stop it at the end. What a test puts into them, it names
uniquely; nothing is wiped in between.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from starlette.types import ASGIApp

from infra.local import azurite, environment
from infra.local.certificates import Certificates, create_certificates
from infra.local.entra import DEMO, Directory, demo_directory, entra_app
from infra.local.key_vault import key_vault_app
from infra.local.serve import served
from infra.package.archive import write_archive
from infra.package.staging import stage_app

# Where every run counts, each looks at the same examples; at a desk, every run looks at others.
settings.register_profile("ci", derandomize=True, deadline=None, database=None, print_blob=True)
settings.register_profile("desk", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "desk")


@pytest.fixture(scope="session")
def node() -> Path:
    return environment.node(Path(sys.executable))


@pytest.fixture(scope="session")
def azurite_server(node: Path) -> Iterator[azurite.Storage]:
    with azurite.azurite(node) as storage:
        yield storage


@pytest.fixture(scope="session")
def storage(azurite_server: azurite.Storage) -> str:
    """The connection string of a storage account that the whole session shares."""
    return azurite_server.connection_string


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return create_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def directory() -> Directory:
    """What `DEMO` of `infra.local.entra` describes; a test that changes secrets makes a directory of its own."""
    return demo_directory()


@pytest.fixture(scope="session")
def entra_url(directory: Directory, certificates: Certificates) -> Iterator[str]:
    with served(lambda url: entra_app(directory, url), certificate=certificates.server) as url:
        yield url


@pytest.fixture(scope="session")
def vault_url(directory: Directory, entra_url: str, certificates: Certificates) -> Iterator[str]:
    def vault(url: str) -> ASGIApp:
        return key_vault_app(directory, url, tenant_id=DEMO.tenant_id, authority=entra_url)

    with served(vault, certificate=certificates.server) as url:
        yield url


@pytest.fixture(scope="session")
def staged_app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that is deployed, with bytecode where this machine has the Python for it."""
    stage = tmp_path_factory.mktemp("package") / "app"
    stage_app(stage, bytecode=environment.find_python("3.13") is not None)
    return stage


@pytest.fixture(scope="session")
def package_archive(staged_app: Path) -> Path:
    """The archive that is deployed."""
    target = staged_app.with_name("app.zip")
    write_archive(staged_app, target)
    return target
