"""Telemetry reaches Azure Monitor's ingestion as its own exporter sends it, signed in by the managed identity."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from infra.local import story
from infra.local.entra import DEMO
from infra.local.serve import served
from infra.local.stack import ROOT, functions_host
from tests.infra.functions_host.running import eventually
from tests.journeys.conftest import App, Person

KEY = "00000000-0000-4000-8000-000000000000"
TRACE = "8a3c60f7d188f8fa79d48a391a778fa6"


@dataclass
class Ingestion:
    """What it was sent, and with which tokens. https://learn.microsoft.com/azure/azure-monitor/app/api-custom-events-metrics"""

    items: list[dict[str, Any]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)

    async def track(self, request: Request) -> JSONResponse:
        assert request.url.path.endswith("/v2.1/track")
        body = await request.body()
        text = gzip.decompress(body) if request.headers.get("content-encoding") == "gzip" else body
        items = json.loads(text)
        self.items += items
        self.tokens.add(request.headers.get("authorization", ""))
        return JSONResponse({"itemsReceived": len(items), "itemsAccepted": len(items), "errors": []})

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self.track, methods=["POST"])])


@pytest.fixture
def ingestion(app: App) -> Iterator[tuple[Ingestion, str]]:
    made = Ingestion()
    with served(lambda _: made.app(), certificate=app.stack.certificates.server) as url:
        yield made, url


def test_spans_and_lines_arrive_signed_in(app: App, ingestion: tuple[Ingestion, str], person: Person) -> None:
    """With a token of the app's identity for Azure Monitor, and no key but the component's name."""
    seen, url = ingestion
    settings = {**app.stack.settings, "PYTHON_ENABLE_OPENTELEMETRY": "true"}
    settings |= {"APPLICATIONINSIGHTS_CONNECTION_STRING": f"InstrumentationKey={KEY};IngestionEndpoint={url}/"}
    settings |= {"REQUESTS_CA_BUNDLE": str(app.stack.certificates.bundle), "OTEL_BSP_SCHEDULE_DELAY": "200"}
    settings |= {"OTEL_BLRP_SCHEDULE_DELAY": "200"}
    settings |= {"AzureWebJobs.wake.Disabled": "true", "AzureWebJobs.tidy.Disabled": "true"}
    settings |= {"APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true"}
    headers = {"x-functions-key": app.stack.key, "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    with functions_host(ROOT, port=0, key=app.stack.key, settings=settings) as host:
        sent = httpx.post(f"{host}/api/capture/{story.ACTION}", json=person.capture(), headers=headers, timeout=30)
        assert sent.json()["outcome"] == "created"
        eventually(lambda: "capture" in _names(seen))
        _capture_that_waits(app, host, headers, person)
        eventually(lambda: [line for line in _lines(seen) if line.startswith("delivery ")])
    assert {"capture", "turn", "dynamics", "storage"} <= _names(seen)
    assert all(token.startswith("Bearer ") for token in seen.tokens)
    assert {item["iKey"] for item in seen.items} == {KEY}
    assert person.email not in json.dumps(seen.items)
    assert DEMO.client_secret not in json.dumps(seen.items)


def _capture_that_waits(app: App, host: str, headers: dict[str, str], person: Person) -> None:
    """Under a connection whose secret is wrong: what is logged about it is a line of ours."""
    connection = {"name": "Mute", "url": app.stack.dynamics.url, "tenant_id": DEMO.tenant_id, "environment": "sandbox"}
    app.save("connections/mute", {**connection, "client_id": DEMO.client_id, "client_secret": "wrong~" * 6})
    app.action("mute", connection="mute", match={"tables": "off"})
    answer = httpx.post(f"{host}/api/capture/mute", json=person.capture(), headers=headers, timeout=30)
    assert answer.status_code == 202


def _lines(seen: Ingestion) -> list[str]:
    told = [item["data"]["baseData"] for item in seen.items if item["data"]["baseType"] == "MessageData"]
    return [each["message"] for each in told]


def _names(seen: Ingestion) -> set[str]:
    ours = [item for item in seen.items if item.get("tags", {}).get("ai.operation.id") == TRACE]
    return {item["data"]["baseData"].get("name", "") for item in ours}
