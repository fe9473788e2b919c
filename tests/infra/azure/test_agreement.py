"""The templates and the app say the same: names, settings, numbers, versions, alerts."""

import ast
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from typing_extensions import override

from core.dataverse.traffic import AT_ONCE_MOST
from core.settings import settings_from
from core.storage.names import BULK_QUEUE, CONTAINERS, DELIVERIES_QUEUE, LOG_TABLE, QUEUES, TABLES
from infra.package.ours import PROJECT
from infra.package.target import PYTHON
from tests.infra.azure.bicep import Call, Choice, Name, Template, read

# https://learn.microsoft.com/power-apps/developer/data-platform/api-limits: one user at a time, on one server
DYNAMICS_AT_ONCE = 52
# What the Functions host and its telemetry read; the app does not.
# https://learn.microsoft.com/azure/azure-functions/functions-reference#connecting-to-host-storage-with-an-identity
# https://learn.microsoft.com/azure/azure-functions/functions-app-settings
FOR_THE_HOST = {
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__clientId",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
}
# Keys and other addresses of storage, and what opens the app to simulators: never in Azure.
NEVER_IN_AZURE = {
    "AzureWebJobsStorage",
    "AzureWebJobsStorage__accountName",
    "KEY_VAULT_VERIFY_CHALLENGE",
    "DYNAMICS_ALLOWED_ORIGINS",
    "TRACE_FILE",
}
# App Service says this by itself, where its sign-in stands in front.
FROM_THE_PLATFORM = {"WEBSITE_AUTH_ENABLED"}
# The platform sets these itself, or they break Flex Consumption.
# https://learn.microsoft.com/azure/azure-functions/functions-app-settings#flex-consumption-plan-deprecations
NOT_ON_FLEX = {
    "FUNCTIONS_WORKER_RUNTIME",
    "FUNCTIONS_EXTENSION_VERSION",
    "WEBSITE_RUN_FROM_PACKAGE",
    "SCM_DO_BUILD_DURING_DEPLOYMENT",
    "ENABLE_ORYX_BUILD",
    "WEBSITE_TIME_ZONE",
    "TZ",
}


