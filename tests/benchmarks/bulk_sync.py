"""Bulk sync beside what others do: `python -m tests.benchmarks.bulk_sync [--counts 1000 10000] [--limits 10]`.

The same people for the app and for each of `bulk_rivals`, the same simulated Dynamics where each request takes 40 ms,
each row 4 ms and each row of a bulk message 1 ms; everybody in a process of their own. After each run Dynamics has to
hold exactly what was expected, or the benchmark fails. With `--limits 10` a tenth of Dynamics' service protection
limits holds. Many thousands want `--tables ordered`: Azurite slows down with all it has. Run on request; the numbers of
one run are comparable with each other only.
"""

import argparse
import contextlib
import itertools
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from infra.local.dynamics import CLIENT_ID, Dynamics, dynamics
from infra.local.stack import ROOT, Stack
from tests.benchmarks.bulk_app import App, add_tables_option, idle_stack
from tests.benchmarks.bulk_crm import LATENCY, Crm
from tests.benchmarks.bulk_people import MIXES, Mix, Person, people

WINDOW_SECONDS: Final = 30  # instead of 300
OURS: Final = "captello sync"
RIVALS: Final = ("one_by_one", "eight_at_once", "microsoft")
ONE_BY_ONE_MOST: Final = 1000  # more takes an hour and tells nothing new
_salts = (f"r{os.getpid()}x{number}" for number in itertools.count(1))


@dataclass(frozen=True, slots=True)
class Measured:
    who: str
    people: int
    seconds: float
    requests: int
    busy_seconds: float
    cpu_seconds: float
    peak_mb: float
    in_flight: int
    refusals: int

    def least_seconds(self, limits: dict[str, float]) -> float:
        """No window holds more than the limits allow, so three windows' worth and a bit take three windows, and a bit
        more. Dynamics lets what is under way overshoot; nobody can count on that.
        """
        windows = max(self.requests / limits["requests"], self.busy_seconds / limits["execution_seconds"])
        return (math.ceil(windows) - 1) * WINDOW_SECONDS


def limits_of(part: int) -> dict[str, float] | None:
    """Such a part of what Dynamics allows in any time, in shorter windows; None: no limits."""
    if not part:
        return None
    requests, seconds = 600 // part, 120 / part
    return {"requests": requests, "execution_seconds": seconds, "window_seconds": WINDOW_SECONDS}


# --- One run ---------------------------------------------------------------------------------------------------------

Work = Callable[[Sequence[Person]], tuple[float, float, float]]
"""Syncs them; seconds, CPU seconds of its process, its peak memory in MB."""


def measure(who: str, crm: Crm, mix: Mix, count: int, limits: dict[str, float] | None, work: Work) -> Measured:
    everybody = people(mix, count, next(_salts))
    crm.order("latency", {})
    crm.order("limits", None)
    crm.fill(everybody)
    crm.order("latency", LATENCY)
    crm.order("limits", limits)
    before, _ = crm.counted()
    seconds, cpu, peak = work(everybody)
    after, told = crm.counted()
    crm.order("latency", {})
    crm.order("limits", None)
    crm.require(everybody)
    refusals = sum(told["refusals"].values())
    return Measured(
        who, count, seconds, after - before, told["busy_seconds"], cpu, peak, told["in_flight_most"], refusals
    )


def _rival(name: str, crm: Crm, mix: Mix, certificate: str = "") -> Work:
    def work(everybody: Sequence[Person]) -> tuple[float, float, float]:
        command = [sys.executable, "-m", "tests.benchmarks.bulk_rivals", name, crm.url, crm.token]
        command += [str(MIXES.index(mix)), str(len(everybody)), everybody[0].salt]
        env = {**os.environ, **({"REQUESTS_CA_BUNDLE": certificate} if certificate else {})}
        done = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True)
        told = json.loads(done.stdout)
        return told["seconds"], told["cpu_seconds"], told["peak_mb"]

    return work


# --- The comparison --------------------------------------------------------------------------------------------------


def main() -> None:
    arguments = _arguments()
    limits = limits_of(arguments.limits)
    with contextlib.ExitStack() as parts:
        running = parts.enter_context(idle_stack(arguments.tables))
        ours, app = Crm(running.dynamics.url, running.dynamics_token), App(running, arguments.hosts)
        app.set_up()
        os.environ["SSL_CERT_FILE"] = str(running.certificates.bundle)
        secure = Crm(parts.enter_context(_for_microsoft(running)).url, "anybody")
        for mix in (MIXES[number] for number in arguments.mixes):
            for count in arguments.counts:
                print(f"\n{mix.name}, {count:,} prospects{f', limits 1/{arguments.limits}' if limits else ''}")
                _compare(mix, count, limits, arguments.who, ours, secure, app, str(running.certificates.authority))


def _compare(
    mix: Mix,
    count: int,
    limits: dict[str, float] | None,
    wanted: Sequence[str],
    crm: Crm,
    secure: Crm,
    app: App,
    certificate: str,
) -> None:
    print(
        f"{'':<16}{'a second':>10}{'ratio':>8}{'seconds':>9}{'requests/1,000':>16}{'busy s':>9}{'own CPU ms':>12}"
        f"{'peak MB':>9}{'in flight':>11}{'429s':>6}{'least s' if limits else '':>9}"
    )
    first = 0.0
    for who in wanted:
        if who == "one_by_one" and count > ONE_BY_ONE_MOST:
            continue
        if who == OURS:
            measured = measure(who, crm, mix, count, limits, app.sync)
        elif who == "microsoft":
            measured = measure(who, secure, mix, count, limits, _rival(who, secure, mix, certificate))
        else:
            measured = measure(who, crm, mix, count, limits, _rival(who, crm, mix))
        rate = measured.people / measured.seconds
        first = first or rate
        print(
            f"{who:<16}{rate:>10.1f}{rate / first:>8.1f}{measured.seconds:>9.1f}"
            f"{measured.requests / count * 1000:>16.1f}{measured.busy_seconds:>9.1f}"
            f"{measured.cpu_seconds / count * 1000:>12.2f}{measured.peak_mb:>9.0f}{measured.in_flight:>11}"
            f"{measured.refusals:>6}{f'{measured.least_seconds(limits):.0f}' if limits else '':>9}",
            flush=True,
        )


def _for_microsoft(running: Stack) -> contextlib.AbstractContextManager[Dynamics]:
    """Its client insists on https."""
    return dynamics(lambda _token, _audience: {"appid": CLIENT_ID}, certificate=running.certificates.server)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bulk_sync")
    parser.add_argument("--counts", type=int, nargs="+", default=[1000], metavar="N")
    parser.add_argument("--mixes", type=int, nargs="+", default=[0, 1], choices=[0, 1])
    parser.add_argument("--who", nargs="+", default=[*RIVALS, OURS], choices=[*RIVALS, OURS])
    parser.add_argument("--hosts", type=int, default=1, help="of the app")
    parser.add_argument("--limits", type=int, default=0, metavar="N", help="an N-th of Dynamics' service limits holds")
    add_tables_option(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
