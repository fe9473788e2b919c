"""The whole service on one machine: storage, simulated Entra, Key Vault and Dynamics, and the app on the local host.

Duty: start everything in order, give the app its settings (addresses are all that differs from Azure), stop
everything again. What is then shown to a person is `story`'s.
"""

import contextlib
import ctypes
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from core.storage.names import CONTAINERS, QUEUES, TABLES
from infra.local import nodejs
from infra.local.azurite import Storage, azurite
from infra.local.certificates import Certificates, create_certificates
from infra.local.dynamics import Dynamics, dynamics
from infra.local.entra import DEMO, IDENTITY_HEADER, Directory, demo_directory, entra_app
from infra.local.key_vault import key_vault_app
from infra.local.serve import served

ROOT = Path(__file__).resolve().parents[2]
HOST_START_SECONDS = 60.0
HOST_STOP_SECONDS = 10.0
_PARENT_DEATH_SIGNAL = 1  # prctl's PR_SET_PDEATHSIG


class StartError(Exception):
    """Something did not start; the message is for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Where everything is, and what opens it."""

    app: str
    key: str
    dynamics: Dynamics
    dynamics_token: str
    storage: Storage
    vault: str
    authority: str
    certificates: Certificates
    settings: Mapping[str, str]


@contextlib.contextmanager
def stack(
    *,
    port: int,
    data: Path | None = None,
    app_folder: Path = ROOT,
    settings: Mapping[str, str] | None = None,
    on_identity: bool = False,
    tables_url: str = "",
) -> Iterator[Stack]:
    """Everything, for as long as the block lasts. With `data` it is kept there; else it is gone afterwards.

    `settings` of the app win over the stack's own. `on_identity` as in Azure: the app and its host know no key of the
    storage account, and sign in with their managed identity. `tables_url`: of tables that stand in for Azurite's.
    """
    with contextlib.ExitStack() as parts:
        folder = data or Path(parts.enter_context(tempfile.TemporaryDirectory(prefix="captello-")))
        folder.mkdir(parents=True, exist_ok=True)
        certificates = create_certificates(folder / "certificates")
        directory = demo_directory()
        node, certificate = nodejs.node(Path(sys.executable)), certificates.server if on_identity else None
        storage = parts.enter_context(azurite(node, data=data and folder / "storage", certificate=certificate))
        storage = replace(storage, table_url=tables_url or storage.table_url)
        _make_storage(storage.connection_string, certificates)
        authority = parts.enter_context(_entra(directory, certificates.server))
        identity = parts.enter_context(_entra(directory, None))
        database = folder / "dynamics.sqlite" if data else None
        crm = parts.enter_context(
            dynamics(directory.verify, client_ids=(DEMO.client_id,), database=database, tenant_id=DEMO.tenant_id)
        )
        vault = parts.enter_context(_vault(directory, authority, certificates, data and folder / "vault.json"))
        key = _host_key(folder)
        account = _account_by_identity(storage) if on_identity else _account_by_key(storage)
        places = _settings(authority, identity, vault, crm.url, certificates)
        effective = {**account, **places, **(settings or {})}
        app = parts.enter_context(functions_host(app_folder, port=port, key=key, settings=effective))
        token = directory.issue(DEMO.tenant_id, DEMO.client_id, crm.url)
        yield Stack(app, key, crm, token, storage, vault, authority, certificates, effective)


def _entra(directory: Directory, certificate: Path | None) -> contextlib.AbstractContextManager[str]:
    """Credentials want https; the managed identity endpoint is plain http, as on App Service."""
    return served(lambda url: entra_app(directory, url), certificate=certificate)


def _vault(
    directory: Directory, authority: str, certificates: Certificates, data: Path | None
) -> contextlib.AbstractContextManager[str]:
    return served(
        lambda url: key_vault_app(directory, url, tenant_id=DEMO.tenant_id, authority=authority, data=data),
        certificate=certificates.server,
    )


