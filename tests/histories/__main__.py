"""`python -m tests.histories --seeds 500 --hosts 3`: many histories, `--at-once` of them at a time, from `--from` on.

What ends wrongly is made smaller as long as it still does, and printed.
"""

import argparse
import contextlib
import sys
import time
from collections import Counter

from infra.local.stack import stack
from tests.faults.nursery import nursery
from tests.faults.safeguards import Safeguard
from tests.histories.arena import IMPATIENT, Arena, arena, missing
from tests.histories.history import History, random_history
from tests.histories.judging import some_order
from tests.histories.playing import Ended, play
from tests.histories.shrinking import shrunk
from tests.histories.telling import told


def main() -> int:
    arguments = _arguments()
    failures, struck, began = 0, Counter[str](), time.monotonic()
    with contextlib.ExitStack() as parts:
        running = parts.enter_context(stack(port=0, settings=IMPATIENT))
        hosts = parts.enter_context(nursery(running, sys.stderr if arguments.log else None))
        ground = parts.enter_context(arena(running, hosts, hosts=arguments.hosts))
        if arguments.without:
            ground = parts.enter_context(missing(arguments.without, ground))
        for first in range(arguments.first, arguments.first + arguments.seeds, arguments.at_once):
            seeds = range(first, min(first + arguments.at_once, arguments.first + arguments.seeds))
            histories = [random_history(seed, hosts=arguments.hosts) for seed in seeds]
            failures += _played(ground, histories, struck)
    seconds = time.monotonic() - began
    print(f"{arguments.seeds} histories, {failures} ended wrongly, {seconds:.0f} s; faults: {dict(struck)}")
    return min(failures, 1)


def _played(ground: Arena, histories: list[History], struck: Counter[str]) -> int:
    ends = play(ground, histories)
    struck.update(each.partition(" at ")[0] for each in ends[0].struck)
    wrong = [(history, ended) for history, ended in zip(histories, ends, strict=True) if not _is_right(history, ended)]
    for history, ended in wrong:
        print(told(history, ended), flush=True)
        print("smaller:", told(*shrunk(ground, history, ended)), sep="\n", flush=True)
    print(f"{histories[0].seed}-{histories[-1].seed}: {len(histories) - len(wrong)} of {len(histories)}", flush=True)
    return len(wrong)


def _is_right(history: History, ended: Ended) -> bool:
    return some_order(history, ended) is not None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.histories")
    parser.add_argument("--seeds", type=int, default=100, metavar="N")
    parser.add_argument("--from", dest="first", type=int, default=0, metavar="SEED")
    parser.add_argument("--hosts", type=int, default=3)
    parser.add_argument("--at-once", type=int, default=6, metavar="N")
    parser.add_argument("--without", type=Safeguard, choices=list(Safeguard), help="a safeguard that is taken out")
    parser.add_argument("--log", action="store_true", help="what the hosts say, to stderr")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
