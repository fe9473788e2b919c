"""What a function learns of its own invocation, when it asks for `context`."""

import secrets
import threading
import uuid
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TraceContext:
    """https://www.w3.org/TR/trace-context/"""

    trace_parent: str
    trace_state: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RetryContext:
    """Always the first attempt: this host carries no retry policies out."""

    retry_count: int = 0
    max_retry_count: int = 0
    exception: None = None


@dataclass(frozen=True, slots=True)
class Context:
    """Shaped like `azure.functions.Context`, which the worker's own does not derive from either."""

    function_name: str
    function_directory: str
    trace_context: TraceContext
    invocation_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    retry_context: RetryContext = field(default_factory=RetryContext)
    thread_local_storage: threading.local = field(default_factory=threading.local)


def new_trace() -> TraceContext:
    return TraceContext(f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00")
