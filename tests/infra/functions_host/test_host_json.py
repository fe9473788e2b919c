"""Limits from host.json, and the app settings that override them."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.local.functions_host.errors import HostError
from infra.local.functions_host.host_json import HostJson, read_host_json

QUEUES = "AzureFunctionsJobHost__extensions__queues__"


def read(folder: Path, queues: dict[str, Any], environment: dict[str, str] | None = None, **http: str) -> HostJson:
    document = {"version": "2.0", "extensions": {"queues": queues, "http": http}}
    (folder / "host.json").write_text(json.dumps(document))
    return read_host_json(folder, environment or {})


def test_what_is_left_unsaid(tmp_path: Path) -> None:
    """The host's own defaults."""
    settings = read(tmp_path, {})
    limits = settings.queues
    assert settings.route_prefix == "api"
    assert (limits.batch_size, limits.new_batch_threshold, limits.max_dequeue_count) == (16, 8, 5)
    assert (limits.visibility_timeout, limits.max_polling_interval) == (timedelta(0), timedelta(minutes=1))
    assert limits.is_base64


def test_development_polls_sooner_unless_told_otherwise(tmp_path: Path) -> None:
    """As under `func start`."""
    development = {"AZURE_FUNCTIONS_ENVIRONMENT": "Development"}
    assert read(tmp_path, {}, development).queues.max_polling_interval == timedelta(seconds=2)
    told = read(tmp_path, {"maxPollingInterval": "00:00:10"}, development)
    assert told.queues.max_polling_interval == timedelta(seconds=10)


def test_settings_override(tmp_path: Path) -> None:
    """Whatever their letter case; the threshold follows the batch size unless it is given."""
    environment = {
        QUEUES + "BATCHSIZE": "4",
        QUEUES + "messageEncoding": "none",
        QUEUES + "visibilityTimeout": "1.00:00:00.5",
        "AzureFunctionsJobHost__extensions__http__routePrefix": "",
    }
    settings = read(tmp_path, {"batchSize": 32, "maxDequeueCount": 2}, environment, routePrefix="v1")
    limits = settings.queues
    assert (limits.batch_size, limits.new_batch_threshold, limits.max_dequeue_count) == (4, 2, 2)
    assert limits.visibility_timeout == timedelta(days=1, seconds=0.5)
    assert not limits.is_base64
    assert settings.route_prefix == ""


@pytest.mark.parametrize(
    "queues",
    [
        {"batchSize": 0},
        {"batchSize": "many"},
        {"maxDequeueCount": 0},
        {"newBatchThreshold": -1},
        {"visibilityTimeout": 30},
        {"visibilityTimeout": "24:00:00"},
        {"visibilityTimeout": "00:90:00"},
        {"maxPollingInterval": "2s"},
        {"messageEncoding": "utf8"},
    ],
)
def test_what_is_out_of_range_is_refused(tmp_path: Path, queues: dict[str, Any]) -> None:
    """By name."""
    with pytest.raises(HostError, match=next(iter(queues))):
        read(tmp_path, queues)


def test_null_is_as_good_as_nothing(tmp_path: Path) -> None:
    """The default holds."""
    (tmp_path / "host.json").write_text(
        '{"version": "2.0", "extensions": {"http": {"routePrefix": null}, "queues": null}}'
    )
    assert read_host_json(tmp_path, {}).route_prefix == "api"


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    """Editors of other systems write one."""
    (tmp_path / "host.json").write_text('{"version": "2.0"}', encoding="utf-8-sig")
    assert read_host_json(tmp_path, {}).queues.batch_size == 16
