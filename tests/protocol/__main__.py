"""`python -m tests.protocol`: the large search. More may go wrong in every story, every entity and table is read by a
request of its own, every safeguard is taken out, and thousands of random stories are walked.

    python -m tests.protocol 5000        so many random stories
    python -m tests.protocol 0 twins     no random stories, only the stories whose name holds the word
"""

import random
import sys
import time

from tests.protocol.explorer import Explorer
from tests.protocol.mutations import story_without
from tests.protocol.safeguards import Safeguard
from tests.protocol.scenario import Scenario
from tests.protocol.scenarios import SCENARIOS
from tests.protocol.telling import told
from tests.protocol.walks import random_scenario, walk

STATES_MOST = 3_000_000


def main(walks: int, word: str) -> int:
    failures = sum(_search(scenario) for scenario in SCENARIOS if word in scenario.name)
    if not word:
        failures += sum(_take_out(safeguard) for safeguard in Safeguard)
    return failures + sum(_walk(seed) for seed in range(walks))


def _search(scenario: Scenario) -> bool:
    """Whether the verdict is not the expected one; two limits are set aside for what gets too large."""
    for apart, more in ((True, 1), (True, 0), (False, 0)):
        began = time.monotonic()
        explorer = Explorer(scenario._replace(losses=scenario.losses + more), apart=apart)
        try:
            states, way = explorer.search(STATES_MOST)
        except AssertionError:
            continue
        verdict = "VIOLATION" if way else "holds"
        size = f"{states:,} states, {scenario.losses + more} losses, {time.monotonic() - began:.1f} s"
        print(f"{scenario.name}: {verdict} ({size}) {scenario.unattainable}", flush=True)
        if way and not scenario.unattainable:
            print(told(explorer, way))
        return bool(way) != bool(scenario.unattainable)
    print(f"{scenario.name}: too large")
    return True


def _take_out(safeguard: Safeguard) -> bool:
    began, scenario = time.monotonic(), story_without(safeguard)
    states, way = Explorer(scenario, frozenset({safeguard})).search(STATES_MOST)
    verdict = f"violation after {len(way)} steps" if way else "NO VIOLATION"
    took = f"{states:,} states, {time.monotonic() - began:.1f} s"
    print(f"without {safeguard.name} ({safeguard}): {verdict} in {scenario.name!r} ({took})", flush=True)
    return not way


def _walk(seed: int) -> bool:
    choice = random.Random(seed)
    explorer, way = walk(random_scenario(choice), choice, walks=4)
    if way:
        print(f"random story {seed}: VIOLATION\n{explorer.scenario}\n{told(explorer, way)}", flush=True)
    return bool(way)


if __name__ == "__main__":
    sys.exit(min(main(int((sys.argv[1:] or ["2000"])[0]), " ".join(sys.argv[2:])), 1))
