"""host.json: the limits of the app, and the app settings that override them.

https://learn.microsoft.com/azure/azure-functions/functions-host-json
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from infra.local.functions_host.errors import HostError

_OVERRIDE = "AzureFunctionsJobHost__"
# .NET takes 24:00:00 for 24 days, and refuses 00:90:00.
_TIME_SPAN = re.compile(
    r"(?:(?P<days>\d+)\.)?(?P<hours>[01]?\d|2[0-3]):(?P<minutes>[0-5]?\d):(?P<seconds>[0-5]?\d(?:\.\d+)?)", re.ASCII
)
_QUEUES = "extensions.queues."
_DEFAULT_INTERVAL = timedelta(minutes=1)
_DEVELOPMENT_INTERVAL = timedelta(seconds=2)
_MOST_OF_ONE_CALL = 32


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue#hostjson-settings"""

    batch_size: int
    new_batch_threshold: int
    max_dequeue_count: int
    visibility_timeout: timedelta
    max_polling_interval: timedelta
    is_base64: bool


@dataclass(frozen=True, slots=True)
class HostJson:
    route_prefix: str
    queues: QueueLimits


def read_host_json(folder: Path, environment: Mapping[str, str]) -> HostJson:
    """Raises HostError."""
    file = folder / "host.json"
    try:
        document = json.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise HostError(f"There is no host.json in {folder}.") from None
    except ValueError as error:
        raise HostError(f"host.json cannot be read: {error}") from None
    if not isinstance(document, dict) or document.get("version") != "2.0":
        raise HostError('host.json must say "version": "2.0".')
    values = _Values(dict(_flat(document)) | dict(_overrides(environment)))
    is_development = environment.get("AZURE_FUNCTIONS_ENVIRONMENT") == "Development"
    return HostJson(
        values.text("extensions.http.routePrefix", "api").strip("/"),
        _queue_limits(values, _DEVELOPMENT_INTERVAL if is_development else _DEFAULT_INTERVAL),
    )


def _queue_limits(values: "_Values", default_interval: timedelta) -> QueueLimits:
    batch_size = values.number(_QUEUES + "batchSize", 16, least=1, most=_MOST_OF_ONE_CALL)
    encoding = values.text(_QUEUES + "messageEncoding", "base64").lower()
    if encoding not in {"base64", "none"}:
        raise HostError(f"host.json: messageEncoding is base64 or none, not {encoding!r}.")
    return QueueLimits(
        batch_size,
        # Plans that scale by events count one processor; half of one is none, as in the host.
        values.number(_QUEUES + "newBatchThreshold", batch_size // 2),
        values.number(_QUEUES + "maxDequeueCount", 5, least=1),
        values.duration(_QUEUES + "visibilityTimeout", timedelta()),
        values.duration(_QUEUES + "maxPollingInterval", default_interval),
        encoding == "base64",
    )


class _Values:
    """Values by path; letter case does not matter, and numbers may come as text."""

    def __init__(self, by_path: Mapping[str, Any]) -> None:
        self._by_path = by_path

    def text(self, path: str, default: str) -> str:
        return str(self._by_path.get(path.lower(), default))

    def number(self, path: str, default: int, *, least: int = 0, most: int | None = None) -> int:
        given = self.text(path, str(default))
        if not given.isdecimal() or int(given) < least or (most is not None and int(given) > most):
            limits = f"from {least}" if most is None else f"from {least} to {most}"
            raise HostError(f"host.json: {path} is a whole number {limits}, not {given!r}.")
        return int(given)

    def duration(self, path: str, default: timedelta) -> timedelta:
        if path.lower() not in self._by_path:
            return default
        match = _TIME_SPAN.fullmatch(self.text(path, ""))
        if not match:
            raise HostError(f"host.json: {path} is a time as in 00:00:30, not {self.text(path, '')!r}.")
        return timedelta(**{unit: float(value or 0) for unit, value in match.groupdict().items()})


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """By lower-case path; null is as good as nothing."""
    if not isinstance(value, dict):
        if value is not None:
            yield path.lower(), value
        return
    for name, inner in value.items():
        yield from _flat(inner, f"{path}.{name}" if path else name)


def _overrides(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in environment.items():
        if name.lower().startswith(_OVERRIDE.lower()):
            yield name[len(_OVERRIDE) :].replace("__", ".").lower(), value
