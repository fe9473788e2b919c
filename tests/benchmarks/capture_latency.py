"""How long a capture takes over HTTP: `python -m tests.benchmarks.capture_latency [--captures 120] [--dynamics-ms 60]`.

The app on the local host with Azurite and the simulated Dynamics, each in a process of its own, as is whoever posts.
Beside it, asked in the same rounds, `naive_sync` answers the same captures with nothing durable. What is one request
to Dynamics costs less than the machine's mood here and much more over a distance, so the requests are counted too, and
`--dynamics-ms` makes each take longer. Run on request; the numbers of one run are comparable with each other only.
"""

import argparse
import contextlib
import itertools
import multiprocessing
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from infra.local.stack import ROOT, Stack, host_process, stack
from tests.benchmarks.capture_kinds import (
    KINDS,
    Kind,
    Person,
    delay_dynamics,
    requests_to_dynamics,
    seed_contact,
    set_up,
)

ROUNDS = 4
# On a busy machine a capture may take long: that is measured, not answered with 202.
PATIENT = {"CAPTURE_DEADLINE_SECONDS": "60", "DELIVERY_GRACE_SECONDS": "60"}
AT_ONCE = (1, 8)
_people = (Person(f"p{number}") for number in itertools.count(1))


@dataclass(frozen=True, slots=True)
class Post:
    url: str
    key: str
    body: dict[str, Any]


@dataclass
class Measured:
    """Milliseconds of each capture, and the requests that went to Dynamics for all of them."""

    milliseconds: list[float] = field(default_factory=list)
    requests: int = 0

    def at(self, percent: int) -> float:
        return statistics.quantiles(self.milliseconds, n=100, method="inclusive")[percent - 1]


@dataclass(frozen=True)
class Bench:
    """Where captures are posted, and the process that posts them."""

    running: Stack
    sender: Executor
    app: str
    naive: str

    def measure(self, kind: Kind, url: str, at_once: int, captures: int) -> Measured:
        people = list(itertools.islice(_people, captures))
        self._prepare(kind, url, people)
        before = requests_to_dynamics(self.running)
        posts = [self._post(url, kind, person.capture(kind)) for person in people]
        milliseconds = self.sender.submit(send, posts, at_once, self._expected(kind, url)).result()
        return Measured(milliseconds, requests_to_dynamics(self.running) - before)

    def _prepare(self, kind: Kind, url: str, people: Sequence[Person]) -> None:
        if kind.before == "captured":
            posts = [self._post(url, kind, person.first()) for person in people]
            self.sender.submit(send, posts, max(AT_ONCE), "created").result()
        for person in people if kind.before == "contact" else ():
            seed_contact(self.running, person)

    def _expected(self, kind: Kind, url: str) -> str:
        """Who keeps nothing in mind writes what is there already."""
        return "updated" if url == self.naive and kind.outcome == "unchanged" else kind.outcome

    def _post(self, url: str, kind: Kind, body: dict[str, Any]) -> Post:
        return Post(f"{url}/api/capture/{kind.action}", self.running.key, body)


def send(posts: Sequence[Post], at_once: int, expected: str) -> list[float]:
    """Milliseconds of each, over connections that are kept; each must end as expected."""
    own = threading.local()

    def timed(post: Post) -> float:
        if not hasattr(own, "client"):
            own.client = httpx.Client(timeout=60, headers={"x-functions-key": post.key})
        began = time.perf_counter()
        answer = own.client.post(post.url, json=post.body)
        took = time.perf_counter() - began
        if not answer.headers.get("content-type", "").startswith("application/json"):
            raise RuntimeError(f"{answer.status_code} and no JSON: {answer.text!r}")
        if answer.json().get("outcome") != expected:
            raise RuntimeError(f"{answer.status_code} {answer.text}, not {expected}")
        return took * 1000

    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(timed, posts))


# --- The parts --------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _bench() -> Iterator[tuple[Bench, int]]:
    """With the id of the app's process."""
    with contextlib.ExitStack() as parts:
        running = parts.enter_context(stack(port=0, settings=PATIENT))
        set_up(running)
        log = parts.enter_context(Path(os.devnull).open("w"))
        host = host_process(ROOT, port=0, key=running.key, settings=running.settings, log=log)
        process, app = parts.enter_context(host)
        naive = parts.enter_context(_naive(running))
        spawned = multiprocessing.get_context("spawn")
        sender = parts.enter_context(ProcessPoolExecutor(1, mp_context=spawned))
        yield Bench(running, sender, app, naive), process.pid


@contextlib.contextmanager
def _naive(running: Stack) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.benchmarks.naive_sync", running.dynamics.url, running.dynamics_token]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


def _cpu_seconds(pid: int) -> float:
    """User and system time of a process; 0 where the system does not tell."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- The run ----------------------------------------------------------------------------------------------------------


def main() -> None:
    arguments = _arguments()
    with _bench() as (bench, pid):
        for kind in KINDS:  # connections, tokens and names are remembered from here on
            for url in (bench.app, bench.naive):
                bench.measure(kind, url, max(AT_ONCE), 8)
        delay_dynamics(bench.running, arguments.dynamics_ms)
        print(f"Each request to Dynamics takes {arguments.dynamics_ms:g} ms longer than the simulator needs.")
        for at_once in AT_ONCE:
            _compare(bench, at_once, arguments.captures)
        _print_cpu(bench, pid, arguments.captures)


def _compare(bench: Bench, at_once: int, captures: int) -> None:
    """Milliseconds of the app and of the naive one, and the ratio of their medians."""
    print(f"\n{f'{at_once} at once':<24}{'p50':>8}{'p95':>8}{'requests':>10}{'naive p50':>12}{'p95':>8}", end="")
    print(f"{'requests':>10}{'ratio':>8}")
    for kind in KINDS:
        app, naive = _in_rounds(bench, kind, at_once, captures // ROUNDS)
        print(
            f"{kind.name:<24}{app.at(50):>8.1f}{app.at(95):>8.1f}{app.requests / len(app.milliseconds):>10.1f}"
            f"{naive.at(50):>12.1f}{naive.at(95):>8.1f}{naive.requests / len(naive.milliseconds):>10.1f}"
            f"{app.at(50) / naive.at(50):>8.2f}",
            flush=True,
        )


def _in_rounds(bench: Bench, kind: Kind, at_once: int, captures: int) -> tuple[Measured, Measured]:
    """Both in turns, so that both meet the machine in every mood."""
    app, naive = Measured(), Measured()
    for _ in range(ROUNDS):
        for url, total in ((bench.app, app), (bench.naive, naive)):
            measured = bench.measure(kind, url, at_once, captures)
            total.milliseconds += measured.milliseconds
            total.requests += measured.requests
    return app, naive


def _print_cpu(bench: Bench, pid: int, captures: int) -> None:
    """The app's own work for a new person, wherever Dynamics and storage are."""
    before = _cpu_seconds(pid)
    bench.measure(KINDS[0], bench.app, 1, captures)
    used = _cpu_seconds(pid) - before
    print(f"\nThe app's own CPU for a new person: {used / captures * 1000:.1f} ms")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.capture_latency")
    parser.add_argument("--captures", type=int, default=120, metavar="N", help="of each kind")
    parser.add_argument("--dynamics-ms", type=float, default=0.0, metavar="MS")
    return parser.parse_args()


if __name__ == "__main__":
    main()
