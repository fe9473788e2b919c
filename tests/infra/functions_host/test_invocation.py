"""One call of a function: what it is given, what counts as its failure."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest
from azure.functions.meta import Datum

from infra.local.functions_host.context import TraceContext
from infra.local.functions_host.functions import Binding, Function
from infra.local.functions_host.invocation import invoke

TICK = Datum('{"IsPastDue": false}', "json")
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def ticked(call: Callable[..., Any]) -> Function:
    return Function("tick", call, Binding("timerTrigger", "timer", {}), ())


def in_a_thread(failure: BaseException) -> Callable[..., Any]:
    def tick(timer: func.TimerRequest) -> None:
        raise failure

    return tick


def in_the_loop(failure: BaseException) -> Callable[..., Any]:
    async def tick(timer: func.TimerRequest) -> None:
        raise failure

    return tick


@pytest.mark.parametrize("where", [in_a_thread, in_the_loop])
@pytest.mark.parametrize("failure", [ValueError(), SystemExit(3), StopIteration(), asyncio.CancelledError()])
async def test_whatever_a_function_raises_is_an_ordinary_failure(
    where: Callable[[BaseException], Callable[..., Any]], failure: BaseException
) -> None:
    """An exit, a cancellation of the app's own or StopIteration neither ends the host nor hangs it."""
    async with asyncio.timeout(20):
        with pytest.raises((ValueError, RuntimeError)):
            await invoke(ticked(where(failure)), TICK)


async def test_a_cancellation_from_outside_stays_one() -> None:
    """The host's own stop is not taken for a failure of the app."""
    started = asyncio.Event()

    async def tick(timer: func.TimerRequest) -> None:
        started.set()
        await asyncio.Event().wait()

    invocation = asyncio.create_task(invoke(ticked(tick), TICK))
    await started.wait()
    invocation.cancel()
    with pytest.raises(asyncio.CancelledError):
        await invocation


async def test_the_context_tells_of_the_invocation() -> None:
    """Name, folder, trace and attempt; every invocation has an id of its own."""
    told: list[Any] = []

    async def tick(timer: func.TimerRequest, context: func.Context) -> None:
        told.append(context)

    for _ in range(2):
        await invoke(ticked(tick), TICK, trace=TraceContext(PARENT, "a=1"))
    first, second = told
    assert (first.function_name, first.function_directory) == ("tick", str(Path(__file__).parent))
    assert (first.trace_context.trace_parent, first.trace_context.trace_state) == (PARENT, "a=1")
    assert (first.retry_context.retry_count, first.retry_context.max_retry_count) == (0, 0)
    assert len({first.invocation_id, second.invocation_id}) == 2


async def test_async_functions_share_the_loop_and_others_get_threads() -> None:
    """Two that wait for each other finish, in the loop as in threads."""
    met = asyncio.Barrier(2)
    met_in_threads = threading.Barrier(2, timeout=20)

    async def tick(timer: func.TimerRequest) -> None:
        await met.wait()

    def tick_in_thread(timer: func.TimerRequest) -> None:
        met_in_threads.wait()

    async with asyncio.timeout(20):
        await asyncio.gather(*(invoke(ticked(each), TICK) for each in (tick, tick, tick_in_thread, tick_in_thread)))
