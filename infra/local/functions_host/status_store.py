"""Keeps a timer's schedule status in a blob, where the Functions host keeps it."""

import contextlib
import json
import logging
import os

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient

from infra.local.functions_host.accounts import Account
from infra.local.functions_host.schedule_status import ScheduleStatus, read_status

CONTAINER = "azure-webjobs-hosts"

_log = logging.getLogger("host.timer")


class BlobStatusStore:
    """A storage that fails is noted, and the timer goes on without memory."""

    def __init__(self, account: Account, function: str) -> None:
        self._identity = None if account.connection_string else account.identity()
        # The client's own retries would hide a dead account for more than a minute.
        if self._identity:
            self._service = BlobServiceClient(account.blob_url, self._identity, retry_total=0)
        else:
            self._service = BlobServiceClient.from_connection_string(account.connection_string, retry_total=0)
        host = os.environ.get("AzureFunctionsWebHost__hostid", "local")  # noqa: SIM112 - the host's own spelling
        self._blob = self._service.get_blob_client(CONTAINER, f"timers/{host}/Host.Functions.{function}/status")

    async def load(self) -> ScheduleStatus | None:
        try:
            return read_status(await (await self._blob.download_blob()).readall())
        except ResourceNotFoundError:
            return None
        except AzureError as error:
            _log.warning("The status of a timer cannot be read: %s", type(error).__name__)
            return None

    async def save(self, status: ScheduleStatus) -> None:
        try:
            await self._upload(json.dumps(status.described()))
        except AzureError as error:
            _log.warning("The status of a timer cannot be kept: %s", type(error).__name__)

    async def close(self) -> None:
        await self._service.close()
        if self._identity:
            await self._identity.close()

    async def _upload(self, text: str) -> None:
        try:
            await self._blob.upload_blob(text, overwrite=True)
        except ResourceNotFoundError:
            with contextlib.suppress(ResourceExistsError):
                await self._service.create_container(CONTAINER)
            await self._blob.upload_blob(text, overwrite=True)
