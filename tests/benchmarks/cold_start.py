"""What a cold start costs: `python -m tests.benchmarks.cold_start [--rounds 7] [--python PATH ...]`.

Each round is a process of its own, with bytecode cached, as it is deployed: the interpreter, `azure.functions` alone,
the app indexed, and then the first captures, over the local stack. A capture that comes `at once` meets the imports
under way; one that comes `later` finds them done. Its own cost is the CPU time of the worker's thread, so what it waits
for, and how busy the machine is, do not count; wall time is shown beside it. Run on request.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from infra.local import story
from infra.local.stack import ROOT, stack

STEPS = ("azure.functions", "app indexed", "first capture", "second capture", "third capture")
_activities = itertools.count(7_000_000)


def _round(python: str, settings: dict[str, str], *, later: bool) -> tuple[float, list[tuple[float, float]]]:
    """Milliseconds of a bare interpreter, and of the steps within one."""
    began = time.perf_counter()
    subprocess.run([python, "-c", ""], env=settings, check=True)
    bare = (time.perf_counter() - began) * 1000
    captures = [story.sample_capture(next(_activities)) for _ in STEPS[2:]]
    plan = json.dumps({"later": later, "captures": captures})
    command = [python, "-m", "tests.benchmarks.cold_start_worker"]
    done = subprocess.run(command, cwd=ROOT, env=settings, input=plan, capture_output=True, text=True, check=True)
    return bare, json.loads(done.stdout.splitlines()[-1])


def _show(python: str, settings: dict[str, str], rounds: int, *, later: bool) -> None:
    measured = [_round(python, settings, later=later) for _ in range(rounds + 1)][1:]  # the first one fills the caches
    print(f"{python}, a capture that comes {'later' if later else 'at once'}, medians of {rounds}, ms (CPU / wall):")
    print(f"  {'interpreter':16} {'':>7}   {statistics.median(bare for bare, _ in measured):7.1f}")
    for number, step in enumerate(STEPS):
        cpu, wall = (statistics.median(took[number][kind] for _, took in measured) for kind in (0, 1))
        print(f"  {step:16} {cpu:7.1f} / {wall:7.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--python", nargs="*", default=[sys.executable])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as bytecode, stack(port=0) as running:
        story.set_up(running, lambda _: None)
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        settings = {**kept, **running.settings, "PYTHONPYCACHEPREFIX": bytecode}
        for python in given.python:
            for later in (False, True):
                _show(python, settings, given.rounds, later=later)


if __name__ == "__main__":
    main()
