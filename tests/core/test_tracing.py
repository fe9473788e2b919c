"""What telemetry is told: spans below one another, across a message too, and nothing about a person."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from core import tracing
from core.trace_export import Exported

ROOT = Path(__file__).resolve().parents[2]
FROM_HOST = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider(sampler=ALWAYS_ON)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.listen(Exported(provider, MeterProvider()))
    yield exporter
    tracing.listen_no_more()


def test_one_trace_goes_through_a_message(spans: InMemorySpanExporter) -> None:
    """From the host's context to the capture, and from there to whoever reads the message it sent."""
    with tracing.span("capture", parent=FROM_HOST), tracing.span("turn"):
        sent = tracing.traceparent()
    with tracing.span("deliver", parent=sent):
        pass
    turn, capture, deliver = spans.get_finished_spans()
    assert {f"{each.context.trace_id:032x}" for each in (turn, capture, deliver)} == {FROM_HOST.split("-")[1]}
    assert turn.parent
    assert deliver.parent
    assert (turn.parent.span_id, deliver.parent.span_id) == (capture.context.span_id, turn.context.span_id)


@pytest.mark.parametrize("parent", ["", "nonsense", "00-0-0-00", "\r\n"])
def test_a_parent_that_is_none_begins_a_trace(spans: InMemorySpanExporter, parent: str) -> None:
    """Messages and headers come from outside."""
    with tracing.span("deliver", parent=parent):
        pass
    (found,) = spans.get_finished_spans()
    assert found.parent is None


def test_an_exception_is_told_by_its_kind(spans: InMemorySpanExporter) -> None:
    """Its message may quote what somebody said; and what is usual is no error."""
    with pytest.raises(ValueError, match="mara"), tracing.span("turn"):
        raise ValueError("mara@fabrikam.example")
    with pytest.raises(KeyError), tracing.span("storage", usual=(KeyError,)):
        raise KeyError("mara@fabrikam.example")
    failed, usual = spans.get_finished_spans()
    assert (failed.status.is_ok, failed.status.description) == (False, "ValueError")
    assert usual.status.is_ok
    assert "mara" not in failed.to_json() + usual.to_json()


def test_facts_are_one_line_without_addresses(spans: InMemorySpanExporter) -> None:
    """Should one slip into an id after all."""
    with tracing.span("turn", action="mara@fabrikam.example\nforged", status=200):
        pass
    (found,) = spans.get_finished_spans()
    assert dict(found.attributes or {}) == {
        "captello.action": "m***@fabrikam.example\\nforged",
        "captello.status": 200,
    }


def test_counts_have_few_series() -> None:
    """By outcome, trigger, class and status, never by whom."""
    reader = InMemoryMetricReader()
    tracing.listen(Exported(TracerProvider(), MeterProvider([reader])))
    tracing.delivered(0.2, trigger="capture", outcome="created", error_class="")
    tracing.delivered(0.4, trigger="capture", outcome="created", error_class="")
    tracing.requested(0.1, status="2xx")
    tracing.listen_no_more()
    told = reader.get_metrics_data()
    assert told is not None
    points = {
        metric.name: [
            (dict(point.attributes or {}), point.count)
            for point in metric.data.data_points
            if isinstance(point, HistogramDataPoint)
        ]
        for metric in told.resource_metrics[0].scope_metrics[0].metrics
    }
    assert points == {
        "captello.delivery.duration": [({"trigger": "capture", "outcome": "created"}, 2)],
        "captello.dynamics.request.duration": [({"status": "2xx"}, 1)],
    }


def test_nobody_listening_costs_no_import() -> None:
    """The SDK is not imported where no setting asks for it."""
    program = (
        "import sys, core.triggers.capture; from core.bootstrap import make_services;"
        "from core.settings import settings_from;"
        "make_services(settings_from({'KEY_VAULT_URL': 'https://v.example', 'AzureWebJobsStorage__accountName': 's'}));"
        "sys.exit(any(name.startswith('opentelemetry.sdk') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
