"""What the app is told from outside: environment variables, filled up from local.settings.json.

Duty: look settings up as the Functions host does. host.json is read elsewhere.
https://learn.microsoft.com/azure/azure-functions/functions-app-settings
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.functions_host.errors import HostError

_SETTING = re.compile(r"%([^%]+)%")


def fill_environment(folder: Path, url: str) -> None:
    """Sets what local.settings.json and Core Tools would, where it is unset."""
    given = _local_values(folder) | {
        "AzureWebJobsScriptRoot": str(folder),
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "WEBSITE_HOSTNAME": url.partition("//")[2],
    }
    for name, value in given.items():
        os.environ.setdefault(name, value)


def resolved(text: str) -> str:
    """`%NAME%` stands for an app setting. Raises HostError."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise HostError(f"%{match[1]}% is used in a binding, but there is no setting {match[1]}.")
        return os.environ[match[1]]

    return _SETTING.sub(value, text)


@contextmanager
def readable(connection: str) -> Iterator[None]:
    """Says of which connection the text is one that a client cannot read. Raises HostError."""
    try:
        yield
    except ValueError as error:
        raise HostError(f"The connection {connection or 'Storage'} cannot be read: {error}") from None


def number(name: str, default: int) -> int:
    """A setting that is no whole number above 0 is as good as none."""
    text = os.environ.get(name, "")
    return (int(text) if text.isdecimal() else 0) or default


def is_disabled(function: str) -> bool:
    return os.environ.get(f"AzureWebJobs.{function}.Disabled", "").lower() in {"true", "1"}


def _local_values(folder: Path) -> dict[str, str]:
    file = folder / "local.settings.json"
    if not file.exists():
        return {}
    try:
        document = json.loads(file.read_text(encoding="utf-8-sig"))
        if document.get("IsEncrypted"):
            raise HostError("local.settings.json is encrypted; `func settings decrypt` makes it readable.")
        values: dict[str, object] = document.get("Values", {})
        return {name: str(value) for name, value in values.items()}
    except (ValueError, AttributeError) as error:
        raise HostError(f"local.settings.json cannot be read: {error}") from None
