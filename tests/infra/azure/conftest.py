"""The templates, and what they are held against."""

import json
from pathlib import Path

import pytest

from infra.package.ours import PROJECT
from tests.infra.azure.bicep import Template, read
from tests.infra.azure.resource_types import Types

INFRA = PROJECT / "infra"
# Published by Microsoft, too large and not ours to keep; it lies beside the project where we and CI work.
TYPES = PROJECT.parent / "shared" / "azure" / "resource-types.json"


@pytest.fixture(scope="session")
def templates() -> dict[str, Template]:
    """By the file's name without its ending."""
    return {path.stem: read(path) for path in (INFRA / "main.bicep", *sorted((INFRA / "modules").glob("*.bicep")))}


@pytest.fixture(scope="session")
def types() -> Types:
    if not TYPES.exists():
        pytest.skip(f"the shapes of Azure's resources are not on this machine ({Path('..', *TYPES.parts[-3:])})")
    known: Types = json.loads(TYPES.read_text())
    return known
