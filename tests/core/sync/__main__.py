"""`python -m tests.core.sync --stories 20000 --seed 7`: many stories told to the engine and to the reference model.

The first story after which they differ is made as small as Hypothesis can, and printed.
"""

import argparse
import sys
import time

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.core.sync.stories import STORIES
from tests.core.sync.storytelling import Story, tell


def main() -> int:
    arguments = _arguments()
    told, steps, began = 0, 0, time.monotonic()

    @seed(arguments.seed)
    @settings(
        max_examples=arguments.stories,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(STORIES)
    def tell_them(story: Story) -> None:
        nonlocal told, steps
        told, steps = told + 1, steps + len(story.steps)
        tell(story)

    try:
        tell_them()
    finally:
        print(f"{told} stories, {steps} steps, {time.monotonic() - began:.0f} s", flush=True)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.core.sync")
    parser.add_argument("--stories", type=int, default=5000, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