class Recording(dict[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self, values: dict[str, str]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    @override
    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


def _settings(templates: dict[str, Template]) -> dict[str, Any]:
    """The app settings as the template says them; `otherSettings` may change them."""
    merged = templates["app"].resources["settings"].body["properties"]
    assert merged.function == "union"
    settings, _, others = merged.arguments
    assert others == Name("otherSettings")
    assert isinstance(settings, dict)
    return settings


def _deployed(templates: dict[str, Template]) -> Recording:
    """The same as an app would meet them: a deployment's addresses and parameters are made up."""
    bulk = templates["main"].parameters["bulkAtOnceMost"].default
    made_up = {
        "AzureWebJobsStorage__clientId": "11111111-1111-4111-8111-111111111111",
        "AZURE_CLIENT_ID": "11111111-1111-4111-8111-111111111111",
        "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/",
        "KEY_VAULT_URL": "https://kv-a.vault.azure.net/",
        "BULK_AT_ONCE_MOST": str(bulk),
        "APPLICATIONINSIGHTS_CONNECTION_STRING": "IngestionEndpoint=https://westeurope.in.applicationinsights.azure.com/",
        "PYTHON_ENABLE_OPENTELEMETRY": "true",
    }
    made_up |= {
        f"AzureWebJobsStorage__{s}ServiceUri": f"https://sta.{s}.core.windows.net/" for s in ("blob", "queue", "table")
    }
    said = {name: value for name, value in _settings(templates).items() if isinstance(value, str)}
    return Recording(made_up | said)


def test_tables_queues_and_containers(templates: dict[str, Template]) -> None:
    """The template makes exactly what the app uses, and the container that the package lies in."""
    storage = templates["storage"].variables
    assert tuple(storage["tables"]) == TABLES
    assert tuple(storage["queues"]) == QUEUES
    containers = [
        each for each in templates["storage"].resources.values() if each.what.split("@")[0].endswith("containers")
    ]
    names = {storage[each.body["name"].root] for each in containers}
    assert names == {*CONTAINERS, storage["packageContainerName"]}


def test_every_trigger_has_its_queue_and_its_poison_queue() -> None:
    """The host waits for a queue that is missing, for ever and without a word."""
    text = (PROJECT / "function_app.py").read_text()
    triggered = {
        str(keyword.value.value)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "queue_name"
        and isinstance(keyword.value, ast.Constant)
        and isinstance(keyword.value.value, str)
    }
    assert triggered
    assert set(QUEUES) == triggered | {f"{name}-poison" for name in triggered}


def test_app_settings(templates: dict[str, Template]) -> None:
    """Each setting that the app reads is set, and no other; none that belongs to simulators, none that Flex refuses."""
    environment = _deployed(templates)
    settings_from(environment)
    schedules = set(re.findall(r"%([A-Z_]+)%", (PROJECT / "function_app.py").read_text()))
    assert schedules == {"WAKE_SCHEDULE"}
    assert (
        set(_settings(templates)) == (environment.asked - NEVER_IN_AZURE - FROM_THE_PLATFORM) | schedules | FOR_THE_HOST
    )
    assert not set(_settings(templates)) & (NEVER_IN_AZURE | NOT_ON_FLEX)


def test_app_settings_are_the_defaults(templates: dict[str, Template]) -> None:
    """What may be left out elsewhere has the same value here; only addresses and identity are Azure's own."""
    environment = _deployed(templates)
    bare = {name: value for name, value in environment.items() if "://" in value or "lient" in name.lower()}
    assert replace(settings_from(environment), telemetry=None) == settings_from(bare)
    assert len(bare) < len(environment)


def test_every_setting_is_explained(templates: dict[str, Template]) -> None:
    """README.md names each that the app reads; `…` stands for what the names of storage begin with."""
    environment = _deployed(templates)
    settings_from(environment)
    readme = (PROJECT / "README.md").read_text()
    for name in environment.asked:
        assert f"`{name}`" in readme or f"…{name.removeprefix('AzureWebJobsStorage')}`" in readme, name


def test_traces_are_off_or_on_at_both_ends(templates: dict[str, Template]) -> None:
    """With one end alone, what the app logs would reach nobody, and alerts with it."""
    _, at_the_host, _ = templates["app"].resources["settings"].body["properties"].arguments
    in_the_app = _settings(templates)["PYTHON_ENABLE_OPENTELEMETRY"]
    assert in_the_app == Choice(Name("tracing"), ("true", "false"))
    assert at_the_host == Choice(Name("tracing"), (Name("hostTraces"), {}))
    assert templates["app"].variables["hostTraces"] == {"AzureFunctionsJobHost__telemetryMode": "OpenTelemetry"}
    assert templates["main"].parameters["tracing"].default is False
    assert "telemetryMode" not in json.loads((PROJECT / "host.json").read_text())
    assert settings_from(_deployed(templates)).telemetry is not None


def test_the_sample_settings_name_the_same(templates: dict[str, Template]) -> None:
    """Who starts with local.settings.sample.json meets no setting that Azure does not know."""
    sample = json.loads((PROJECT / "local.settings.sample.json").read_text())["Values"]
    assert set(sample) <= set(_settings(templates)) | NEVER_IN_AZURE | {"FUNCTIONS_WORKER_RUNTIME"}


def test_no_key_opens_anything(templates: dict[str, Template]) -> None:
    """No shared key, no access policy, no local sign-in, nothing public; no template asks for a key."""
    account = templates["storage"].resources["account"].body["properties"]
    assert account["allowSharedKeyAccess"] is False
    assert account["allowBlobPublicAccess"] is False
    vault = templates["vault"].resources["vault"].body["properties"]
    assert vault["enableRbacAuthorization"] is True
    assert vault["enablePurgeProtection"] is True
    assert "accessPolicies" not in vault
    assert templates["monitoring"].resources["insights"].body["properties"]["DisableLocalAuth"] is True
    app = templates["app"].resources["app"].body["properties"]
    assert app["httpsOnly"] is True
    assert app["functionAppConfig"]["deployment"]["storage"]["authentication"]["type"] == "UserAssignedIdentity"
    assert not [path for path in (PROJECT / "infra").rglob("*.bicep") if "listKeys" in path.read_text()]


def test_captures_at_once_stay_below_what_dynamics_serves(templates: dict[str, Template]) -> None:
    """Three busy instances of captures are within the limit of one user, and no instance is beyond the app's own."""
    at_once = templates["main"].parameters["httpConcurrency"].default
    assert at_once <= AT_ONCE_MOST
    assert 3 * at_once <= DYNAMICS_AT_ONCE
    for number in (at_once, AT_ONCE_MOST, DYNAMICS_AT_ONCE):
        assert str(number) in templates["main"].parameters["httpConcurrency"].decorators["description"]


def test_messages_at_once_stay_within_the_apps_ceiling() -> None:
    """What the host takes from a queue at a time fits the requests that a process may have in flight."""
    queues = json.loads((PROJECT / "host.json").read_text())["extensions"]["queues"]
    assert queues["batchSize"] + queues["newBatchThreshold"] <= AT_ONCE_MOST


def test_runtime_version(templates: dict[str, Template]) -> None:
    """The app runs the Python that its package is made for."""
    runtime = templates["app"].resources["app"].body["properties"]["functionAppConfig"]["runtime"]
    assert runtime == {"name": "python", "version": PYTHON}


def test_captures_need_no_sign_in(templates: dict[str, Template]) -> None:
    """With sign-in on, everything asks for it but the address that Captello posts to."""
    sign_in = templates["app"].resources["signIn"]
    assert sign_in.condition is not None
    validation = sign_in.body["properties"]["globalValidation"]
    assert validation["requireAuthentication"] is True
    assert validation["excludedPaths"] == ["/api/capture/*"]
    assert '@app.route("capture/{action}"' in (PROJECT / "function_app.py").read_text()


def test_azure_yaml(templates: dict[str, Template]) -> None:
    """What azd deploys is the folder that our hook has made; it finds the templates, and the app by its tag."""
    home = PROJECT / "infra"
    said = yaml.safe_load((home / "azure.yaml").read_text())
    assert (home / said["infra"]["path"] / f"{said['infra']['module']}.bicep").exists()
    ((name, service),) = said["services"].items()
    assert (home / service["project"]).resolve() == PROJECT
    assert service["remoteBuild"] is False
    assert service["hooks"]["prepackage"]["run"] == f"python3 -m infra.package --folder {service['dist']}"
    tags = templates["app"].resources["app"].body["tags"]
    assert isinstance(tags, Call)
    assert tags.arguments[1] == {"azd-service-name": name}


def _roles(templates: dict[str, Template]) -> list[tuple[str, str, str]]:
    """Who has which role, and on which resource: its kind, and its name where it is one of several."""
    found = []
    for template in templates.values():
        for declared in template.resources.values():
            if not declared.what.startswith("Microsoft.Authorization/roleAssignments"):
                continue
            properties = declared.body["properties"]
            role = template.variables[properties["roleDefinitionId"].arguments[1].root]
            scope = declared.body["scope"]
            assert isinstance(scope, Name)
            assert declared.body["name"].arguments[2] == properties["roleDefinitionId"].arguments[1]
            resource = template.resources[scope.root]
            name = resource.body["name"] if resource.existing else ""
            kind = resource.what.partition("@")[0]
            found.append((properties["principalId"].root, role, f"{kind}/{name}" if name else kind))
    return sorted(found)


# https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
STORAGE, VAULT, INSIGHTS = (
    "Microsoft.Storage/storageAccounts",
    "Microsoft.KeyVault/vaults",
    "Microsoft.Insights/components",
)
# What an operator may look at without the API: masked rows, and messages that were given up.
LOG = f"{STORAGE}/tableServices/tables/{LOG_TABLE}"
DELIVERIES_POISON, BULK_POISON = (
    f"{STORAGE}/queueServices/queues/{name}-poison" for name in (DELIVERIES_QUEUE, BULK_QUEUE)
)
ROLES = [
    ("principalId", "Storage Blob Data Owner", "b7e6dc6d-f1e8-4753-8033-0f276bb0955b", STORAGE),
    ("principalId", "Storage Queue Data Contributor", "974c5e8b-45b9-4653-ba55-5f855dd0fb88", STORAGE),
    ("principalId", "Storage Table Data Contributor", "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3", STORAGE),
    ("principalId", "Key Vault Secrets Officer", "b86a8fe4-44ce-4948-aee5-eccb2c155cd7", VAULT),
    ("principalId", "Monitoring Metrics Publisher", "3913510d-42f4-4e42-8a64-420c390055eb", INSIGHTS),
    ("operatorPrincipalId", "Storage Table Data Reader", "76199698-9eea-4c19-bc75-cec21354c6b6", LOG),
    ("operatorPrincipalId", "Storage Queue Data Reader", "19e7f393-937e-4f77-808e-94535e297925", DELIVERIES_POISON),
    ("operatorPrincipalId", "Storage Queue Data Reader", "19e7f393-937e-4f77-808e-94535e297925", BULK_POISON),
]


def test_roles_are_the_least(templates: dict[str, Template]) -> None:
    """These and no other, each on one resource and none on the group; an operator's on no more than he needs."""
    assert _roles(templates) == sorted((who, guid, scope) for who, _, guid, scope in ROLES)


def test_roles_are_explained(templates: dict[str, Template]) -> None:
    """Where a GUID stands, its name does too; and infra/README.md has each with its reason."""
    source = "\n".join(template.path.read_text() for template in templates.values())
    readme = (PROJECT / "infra" / "README.md").read_text()
    for _, name, guid, _ in ROLES:
        assert name in source
        assert f"| {name} | `{guid}` |" in readme


# The newest general release of each, by Microsoft's type data of August 2026; Key Vault's earlier ones end in February
# 2027, and diagnostic settings have no general release.
# https://learn.microsoft.com/azure/templates
VERSIONS = {
    "Microsoft.Authorization/roleAssignments": "2022-04-01",
    "Microsoft.Insights/actionGroups": "2023-01-01",
    "Microsoft.Insights/components": "2020-02-02",
    "Microsoft.Insights/diagnosticSettings": "2021-05-01-preview",
    "Microsoft.Insights/scheduledQueryRules": "2026-03-01",
    "Microsoft.KeyVault/vaults": "2026-02-01",
    "Microsoft.ManagedIdentity/userAssignedIdentities": "2024-11-30",
    "Microsoft.OperationalInsights/workspaces": "2026-03-01",
    "Microsoft.Storage/storageAccounts": "2026-04-01",
    "Microsoft.Web/serverfarms": "2025-03-01",
    "Microsoft.Web/sites": "2025-03-01",
}


def test_versions(templates: dict[str, Template]) -> None:
    """Each resource is asked for in the version of its kind above; parts of one have the version of the whole."""
    used = {declared.what for template in templates.values() for declared in template.resources.values()}
    kinds = {what.partition("@")[::2] for what in used}
    assert {("/".join(kind.split("/")[:2]), version) for kind, version in kinds} == set(VERSIONS.items())


def test_alerts_ask_the_queries(templates: dict[str, Template]) -> None:
    """Each rule's query is a file; the file names its alert, and the runbook has a heading for it."""
    alerts = templates["alerts"]
    readme = (PROJECT / "infra" / "README.md").read_text()
    rules = alerts.variables["rules"]
    for rule in rules:
        assert rule["query"].function == "loadTextContent"
        query = (alerts.path.parent / rule["query"].arguments[0]).resolve()
        assert f"Alert: {rule['name']}." in query.read_text()
        assert f"`{rule['name']}`" in readme
    told = {path.name for path in (PROJECT / "infra" / "queries").glob("*.kql") if "Alert: " in path.read_text()}
    assert told == {Path(rule["query"].arguments[0]).name for rule in rules}


def test_what_alerts_ask_for_is_never_sampled_away() -> None:
    """Under load the host keeps a part of each kind of telemetry that is not named here; an alert is one line."""
    logging = json.loads((PROJECT / "host.json").read_text())["logging"]
    kept = logging["applicationInsights"]["samplingSettings"]["excludedTypes"].split(";")
    assert {"Exception", "Request", "Trace"} <= set(kept)


@pytest.mark.parametrize(
    ("query", "words", "source"),
    [
        ("backlog", "deliveries were due and have been woken", "core/triggers/wake.py"),
        ("paused-connections", "connection_paused", "core/sync/alerts.py"),
        ("queue-age", "queue_age", "core/sync/alerts.py"),
        ("queue-age", "minutes", "core/sync/alerts.py"),
        ("expiring-secrets", "secret_expiring", "core/admin/connection_check.py"),
        ("expiring-secrets", "days_left", "core/admin/connection_check.py"),
        ("failed-deliveries", "delivery_failed", "core/sync/alerts.py"),
        ("deferred", " is deferred: ", "core/sync/attempt.py"),
        ("bulk-refused", "a message on the queue `bulk-sync` was refused: ", "core/triggers/bulk.py"),
        ("dynamics-requests", "dynamics", "core/tracing.py"),
        ("outcomes", "captello.delivery.duration", "core/trace_export.py"),
        ("timer-runs", '"wake"', "function_app.py"),
        ("capture-times", '"capture"', "function_app.py"),
    ],
)
def test_queries_look_for_what_is_logged(query: str, words: str, source: str) -> None:
    """A line that is worded anew would silence its alert."""
    assert words in (PROJECT / "infra" / "queries" / f"{query}.kql").read_text()
    assert words in (PROJECT / source).read_text()


def test_the_templates_stand_alone() -> None:
    """No module of a registry: what is deployed can be read here."""
    for path in (PROJECT / "infra").rglob("*.bicep"):
        for module in read(path).modules.values():
            assert (path.parent / module.what).exists(), module.what
