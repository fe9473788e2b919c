"""Spans and counts for whoever listens; nothing at all where nobody does.

Duty: say what telemetry may hold. Names and attributes are few and known here, and none of them is about a person:
a field, an address or a prospect's id has no place to go. Where spans end up is `trace_export`'s, which alone knows
OpenTelemetry and is imported only where a setting asks for it.
"""

import contextlib
from collections.abc import Iterator
from typing import Literal, Protocol, TypedDict

from typing_extensions import Unpack

from core.domain.trail import Call

SpanName = Literal["capture", "deliver", "bulk", "api", "wake", "automations", "tidy", "turn", "storage", "dynamics"]


class Facts(TypedDict, total=False):
    """What a span may say."""

    action: str
    trigger: str
    outcome: str
    table: str
    error_class: str
    error_code: str
    method: str
    path: str
    parts: int
    status: int
    request_id: str
    receipt: str


class Labels(TypedDict, total=False):
    """What deliveries and requests are counted by: few values each, so that there are few series."""

    trigger: str
    outcome: str
    error_class: str
    status: str


class Span(Protocol):
    def tell(self, **facts: Unpack[Facts]) -> None: ...


class Listener(Protocol):
    def span(
        self, name: SpanName, parent: str, usual: tuple[type[Exception], ...]
    ) -> contextlib.AbstractContextManager[Span]: ...

    def traceparent(self) -> str: ...

    def delivered(self, seconds: float, labels: Labels) -> None: ...

    def requested(self, seconds: float, labels: Labels) -> None: ...


class _Silent:
    def tell(self, **facts: Unpack[Facts]) -> None: ...


_SILENT = _Silent()
_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """From now on; the one before hears nothing more."""
    _listeners[:] = [listener]


def listen_no_more() -> None:
    _listeners.clear()


@contextlib.contextmanager
def span(
    name: SpanName, *, parent: str = "", usual: tuple[type[Exception], ...] = (), **facts: Unpack[Facts]
) -> Iterator[Span]:
    """What runs within the block. `parent` is a `traceparent` that came from elsewhere; else the span around it is.
    What is `usual` to be raised is no error.
    """
    if not _listeners:
        yield _SILENT
        return
    with _listeners[0].span(name, parent, usual) as begun:
        begun.tell(**facts)
        yield begun


def traceparent() -> str:
    """Of the span that runs, for who goes on with the work elsewhere; "" where there is none.

    https://www.w3.org/TR/trace-context/#traceparent-header
    """
    return _listeners[0].traceparent() if _listeners else ""


def delivered(seconds: float, **labels: Unpack[Labels]) -> None:
    for each in _listeners:
        each.delivered(seconds, labels)


def requested(seconds: float, **labels: Unpack[Labels]) -> None:
    for each in _listeners:
        each.requested(seconds, labels)


def tell_call(call: Call, telling: Span) -> None:
    """One request to Dynamics, as the log shows it too."""
    telling.tell(
        method=call.method,
        path=call.path,
        status=call.status,
        request_id=call.request_id,
        error_code=call.code,
        parts=len(call.parts),
    )
    requested(call.ms / 1000, status=f"{call.status // 100}xx" if call.status else "none")
