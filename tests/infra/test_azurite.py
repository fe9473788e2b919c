"""Azurite starts by itself, keeps what it should, and leaves no process behind."""

import contextlib
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from azure.core.exceptions import ServiceRequestError
from azure.data.tables import TableServiceClient
from azure.storage.queue import QueueClient

from infra.local.azurite import Storage, azurite

TELL_AND_WAIT = """
import pathlib, sys
from infra.local.azurite import azurite
with azurite(pathlib.Path(sys.argv[1])) as storage:
    print(storage.table_url, flush=True)
    sys.stdin.read()
"""


def table_names(storage: Storage) -> list[str]:
    with TableServiceClient.from_connection_string(storage.connection_string, retry_total=0) as tables:
        return [table.name for table in tables.list_tables()]


def create_table(storage: Storage, name: str) -> None:
    with TableServiceClient.from_connection_string(storage.connection_string) as tables:
        tables.create_table(name)


def test_unmodified_clients_work(azurite_server: Storage) -> None:
    """Tables and queues answer the newest clients, whose service version the emulator does not know."""
    create_table(azurite_server, "azuritetest")
    assert "azuritetest" in table_names(azurite_server)
    with QueueClient.from_connection_string(azurite_server.connection_string, "azurite-test") as queue:
        queue.create_queue()
        queue.send_message("hello")
        assert [message.content for message in queue.receive_messages(max_messages=1)] == ["hello"]


def test_stops_after_an_exception(node: Path) -> None:
    """Whatever ends the block, the emulator is gone after it."""
    with pytest.raises(RuntimeError, match="ours"), azurite(node) as storage:
        raise RuntimeError("ours")
    with pytest.raises(ServiceRequestError):
        table_names(storage)


def test_memory_forgets_and_two_run_at_once(node: Path, azurite_server: Storage) -> None:
    """Each emulator has free ports and a memory of its own."""
    with azurite(node) as storage:
        assert storage.table_url != azurite_server.table_url
        assert table_names(storage) == []


def test_disk_keeps(node: Path, tmp_path: Path) -> None:
    """What was written right before the end is there at the next start from the same folder."""
    with azurite(node, data=tmp_path / "new" / "storage") as storage:
        create_table(storage, "kept")
    with azurite(node, data=tmp_path / "new" / "storage") as storage:
        assert table_names(storage) == ["kept"]


def test_failure_to_start_is_explained(node: Path, tmp_path: Path) -> None:
    """When the emulator ends before it listens, the error says what it printed."""
    broken = tmp_path / "node"
    broken.write_text("#!/bin/sh\necho no memory left\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(RuntimeError, match="no memory left"), azurite(broken):
        pass


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_dies_with_its_parent(node: Path, how: signal.Signals) -> None:
    """However the process ends that started it, the emulator ends too, even with a connection open to it."""
    command = [sys.executable, "-c", TELL_AND_WAIT, str(node)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        assert parent.stdout
        address = urlsplit(parent.stdout.readline())
        assert address.port
        with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
            parent.send_signal(how)
            assert ended(connection)


def ended(connection: socket.socket) -> bool:
    """Wait until the other side is gone; a timeout is an error."""
    with contextlib.suppress(ConnectionResetError):
        assert connection.recv(1) == b""
    return True
