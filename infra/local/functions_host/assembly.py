"""Puts the triggers of an app together, over the storage that its bindings name.

What needs the storage clients is imported here, and only for an app that needs it: half a second of the start.
"""
# ruff: noqa: PLC0415

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from infra.local.functions_host.accounts import account_of
from infra.local.functions_host.app_settings import readable
from infra.local.functions_host.functions import HTTP, QUEUE, TIMER, Function
from infra.local.functions_host.host_json import HostJson
from infra.local.functions_host.http_trigger import HttpTriggers, Write
from infra.local.functions_host.invocation import Output
from infra.local.functions_host.keys import Keys
from infra.local.functions_host.timer_trigger import TimerTrigger, is_monitored, schedule_of


class Runs(Protocol):
    async def run(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Triggers:
    http: HttpTriggers
    loops: list[Runs]


async def assembled(
    functions: list[Function], settings: HostJson, keys: Keys, resources: contextlib.AsyncExitStack
) -> Triggers:
    """Raises HostError where a connection or a schedule cannot be had. `resources` closes what it opened."""
    loops: list[Runs] = []
    write: Write = _write_nothing
    if any(binding.kind in {QUEUE, "queue"} for each in functions for binding in (each.trigger, *each.outputs)):
        loops, write = await _over_queues(functions, settings, resources)
    loops += [_timer(each, write, resources) for each in functions if each.trigger.kind == TIMER]
    http = [each for each in functions if each.trigger.kind == HTTP]
    return Triggers(HttpTriggers(http, prefix=settings.route_prefix, keys=keys, write=write), loops)


async def _over_queues(
    functions: list[Function], settings: HostJson, resources: contextlib.AsyncExitStack
) -> tuple[list[Runs], Write]:
    from infra.local.functions_host.queue_output import QueueOutputs
    from infra.local.functions_host.queue_trigger import QueueTrigger
    from infra.local.functions_host.storage import Queues

    queues = await resources.enter_async_context(Queues())
    outputs = QueueOutputs(queues, is_base64=settings.queues.is_base64)
    triggered = [each for each in functions if each.trigger.kind == QUEUE]
    return [QueueTrigger(each, queues, settings.queues, outputs) for each in triggered], outputs.write


def _timer(function: Function, write: Write, resources: contextlib.AsyncExitStack) -> TimerTrigger:
    schedule = schedule_of(function)
    if not is_monitored(function, schedule, now=datetime.now(UTC)):
        return TimerTrigger(function, schedule, None, write)
    from infra.local.functions_host.status_store import BlobStatusStore

    with readable("Storage"):
        store = BlobStatusStore(account_of("Storage"), function.name)
    resources.push_async_callback(store.close)
    return TimerTrigger(function, schedule, store, write)


async def _write_nothing(outputs: Iterable[Output]) -> None:
    """An app without queue outputs has nothing to write."""
