"""When timers come, and what they are told."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest
from azure.storage.blob import BlobServiceClient
from typing_extensions import override

from infra.local.functions_host.functions import Binding, Function
from infra.local.functions_host.ncrontab import Schedule, schedule
from infra.local.functions_host.schedule_status import ScheduleStatus, after_run
from infra.local.functions_host.timer_trigger import TimerTrigger, is_monitored
from tests.infra.functions_host.running import eventually, running_host
from tests.infra.functions_host.sample_app import FUNCTION_APP, noted, write_app

CONTAINER = "azure-webjobs-hosts"
HOURLY = "0 0 * * * *"


def store(settings: dict[str, str], status: dict[str, str]) -> None:
    with BlobServiceClient.from_connection_string(settings["AzureWebJobsStorage"]) as service:
        container = service.get_container_client(CONTAINER)
        if not container.exists():
            container.create_container()
        container.upload_blob(_name(settings), json.dumps(status))


def stored(settings: dict[str, str]) -> dict[str, Any] | None:
    with BlobServiceClient.from_connection_string(settings["AzureWebJobsStorage"]) as service:
        blob = service.get_blob_client(CONTAINER, _name(settings))
        status: dict[str, Any] | None = json.loads(blob.download_blob().readall()) if blob.exists() else None
        return status


def _name(settings: dict[str, str]) -> str:
    return f"timers/{settings['AzureFunctionsWebHost__hostid']}/Host.Functions.tick/status"


def hours_ago(hours: int) -> str:
    whole = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return (whole - timedelta(hours=hours)).isoformat()


def test_a_timer_comes_on_schedule(app: Path, settings: dict[str, str]) -> None:
    """Every second, once; schedules as quick as that are not remembered."""
    with running_host(app, settings | {"SCHEDULE": "* * * * * *"}):
        first, second = eventually(lambda: noted(app)[:2] if len(noted(app)) > 1 else None)
    told = {"past_due": False, "status": {}, "schedule": {"AdjustForDST": True}}
    assert first == second == told
    assert stored(settings) is None


def test_a_missed_run_is_made_up_once(app: Path, settings: dict[str, str]) -> None:
    """However many occurrences were missed: one run at the start, past due, told of the missed one."""
    status = {"Last": hours_ago(6), "Next": hours_ago(5), "LastUpdated": hours_ago(6)}
    store(settings, status)
    settings |= {"SCHEDULE": HOURLY}
    with running_host(app, settings):
        (given,) = eventually(lambda: noted(app))
        kept = eventually(lambda: (now := stored(settings)) and now["Last"] > status["Next"] and now)
    assert given == {"past_due": True, "status": status, "schedule": {"AdjustForDST": True}}
    assert kept["Next"] > datetime.now(UTC).isoformat()
    assert len(noted(app)) == 1


def test_the_first_start_is_remembered(app: Path, settings: dict[str, str]) -> None:
    """What is missed before the first run ever is past due as well: the next run is kept from the first start on."""
    settings |= {"SCHEDULE": HOURLY}
    with running_host(app, settings):
        kept = eventually(lambda: stored(settings))
    assert kept["Next"] > datetime.now(UTC).isoformat()
    assert noted(app) == []


def test_a_changed_schedule_is_not_past_due(app: Path, settings: dict[str, str]) -> None:
    """What the old schedule would have run is not made up."""
    store(settings, {"Last": hours_ago(6), "Next": hours_ago(4), "LastUpdated": hours_ago(6)})
    with running_host(app, settings | {"SCHEDULE": "0 0 0 29 2 *"}):
        eventually(lambda: (now := stored(settings)) and now["Next"] > datetime.now(UTC).isoformat())
    assert noted(app) == []


def timer(call: Callable[..., Any], **settings: Any) -> Function:
    return Function("tick", call, Binding("timerTrigger", "timer", settings), ())


@pytest.mark.parametrize(
    ("text", "settings", "expected"),
    [
        ("0 * * * * *", {}, True),
        ("0 * * * * *", {"useMonitor": True}, True),
        ("0 * * * * *", {"useMonitor": False}, False),
        ("*/30 * * * * *", {"useMonitor": True}, False),
        ("*/59 * * * * *", {}, False),
        ("0 0 0 29 2 *", {}, True),
    ],
)
def test_what_comes_more_than_once_a_minute_is_not_remembered(
    text: str, settings: dict[str, Any], *, expected: bool
) -> None:
    """Whatever use_monitor says; once a minute is remembered, unless the app does not want it."""
    assert (
        is_monitored(timer(print, **settings), schedule(text), now=datetime(2026, 11, 23, 12, tzinfo=UTC)) is expected
    )


class Memory:
    """Keeps the status where a test sees it."""

    def __init__(self, status: ScheduleStatus | None) -> None:
        self.status = status

    async def load(self) -> ScheduleStatus | None:
        return self.status

    async def save(self, status: ScheduleStatus) -> None:
        self.status = status


async def write_nothing(_: object) -> None:
    """These functions have no outputs."""


async def test_a_past_due_run_is_the_start_up_run_too_and_counts_though_it_fails() -> None:
    """One run where both are due; what it missed is made up then, whatever became of it."""
    told: list[bool] = []
    waiting = asyncio.Event()

    async def tick(timer: func.TimerRequest) -> None:
        told.append(timer.past_due)
        raise asyncio.CancelledError

    class Noticing(Memory):
        @override
        async def save(self, status: ScheduleStatus) -> None:
            await super().save(status)
            if told:
                waiting.set()

    long_ago = datetime.now(UTC) - timedelta(days=400)
    daily = schedule("0 0 0 * * *")
    memory = Noticing(after_run(long_ago, daily))
    began = datetime.now(UTC)
    loop = asyncio.create_task(TimerTrigger(timer(tick, runOnStartup=True), daily, memory, write_nothing).run())
    async with asyncio.timeout(20):
        await waiting.wait()
    loop.cancel()
    assert told == [True]
    assert memory.status is not None
    assert memory.status.last >= began
    assert memory.status.next == daily.after(memory.status.last)


class Often(Schedule):
    @override
    def after(self, moment: datetime) -> datetime:
        return moment + timedelta(milliseconds=1)


async def test_runs_never_overlap() -> None:
    """A run that outlasts its period is followed at once by the next, which is not past due."""
    told: list[bool] = []
    running: list[int] = []
    enough = asyncio.Event()

    async def tick(timer: func.TimerRequest) -> None:
        running.append(1)
        await asyncio.sleep(0.005)
        assert running == [1]
        running.pop()
        told.append(timer.past_due)
        if len(told) == 20:
            enough.set()

    every: frozenset[int] = frozenset()
    loop = asyncio.create_task(TimerTrigger(timer(tick), Often(*[every] * 6), None, write_nothing).run())
    async with asyncio.timeout(20):
        await enough.wait()
    loop.cancel()
    assert told[:20] == [False] * 20


def test_run_on_startup(tmp_path: Path, settings: dict[str, str]) -> None:
    """Runs at once, not past due."""
    app = write_app(tmp_path / "app", code=FUNCTION_APP.replace("run_on_startup=False", "run_on_startup=True"))
    with running_host(app, settings):
        assert not eventually(lambda: noted(app))[0]["past_due"]


def test_a_failing_timer_comes_again(tmp_path: Path, settings: dict[str, str]) -> None:
    """The failure is in the log, and the schedule goes on."""
    app = write_app(tmp_path / "app", code=FUNCTION_APP + "    raise ValueError('every time')\n")
    with running_host(app, settings | {"SCHEDULE": "* * * * * *"}) as host:
        eventually(lambda: len(noted(app)) > 1)
        assert "every time" in host.log()


def test_a_timer_returns_nothing(tmp_path: Path, settings: dict[str, str]) -> None:
    """A value that no binding takes fails the invocation, as in Microsoft's worker."""
    code = FUNCTION_APP.replace("run_on_startup=False", "run_on_startup=True") + "    return 'something'\n"
    with running_host(write_app(tmp_path / "app", code=code), settings) as host:
        eventually(lambda: "has no $return binding" in host.log())