def _make_storage(connection_string: str, certificates: Certificates) -> None:
    """What the template makes in Azure."""
    from azure.core.exceptions import ResourceExistsError  # noqa: PLC0415  # a fifth of a second, wanted only here
    from azure.data.tables import TableServiceClient  # noqa: PLC0415
    from azure.storage.blob import BlobServiceClient  # noqa: PLC0415
    from azure.storage.queue import QueueServiceClient  # noqa: PLC0415

    trust: Any = {"connection_verify": str(certificates.authority)}
    with TableServiceClient.from_connection_string(connection_string, **trust) as tables:
        for table in TABLES:
            tables.create_table_if_not_exists(table)
    with QueueServiceClient.from_connection_string(connection_string, **trust) as queues:
        for queue in QUEUES:
            with contextlib.suppress(ResourceExistsError):
                queues.create_queue(queue)
    with BlobServiceClient.from_connection_string(connection_string, **trust) as blobs:
        for container in CONTAINERS:
            with contextlib.suppress(ResourceExistsError):
                blobs.create_container(container)


def _host_key(folder: Path) -> str:
    """Kept with the data, so that a captured URL stays good."""
    file = folder / "host.key"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(32))
    return file.read_text()


def _account_by_key(storage: Storage) -> Mapping[str, str]:
    return {"AzureWebJobsStorage": storage.connection_string}


def _account_by_identity(storage: Storage) -> Mapping[str, str]:
    """As the template sets it, but for the addresses."""
    return {
        "AzureWebJobsStorage__blobServiceUri": storage.blob_url,
        "AzureWebJobsStorage__queueServiceUri": storage.queue_url,
        "AzureWebJobsStorage__tableServiceUri": storage.table_url,
        "AzureWebJobsStorage__credential": "managedidentity",
        "AzureWebJobsStorage__clientId": DEMO.identity_id,
    }


def _settings(
    authority: str, identity: str, vault: str, dynamics_url: str, certificates: Certificates
) -> Mapping[str, str]:
    """The app's settings; addresses and the identity endpoint are all that tells it where it runs."""
    return {
        "AZURE_AUTHORITY_HOST": authority,
        "AZURE_CLIENT_ID": DEMO.identity_id,
        "DYNAMICS_ALLOWED_ORIGINS": dynamics_url,
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "IDENTITY_ENDPOINT": f"{identity}/msi/token",
        "IDENTITY_HEADER": IDENTITY_HEADER,
        "KEY_VAULT_URL": vault,
        "KEY_VAULT_VERIFY_CHALLENGE": "false",
        "SSL_CERT_FILE": str(certificates.bundle),
        "WAKE_SCHEDULE": "*/5 * * * * *",
        "DELIVERY_GRACE_SECONDS": "15",
    }


@contextlib.contextmanager
def functions_host(
    app_folder: Path, *, port: int, key: str, settings: Mapping[str, str], log: IO[str] | None = None
) -> Iterator[str]:
    """The app on the local Functions host, in a process of its own; yields its URL. Raises StartError."""
    with host_process(app_folder, port=port, key=key, settings=settings, log=log) as (_, url):
        yield url


@contextlib.contextmanager
def host_process(
    app_folder: Path,
    *,
    port: int,
    key: str,
    settings: Mapping[str, str],
    log: IO[str] | None = None,
    python: str | Path = sys.executable,
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The same, with its process, for whoever wants to kill it, or to run it under another interpreter."""
    command = [str(python), "-m", "infra.local.functions_host"]
    command += ["--app", str(app_folder), "--port", str(port), f"--host-key={key}"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        start_new_session=True,  # Ctrl-C reaches us alone; the host stops before what it talks to
        preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509  # no threads of ours fork
    )
    with process:
        try:
            yield process, _started(process)
        finally:
            _stop(process)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGTERM)


def _started(process: subprocess.Popen[str]) -> str:
    """The host's URL, once it says that it accepts requests."""
    watch = threading.Timer(HOST_START_SECONDS, process.kill)
    watch.start()
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
    finally:
        watch.cancel()
    if not line.startswith("{"):
        process.wait()
        raise StartError("The local Functions host did not start; its own words are above.")
    return str(json.loads(line)["url"])


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(HOST_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
