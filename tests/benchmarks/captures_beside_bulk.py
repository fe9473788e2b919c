"""How long captures take while a bulk action runs: `python -m tests.benchmarks.captures_beside_bulk [--people 3000]`.

One host carries out both. Captures come at a steady rate, whether or not those before are answered, and count from the
moment they were due; first alone, then while bulk runs on the same connection. Beside it how long that bulk action
takes with and without them. Dynamics takes its time as in `bulk_sync`. Run on request; the numbers of one run are
comparable with each other only.
"""

import argparse
import contextlib
import itertools
import multiprocessing
import os
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from typing import Any, Final

import httpx

from infra.local import story
from tests.benchmarks.bulk_app import App, add_tables_option, idle_stack
from tests.benchmarks.bulk_crm import LATENCY, Crm
from tests.benchmarks.bulk_people import MIXES, people
from tests.benchmarks.capture_kinds import KINDS, Person

_WAITING_MOST: Final = 64
_ALONE: Final = 60
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Answered:
    """What one capture took from the moment it was due, and how it ended: `202` is "will go on by itself"."""

    milliseconds: float
    status: int


@dataclass(frozen=True, slots=True)
class Rate:
    url: str
    key: str
    seconds_between: float


# --- The process that posts ------------------------------------------------------------------------------------------


def post_steadily(rate: Rate, bodies: Sequence[dict[str, Any]], stop: Event, answered: "Queue[list[Answered]]") -> None:
    """One after the other in time, until there are no more or it is told to stop."""
    own = threading.local()

    def timed(due: float, body: dict[str, Any]) -> Answered:
        if not hasattr(own, "client"):
            own.client = httpx.Client(timeout=60, headers={"x-functions-key": rate.key})
        answer = own.client.post(f"{rate.url}/api/capture/{story.ACTION}", json=body)
        return Answered((time.perf_counter() - due) * 1000, answer.status_code)

    with ThreadPoolExecutor(_WAITING_MOST) as pool:
        began, sent = time.perf_counter(), []
        for number, body in enumerate(bodies):
            due = began + number * rate.seconds_between
            if stop.wait(max(0.0, due - time.perf_counter())):
                break
            sent.append(pool.submit(timed, due, body))
        answered.put([each.result() for each in sent])


class Posting:
    """Captures on their way, from a process of its own."""

    def __init__(self, stop: Event, answers: "Queue[list[Answered]]") -> None:
        self._stop = stop
        self._answers = answers

    def until_over(self) -> list[Answered]:
        return self._answers.get()

    def stopped(self) -> list[Answered]:
        self._stop.set()
        return self.until_over()


@contextlib.contextmanager
def posting(rate: Rate, count: int) -> Iterator[Posting]:
    spawned = multiprocessing.get_context("spawn")
    stop, answers = spawned.Event(), spawned.Queue()
    bodies = [Person(f"beside{os.getpid()}x{next(_numbers)}").capture(KINDS[0]) for _ in range(count)]
    process = spawned.Process(target=post_steadily, args=(rate, bodies, stop, answers), daemon=True)
    process.start()
    try:
        yield Posting(stop, answers)
    finally:
        process.join()


# --- The comparison --------------------------------------------------------------------------------------------------


def main() -> None:
    arguments = _arguments()
    mix = MIXES[arguments.mix]
    with contextlib.ExitStack() as parts:
        running = parts.enter_context(idle_stack(arguments.tables))
        crm, app = Crm(running.dynamics.url, running.dynamics_token), App(running, 1)
        app.set_up()
        without, beside = (people(mix, arguments.people, f"beside{os.getpid()}{name}") for name in "ab")
        for everybody in (without, beside):
            crm.fill(everybody)
        with app.hosts(without[0]) as [(_, url)]:
            rate = Rate(url, running.key, arguments.every_ms / 1000)
            with posting(rate, _ALONE) as warming:
                warming.until_over()
            crm.order("latency", LATENCY)
            print(f"{'':<20}{'captures':>10}{'p50':>8}{'p95':>8}{'most':>8}{'202s':>6}{'bulk a second':>15}")
            with posting(rate, _ALONE) as captures:
                _print("captures alone", captures.until_over(), "")
            began = time.perf_counter()
            app.carry_out(url, without)
            alone = arguments.people / (time.perf_counter() - began)
            _print("bulk alone", [], f"{alone:.1f}")
            with posting(rate, arguments.people) as captures:
                began = time.perf_counter()
                app.carry_out(url, beside)
                both = arguments.people / (time.perf_counter() - began)
                _print("captures beside bulk", captures.stopped(), f"{both:.1f}")


def _print(name: str, answered: Sequence[Answered], bulk: str) -> None:
    print(f"{name:<20}{len(answered):>10}{_milliseconds(answered)}{bulk:>15}", flush=True)


def _milliseconds(answered: Sequence[Answered]) -> str:
    if not answered:
        return f"{'':>30}"
    if wrong := [each.status for each in answered if each.status not in (200, 202)]:
        raise RuntimeError(f"{wrong} of {len(answered)} captures")
    took = [each.milliseconds for each in answered]
    percents = statistics.quantiles(took, n=100, method="inclusive")
    later = sum(each.status == httpx.codes.ACCEPTED for each in answered)
    return f"{percents[49]:>8.0f}{percents[94]:>8.0f}{max(took):>8.0f}{later:>6}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.captures_beside_bulk")
    parser.add_argument("--people", type=int, default=3000, metavar="N", help="of the bulk action")
    parser.add_argument("--every-ms", type=float, default=250.0, metavar="MS", help="a capture comes")
    parser.add_argument("--mix", type=int, default=0, choices=range(len(MIXES)))
    add_tables_option(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
