"""The sample app on the host, over real storage; what a test must have for itself it starts for itself."""

import contextlib
import itertools
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest
from azure.storage.queue import QueueClient

from infra.local import environment
from infra.local.functions_host.assembly import assembled
from infra.local.functions_host.errors import HostError
from infra.local.functions_host.host_json import read_host_json
from infra.local.functions_host.index import index
from infra.local.functions_host.keys import Keys
from tests.infra.functions_host.running import ROOT, Host, running_host
from tests.infra.functions_host.sample_app import write_app

KEYS = ("--host-key", "host-key", "--master-key", "master-key", "--function-key", "echo=echo-key")
_numbers = itertools.count(1)

Refused = Callable[..., Awaitable[str]]
MakeQueue = Callable[..., QueueClient]


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory, storage: str) -> Iterator[Host]:
    """The sample app with keys. Its timer never comes, its queue never stands."""
    folder = write_app(tmp_path_factory.mktemp("host") / "app")
    settings = app_settings(storage) | {
        "AzureWebJobs.off.Disabled": "true",
        "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "1000",
    }
    with running_host(folder, settings, *KEYS) as started:
        yield started


@pytest.fixture
def http(host: Host) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=host.url, timeout=20) as client:
        yield client


@pytest.fixture
def settings(storage: str) -> dict[str, str]:
    """Settings of the sample app, with queues and a memory of timers that no other test knows."""
    return app_settings(storage)


@pytest.fixture
def queue(storage: str) -> Iterator[MakeQueue]:
    """Clients of queues by name; they are made unless told otherwise."""
    opened: list[QueueClient] = []

    def make(name: str, *, create: bool = True) -> QueueClient:
        opened.append(QueueClient.from_connection_string(storage, name))
        if create:
            opened[-1].create_queue()
        return opened[-1]

    yield make
    for client in opened:
        client.close()


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_app(tmp_path / "app")


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> Iterator[Refused]:
    """What is wrong with an app, found as the host finds it, in this process: quicker than `refusal`, and as true."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    sys.modules.pop("function_app", None)

    async def problem(folder: Path, settings: dict[str, str] | None = None) -> str:
        for name, value in (settings or {}).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(HostError) as caught:
            async with contextlib.AsyncExitStack() as resources:
                await assembled(index(folder), read_host_json(folder, os.environ), Keys(), resources)
        return str(caught.value)

    yield problem
    sys.modules.pop("function_app", None)


def app_settings(storage: str) -> dict[str, str]:
    number = next(_numbers)
    return {
        "AzureWebJobsStorage": storage,
        "AzureFunctionsWebHost__hostid": f"tests{number}",
        "IN_QUEUE": f"host-in-{number}",
        "OUT_QUEUE": f"host-out-{number}",
        "SCHEDULE": "0 0 0 29 2 *",
    }


@pytest.fixture(scope="session")
def python313() -> Path:
    """An interpreter of the newest version that the host is for, with what the local stack needs."""
    if sys.version_info >= (3, 13):
        return Path(sys.executable)
    found = environment.find_python("3.13")
    if found is None:
        pytest.skip("there is no Python 3.13 on this machine")
    return environment.ensure("local", ROOT / "infra" / "local" / "requirements.txt", python=found)
