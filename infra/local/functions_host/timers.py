"""Timer triggers: one loop for each function. What was missed while the host was down is made up once, as past due.

The status is kept where the Functions host keeps it, in the blob container `azure-webjobs-hosts`.
https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer
"""

import asyncio
import json
import logging
import uuid
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.functions.timer import TimerRequest
from azure.storage.blob.aio import BlobServiceClient

from infra.local.functions_host.index import Function
from infra.local.functions_host.ncrontab import Schedule

CONTAINER = "azure-webjobs-hosts"
_MONITORED_FROM = timedelta(minutes=1)

_log = logging.getLogger("host.timer")


class TimerStatus:
    """When a timer ran last and runs next, in a blob."""

    def __init__(self, blobs: BlobServiceClient, function: str) -> None:
        self._blobs = blobs
        self._name = f"timers/local/Host.Functions.{function}/status"

    async def read(self) -> dict[str, str] | None:
        try:
            blob = await self._blobs.get_container_client(CONTAINER).download_blob(self._name)
            status: dict[str, str] = json.loads(await blob.readall())
        except ResourceNotFoundError:
            return None
        return status

    async def write(self, last: datetime, following: datetime) -> dict[str, str]:
        container = self._blobs.get_container_client(CONTAINER)
        status = {"Last": last.isoformat(), "Next": following.isoformat(), "LastUpdated": last.isoformat()}
        try:
            await container.upload_blob(self._name, json.dumps(status), overwrite=True)
        except ResourceNotFoundError:
            await _made(container)
            await container.upload_blob(self._name, json.dumps(status), overwrite=True)
        return status


async def _made(container: object) -> None:
    try:
        await container.create_container()  # type: ignore[attr-defined]
    except ResourceExistsError:
        return


class TimerLoop:
    def __init__(self, function: Function, schedule: Schedule, status: TimerStatus) -> None:
        self._function = function
        self._schedule = schedule
        self._status = status if self._is_monitored() else None

    def _is_monitored(self) -> bool:
        """Off where it was switched off, and for schedules that come more often than every minute."""
        first = self._schedule.after(datetime.now(UTC))
        often = self._schedule.after(first) - first < _MONITORED_FROM
        return bool(self._function.trigger.get("useMonitor", True)) and not often

    async def run(self) -> None:
        """Runs until cancelled, one invocation at a time."""
        known = await self._known()
        now = datetime.now(UTC)
        missed = known is not None and now > datetime.fromisoformat(known["Next"])
        if missed or self._function.trigger.get("runOnStartup"):
            await self._invoke(past_due=missed, status=known)
        following = self._schedule.after(now)
        while True:
            await asyncio.sleep(max(0.0, (following - datetime.now(UTC)).total_seconds()))
            began = max(datetime.now(UTC), following)
            await self._invoke(past_due=False, status=known)
            following = self._schedule.after(began)
            known = await self._noted(began, following)

    async def _invoke(self, *, past_due: bool, status: dict[str, str] | None) -> None:
        request = TimerRequest(past_due=past_due, schedule_status=status, schedule={"AdjustForDST": True})
        context = SimpleNamespace(invocation_id=str(uuid.uuid4()), function_name=self._function.name)
        try:
            await self._function.invoke(request, context=context)
        except Exception:  # noqa: BLE001  # whatever an app raises, the next occurrence comes
            _log.exception("%s failed; its schedule goes on", self._function.name)

    async def _known(self) -> dict[str, str] | None:
        try:
            return await self._status.read() if self._status else None
        except AzureError:
            return None

    async def _noted(self, began: datetime, following: datetime) -> dict[str, str] | None:
        try:
            return await self._status.write(began, following) if self._status else None
        except AzureError as error:
            _log.warning("the status of %s was not kept: %s", self._function.name, type(error).__name__)
            return None
