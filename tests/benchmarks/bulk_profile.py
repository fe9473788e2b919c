"""Where the app's own time goes in bulk: `python -m tests.benchmarks.bulk_profile [--count 500] [--mix 0]`.

One chunk through the services in this process under cProfile, with storage, Dynamics and the rest elsewhere. Prints the
requests it made, its CPU for each prospect, and the functions that took most.
"""

import argparse
import asyncio
import contextlib
import cProfile
import os
import pstats
import subprocess
import sys
import time
from collections.abc import Sequence

from core.bootstrap import make_services
from core.domain.capture_body import Unreadable, read_capture
from core.settings import settings_from
from infra.local.stack import ROOT
from tests.benchmarks.bulk_app import App, idle_stack
from tests.benchmarks.bulk_crm import LATENCY, Crm
from tests.benchmarks.bulk_people import MIXES, Person, people

_SHOWN = 45
_WARMING = 20


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bulk_profile")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--mix", type=int, default=0, choices=range(len(MIXES)))
    parser.add_argument("--plain", action="store_true", help="no profile, only what it takes")
    parser.add_argument("--latency", action="store_true", help="Dynamics takes its time")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        everybody = people(MIXES[arguments.mix], arguments.count + _WARMING, f"prof{os.getppid()}")
        _told(everybody, is_plain=arguments.plain)
        return
    with contextlib.ExitStack() as parts:
        running = parts.enter_context(idle_stack())
        crm = Crm(running.dynamics.url, running.dynamics_token)
        App(running, 1).set_up()
        crm.fill(people(MIXES[arguments.mix], arguments.count + _WARMING, f"prof{os.getpid()}"))
        if arguments.latency:
            crm.order("latency", LATENCY)
        before, _ = crm.counted()
        inside = [sys.executable, "-m", "tests.benchmarks.bulk_profile", "--inside"]
        inside += ["--count", str(arguments.count), "--mix", str(arguments.mix)]
        inside += ["--plain"] if arguments.plain else []
        subprocess.run(inside, cwd=ROOT, env={**os.environ, **running.settings}, check=True)
        crm.print_requests(before)


def _told(everybody: Sequence[Person], *, is_plain: bool) -> None:
    profile = None if is_plain else cProfile.Profile()
    asyncio.run(_carried_out(everybody, profile))
    if profile is None:
        return
    stats = pstats.Stats(profile, stream=sys.stdout)
    for order in ("tottime", "cumulative"):
        stats.strip_dirs().sort_stats(order).print_stats(_SHOWN)


async def _carried_out(everybody: Sequence[Person], profile: cProfile.Profile | None) -> None:
    app = make_services(settings_from(os.environ))
    number = MIXES.index(everybody[0].mix)
    action = await app.configuration.action(f"bulk-{number}")
    assert action is not None
    setup = await app.configuration.setup(action.connection)
    assert setup is not None
    read = [read_capture(body=person.body(), content_type="application/json", query={}) for person in everybody]
    captures = [each for each in read if not isinstance(each, Unreadable)]
    first, rest = captures[:_WARMING], captures[_WARMING:]
    await app.bulk.accept(first, action, setup.connection, batch="warming")  # imports, token, connections
    cpu, began = time.process_time(), time.perf_counter()
    with profile or contextlib.nullcontext():
        await app.bulk.accept(rest, action, setup.connection, batch="profile")
    own, took = time.process_time() - cpu, time.perf_counter() - began
    print(f"{len(rest):,} prospects in {took:.1f} s, {own / len(rest) * 1000:.2f} ms of CPU each")
    await app.close()


if __name__ == "__main__":
    main()
