"""What telemetry costs: `python -m tests.benchmarks.telemetry_cost [--captures 200] [--rounds 4]`.

Captures a second of the worker's CPU time (so neither waiting nor a busy machine counts), over the local stack, with
telemetry off, and with spans made, cleaned and batched as on their way to Azure Monitor, but sent nowhere. Rounds
alternate, each in a process of its own. Run on request.
"""

import argparse
import asyncio
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any

from infra.local import story
from infra.local.stack import ROOT, stack

WARM_UP = 20
_activities = itertools.count(8_000_000)


async def _worker(plan: dict[str, Any]) -> float:
    """Captures a CPU second, once everything is warm."""
    import azure.functions as func

    import function_app
    from infra.local.functions_host.context import Context, new_trace

    await function_app.start.ready()
    if plan["telemetry"]:
        _listen()
    functions = {each.get_function_name(): each.get_user_function() for each in function_app.app.get_functions()}
    began = 0.0
    for number, body in enumerate(plan["captures"]):
        if number == WARM_UP:
            began = time.process_time()
        request = func.HttpRequest(
            method="POST",
            url="http://localhost/api/capture/booth",
            headers={"content-type": "application/json"},
            route_params={"action": "booth"},
            body=json.dumps(body).encode(),
        )
        answer = await functions["capture"](request, Context("capture", str(ROOT), new_trace()))
        assert answer.status_code == 200, answer.get_body()
    return (len(plan["captures"]) - WARM_UP) / (time.process_time() - began)


def _listen() -> None:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON

    from core.trace_export import Exported
    from core.tracing import listen

    spans = TracerProvider(sampler=ALWAYS_ON)
    spans.add_span_processor(BatchSpanProcessor(InMemorySpanExporter()))
    listen(Exported(spans, MeterProvider([InMemoryMetricReader()])))


def _round(settings: dict[str, str], captures: int, *, telemetry: bool) -> float:
    bodies = [story.sample_capture(next(_activities)) for _ in range(captures + WARM_UP)]
    plan = json.dumps({"telemetry": telemetry, "captures": bodies})
    command = [sys.executable, "-m", "tests.benchmarks.telemetry_cost", "--worker"]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **settings}, input=plan, stdout=subprocess.PIPE, text=True, check=True
    )
    return float(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--captures", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        print(asyncio.run(_worker(json.load(sys.stdin))), flush=True)
        os._exit(0)  # as the host ends it
    measured: dict[bool, list[float]] = {False: [], True: []}
    with stack(port=0) as running:
        story.set_up(running, lambda _: None)
        for _ in range(given.rounds):
            for telemetry, rates in measured.items():
                rates.append(_round(dict(running.settings), given.captures, telemetry=telemetry))
    off, on = (statistics.median(measured[telemetry]) for telemetry in (False, True))
    print(f"captures a CPU second, medians of {given.rounds}: {off:.1f} without telemetry, {on:.1f} with it")
    print(f"one capture costs {1000 / off:.1f} ms without, {1000 / on:.1f} ms with it ({(off / on - 1) * 100:+.0f} %)")


if __name__ == "__main__":
    main()
