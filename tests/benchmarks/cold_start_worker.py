"""A worker that is just starting, for `cold_start`: it imports nothing that production's would not."""

import asyncio
import json
import os
import sys
import time
from types import SimpleNamespace
from typing import Any

# What a capture reads of its context; the host's own class would be an import more.
CONTEXT: Any = SimpleNamespace(trace_context=SimpleNamespace(trace_parent=""))


async def worked(plan: dict[str, Any]) -> list[tuple[float, float]]:
    """As the worker does it: CPU and wall milliseconds of each step."""
    began = _clocks()
    import azure.functions as func  # this import is what is measured

    took = [_since(began)]
    began = _clocks()
    import function_app  # as above

    functions = {each.get_function_name(): each.get_user_function() for each in function_app.app.get_functions()}
    took.append(_since(began))
    if plan["later"]:
        await function_app.start.ready()
    for body in plan["captures"]:
        request = func.HttpRequest(
            method="POST",
            url="http://localhost/api/capture/booth",
            headers={"content-type": "application/json"},
            route_params={"action": "booth"},
            body=json.dumps(body).encode(),
        )
        began = _clocks()
        answer = await functions["capture"](request, CONTEXT)
        took.append(_since(began))
        assert answer.status_code == 200, answer.get_body()
    return took


def _clocks() -> tuple[float, float]:
    return time.thread_time(), time.perf_counter()


def _since(began: tuple[float, float]) -> tuple[float, float]:
    cpu, wall = _clocks()
    return (cpu - began[0]) * 1000, (wall - began[1]) * 1000


if __name__ == "__main__":
    print(json.dumps(asyncio.run(worked(json.load(sys.stdin)))), flush=True)
    os._exit(0)  # as the host ends it
