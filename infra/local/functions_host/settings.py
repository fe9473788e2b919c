"""What the host reads besides the code: host.json with its overrides, and local.settings.json.

https://learn.microsoft.com/azure/azure-functions/functions-host-json
"""

import json
import os
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

_OVERRIDE = "AzureFunctionsJobHost__"
_SETTING = re.compile(r"%([^%]+)%")


class HostError(Exception):
    """The app cannot be started as it is; the message is for the person who wrote it."""


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue#hostjson-settings"""

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_dequeue_count: int = 5
    visibility_timeout: float = 0.0
    max_polling_interval: float = 60.0
    is_base64: bool = True

    @property
    def most_in_flight(self) -> int:
        return self.batch_size + self.new_batch_threshold


@dataclass(frozen=True, slots=True)
class HostSettings:
    route_prefix: str
    queues: QueueSettings


def read_local_settings(folder: Path) -> None:
    """`Values` of local.settings.json become environment variables, unless already set."""
    file = folder / "local.settings.json"
    if file.exists():
        for name, value in json.loads(file.read_text()).get("Values", {}).items():
            os.environ.setdefault(name, str(value))


def read_host_settings(folder: Path) -> HostSettings:
    """Raises HostError."""
    file = folder / "host.json"
    if not file.exists():
        raise HostError(f"There is no host.json in {folder}.")
    document: dict[str, Any] = json.loads(file.read_text())
    if document.get("version") != "2.0":
        raise HostError('host.json must say "version": "2.0".')
    _override(document)
    extensions = document.get("extensions", {})
    prefix = extensions.get("http", {}).get("routePrefix", "api")
    return HostSettings(prefix.strip("/"), _queue_settings(extensions.get("queues", {})))


def resolved(text: str) -> str:
    """`%NAME%` stands for an app setting. Raises HostError."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise HostError(f"%{match[1]}% is used in a trigger, but there is no setting {match[1]}.")
        return os.environ[match[1]]

    return _SETTING.sub(value, text)


def connection_string(name: str) -> str:
    """The storage account a trigger names, looked for as the host does. Raises HostError."""
    for candidate in (f"AzureWebJobs{name}", name):
        if os.environ.get(candidate):
            return os.environ[candidate]
    raise HostError(f"A trigger names the connection {name}, but there is no setting {name}.")


def is_disabled(function: str) -> bool:
    return os.environ.get(f"AzureWebJobs.{function}.Disabled", "").lower() in ("true", "1")


def _override(document: dict[str, Any]) -> None:
    """`AzureFunctionsJobHost__extensions__queues__batchSize` and its like."""
    for name, value in os.environ.items():
        if name.startswith(_OVERRIDE):
            *path, last = name.removeprefix(_OVERRIDE).split("__")
            part = document
            for step in path:
                part = part.setdefault(step, {})
            part[last] = value


def _queue_settings(given: dict[str, Any]) -> QueueSettings:
    batch_size = int(given.get("batchSize", 16))
    is_development = os.environ.get("AZURE_FUNCTIONS_ENVIRONMENT") == "Development"
    interval = 2.0 if is_development else _seconds(given.get("maxPollingInterval", "00:01:00"))
    return QueueSettings(
        batch_size=batch_size,
        new_batch_threshold=int(given.get("newBatchThreshold", batch_size // 2)),
        max_dequeue_count=int(given.get("maxDequeueCount", 5)),
        visibility_timeout=_seconds(given.get("visibilityTimeout", "00:00:00")),
        max_polling_interval=interval,
        is_base64=given.get("messageEncoding", "base64") == "base64",
    )


def _seconds(text: str) -> float:
    hours, minutes, seconds = (float(part) for part in text.split(":"))
    return timedelta(hours=hours, minutes=minutes, seconds=seconds).total_seconds()
