"""What the runbook tells people to call exists: routes, settings, queries, sections."""

import functools
import re

import pytest
from starlette.routing import compile_path

from core.api.app import make_app
from infra.package.ours import PROJECT
from tests.infra.azure.bicep import Template

RUNBOOK = (PROJECT / "infra" / "README.md").read_text()
DEPLOY = (PROJECT / "README.md").read_text().partition("## Deploy to Azure")[2].partition("\n## ")[0]
TEXT = RUNBOOK + DEPLOY
_CURL = re.compile(r'curl (?:-X (?P<method>[A-Z]+) )?"\$APP(?P<path>/api/[^"?]*)')
_SHORT = re.compile(r"(?P<method>GET|POST|PUT) …(?P<path>/[^`\s]*)`")


@functools.cache
def routes() -> list[tuple[str, re.Pattern[str]]]:
    paths = make_app().openapi()["paths"]
    capture = {"/api/capture/{action}": ("get", "post")}  # a function of its own, beside the API
    every = {**paths, **capture}
    return [(method.upper(), compile_path(path)[0]) for path, methods in every.items() for method in methods]


def calls() -> set[tuple[str, str]]:
    said = {(match["method"] or "GET", match["path"]) for match in _CURL.finditer(TEXT)}
    short = {(match["method"], match["path"]) for match in _SHORT.finditer(TEXT)}
    # `…` stands for what every address begins with, and where the connection is clear for that too.
    long = {
        (method, ("/api/v1" if path.startswith(("/bulk", "/connections")) else "/api/v1/connections/c") + path)
        for method, path in short
    }
    return said | {(method, path.replace("{batch}", "b")) for method, path in long}


@pytest.mark.parametrize(("method", "path"), sorted(calls()))
def test_a_call_of_the_runbook_exists(method: str, path: str) -> None:
    """Under this address and method."""
    assert any(known == method and pattern.match(path) for known, pattern in routes()), f"{method} {path}"


def test_there_are_calls() -> None:
    """The search above has found the ones that matter."""
    assert {
        ("PUT", "/api/v1/connections/contoso/secret"),
        ("POST", "/api/v1/connections/contoso/check"),
        ("POST", "/api/v1/connections/contoso/revoke"),
        ("POST", "/api/v1/bulk/b/cancel"),
        ("GET", "/api/v1/export"),
    } <= calls()


def test_queries_that_are_named_exist() -> None:
    """And every query is named somewhere."""
    named = set(re.findall(r"`([a-z-]+\.kql)`", RUNBOOK))
    assert named == {path.name for path in (PROJECT / "infra" / "queries").glob("*.kql")}


def test_values_that_azd_is_asked_for_are_outputs(templates: dict[str, Template]) -> None:
    """`env get-value` and the outputs in capitals."""
    outputs = set(templates["main"].outputs)
    assert set(re.findall(r"env get-value (\w+)", TEXT)) <= outputs
    assert set(re.findall(r"`((?:AZURE|API|CAPTURE)_\w+)`", DEPLOY)) <= outputs


def test_what_azd_is_told_reaches_a_parameter() -> None:
    """`env set` names what main.parameters.json asks for, or what azd itself knows."""
    asked = set(re.findall(r"\$\{(\w+)", (PROJECT / "infra" / "main.parameters.json").read_text()))
    assert set(re.findall(r"env set (\w+)", TEXT)) <= asked | {"AZURE_RESOURCE_GROUP"}


@pytest.mark.parametrize(
    "heading",
    [
        "A secret has expired",
        "429: Dynamics limits us",
        "Dynamics is down",
        "Poison messages",
        "A copied environment",
        "Restore",
        "Upgrade",
        "Teardown",
    ],
)
def test_the_runbook_has(heading: str) -> None:
    """One section for each thing that goes wrong."""
    assert f"\n### {heading}\n" in RUNBOOK
