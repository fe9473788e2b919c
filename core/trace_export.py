"""Spans, counts and log lines on their way to Azure Monitor, or into a file, by OpenTelemetry.

Imported only where the setting PYTHON_ENABLE_OPENTELEMETRY asks for it. The host then no longer hands the worker's log
lines on, so they are sent from here too. The worker is ended without a word: what is up to five seconds old is lost.
https://learn.microsoft.com/azure/azure-functions/opentelemetry-howto
"""

import contextlib
import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from opentelemetry import trace
from opentelemetry.metrics import MeterProvider as AnyMeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SimpleSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from typing_extensions import Unpack

from core.domain.masking import masked_emails
from core.logs import one_line
from core.settings import Telemetry
from core.tracing import Facts, Labels, Span, SpanName, listen

_TEXT_MOST = 200
# A capture is no request of its own: the host tells of that already, and it would be counted twice.
_KINDS = {"dynamics": trace.SpanKind.CLIENT, "storage": trace.SpanKind.CLIENT}
_RESOURCE = {"service.name": "captello-dynamics"}
_W3C = TraceContextTextMapPropagator()


class Exported:
    """Fits `tracing.Listener`."""

    def __init__(self, spans: Any, meters: AnyMeterProvider) -> None:
        self._tracer = spans.get_tracer("captello")
        meter = meters.get_meter("captello")
        self._deliveries = meter.create_histogram("captello.delivery.duration", unit="s")
        self._requests = meter.create_histogram("captello.dynamics.request.duration", unit="s")

    @contextlib.contextmanager
    def span(self, name: SpanName, parent: str, usual: tuple[type[Exception], ...]) -> Iterator[Span]:
        """An exception is told by its kind alone: its message may quote what somebody said."""
        context = _W3C.extract({"traceparent": parent}) if parent else None
        kind = _KINDS.get(name, trace.SpanKind.INTERNAL)
        quiet = {"record_exception": False, "set_status_on_exception": False}
        with self._tracer.start_as_current_span(name, context=context, kind=kind, **quiet) as begun:
            try:
                yield _Telling(begun)
            except usual:
                raise
            except BaseException as error:
                begun.set_status(trace.StatusCode.ERROR, type(error).__name__)
                raise

    def traceparent(self) -> str:
        carrier: dict[str, str] = {}
        _W3C.inject(carrier)
        return carrier.get("traceparent", "")

    def delivered(self, seconds: float, labels: Labels) -> None:
        self._deliveries.record(seconds, _texts(labels))

    def requested(self, seconds: float, labels: Labels) -> None:
        self._requests.record(seconds, _texts(labels))


class _Telling:
    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def tell(self, **facts: Unpack[Facts]) -> None:
        for name, value in facts.items():
            said = value if isinstance(value, int) else one_line(masked_emails(str(value)))[:_TEXT_MOST]
            self._span.set_attribute(f"captello.{name}", said)


def _texts(labels: Labels) -> Mapping[str, str]:
    return {name: str(value) for name, value in labels.items() if value}


def start(settings: Telemetry) -> None:
    """To a file where one is named, else to Azure Monitor."""
    resource = Resource.create(_RESOURCE)
    if settings.file:
        file = Path(settings.file).open("a", encoding="utf-8")  # noqa: SIM115  # for as long as the process lives
        exporter = ConsoleSpanExporter(out=file, formatter=lambda span: json.dumps(json.loads(span.to_json())) + "\n")
        spans = _spans(resource)
        spans.add_span_processor(SimpleSpanProcessor(exporter))
        listen(Exported(spans, _no_meters()))
    else:
        _to_azure_monitor(settings, resource)


def _spans(resource: Resource) -> TracerProvider:
    """Every capture counts, whatever the host samples. It is nobody's default: libraries tell nothing through it."""
    return TracerProvider(resource=resource, sampler=ALWAYS_ON)


def _no_meters() -> AnyMeterProvider:
    from opentelemetry.metrics import NoOpMeterProvider  # a file holds spans alone

    return NoOpMeterProvider()


def _to_azure_monitor(settings: Telemetry, resource: Resource) -> None:
    # ruff: noqa: PLC0415  # a quarter of a second, wanted only here
    from azure.identity import ManagedIdentityCredential
    from azure.monitor.opentelemetry.exporter import (
        AzureMonitorLogExporter,
        AzureMonitorMetricExporter,
        AzureMonitorTraceExporter,
    )
    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    signed: dict[str, Any] = {
        "connection_string": settings.connection_string,
        "credential": ManagedIdentityCredential(client_id=settings.client_id or None),
        "disable_offline_storage": True,
    }
    lines = LoggerProvider(resource=resource)
    lines.add_log_record_processor(BatchLogRecordProcessor(AzureMonitorLogExporter(**signed)))
    logging.getLogger("captello").addHandler(LoggingHandler(level=logging.INFO, logger_provider=lines))
    meters = MeterProvider([PeriodicExportingMetricReader(AzureMonitorMetricExporter(**signed))], resource=resource)
    spans = _spans(resource)
    spans.add_span_processor(BatchSpanProcessor(AzureMonitorTraceExporter(**signed, tracer_provider=spans)))
    listen(Exported(spans, meters))
