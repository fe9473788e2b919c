"""Every resource is of a known type and version, and has the properties that this type takes."""

import re

import pytest

from tests.infra.azure.bicep import Template, read
from tests.infra.azure.resource_types import Scope, Types


def test_every_resource_fits_its_type(templates: dict[str, Template], types: Types) -> None:
    """No unknown, read-only, missing or mistyped property; names are followed to what they stand for."""
    problems = {name: list(Scope(template, types).problems()) for name, template in templates.items()}
    assert problems == {name: [] for name in templates}
    assert sum(len(template.resources) for template in templates.values()) > 25


# Mistakes that a person makes: where, what stands there, what he writes, what is said.
MISTAKES = [
    ("storage", "allowSharedKeyAccess:", "allowSharedKeysAccess:", "unknown property, allowSharedKeyAccess?"),
    ("storage", "storageAccounts@2026-04-01' = {", "storageAccounts@2020-13-01' = {", "not a known type and version"),
    ("storage", "minimumTlsVersion: 'TLS1_2'", "minimumTlsVersion: true", "boolean where string is wanted"),
    ("storage", "publicAccess: 'None'", "publicAccess: 'Nobody'", "'Nobody' is none of"),
    ("storage", "days: 7", "days: '7'", "string where integer is wanted"),
    ("vault", "enablePurgeProtection: true", "enablePurgeProtection: 'true'", "string where boolean is wanted"),
    ("vault", "name: 'standard'", "name: 'Standard'", "'Standard' is none of"),
    ("vault", "tenantId: subscription().tenantId", "", "tenantId is missing"),
    ("app", "instanceMemoryMB: instanceMemoryMB", "instanceMemoryMB: token", "string where integer is wanted"),
    ("app", "instanceCount: alwaysReadyInstances", "instances: alwaysReadyInstances", "unknown property"),
    ("app", "name: 'authsettingsV2'", "name: 'authSettingsV2'", "'authSettingsV2' is none of"),
    ("app", "'RedirectToLoginPage'", "'Redirect'", "'Redirect' is none of"),
    ("alerts", "severity: rule.severity", "severity: 'high'", "string where integer is wanted"),
    ("alerts", "scopes: [\n      workspaceId\n    ]", "scopes: workspaceId", "more than one value is wanted"),
    ("monitoring", "retentionInDays:", "retentionDays:", "unknown property, retentionInDays?"),
    ("main", "location: location\n  tags: tags\n}", "principalId: location\n}", "unknown property"),
]


@pytest.mark.parametrize(
    ("name", "before", "after", "said"), MISTAKES, ids=[after or "left out" for *_, after, _ in MISTAKES]
)
def test_mistakes_are_found(
    name: str, before: str, after: str, said: str, templates: dict[str, Template], types: Types
) -> None:
    """The check above would fail on each of these."""
    text = templates[name].path.read_text()
    assert before in text
    broken = read(templates[name].path, text.replace(before, after, 1))
    assert any(re.search(re.escape(said), problem) for problem in Scope(broken, types).problems())
