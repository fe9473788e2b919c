"""Larger stories than can be searched: random deliveries, rows and troubles, walked at random."""

import random
from collections.abc import Sequence
from typing import Any

from tests.protocol.captures import Action, Delivery
from tests.protocol.explorer import Explorer, Step
from tests.protocol.rows import Row
from tests.protocol.safeguards import Without
from tests.protocol.scenario import Scenario

STEPS_MOST = 5000
ACTIONS = (
    Action(),
    Action(newest_wins=False),
    Action(by_name=False),
    Action(by_name=False, newest_wins=False),
    Action(create="contact"),
    Action(tables=("lead",), by_name=False),
    Action(tables=("contact",), by_name=False, create="contact"),
    Action(tables=("lead", "contact"), create=""),
    Action(tables=()),
    Action(skips_without_key=True),
    Action(reactivates=True),
    Action(account="create"),
    Action(by_name=False, account="create", create="contact"),
    Action(account="leave"),
    Action(campaign="expo", marketing_list="visitors"),
)


def random_scenario(choice: random.Random) -> Scenario:
    """Four captures over few keys, two workers each; now and then some of them in one message."""
    deliveries = tuple(_delivery(choice, number, said) for number, said in enumerate(choice.sample(range(1, 9), 4)))
    batch = _batch(choice, deliveries) if choice.random() < 0.3 else ()
    return Scenario(
        "random",
        deliveries,
        tuple(_row(choice, number) for number in range(choice.randrange(4))),
        batch=batch,
        workers=2,
        batch_workers=2,
        also_singly=choice.random() < 0.5,
        losses=3,
        in_flight=2,
        refused=frozenset(choice.choice([(), (), (), ("note",), ("response",), ("membership",)])),
    )


def _delivery(choice: random.Random, number: int, said: int) -> Delivery:
    return Delivery(
        id=f"d{number}",
        prospect=choice.choice(["p1", "p1", "p2", "p3", ""]),
        said_at=said,
        email=choice.choice(["a", "b", "c", ""]),
        email2=choice.choice(["", "", "", "b", "d"]),
        name=choice.choice(["", "N", "M"]),
        title=choice.choice(["", f"T{number}"]),
        company=choice.choice(["", "C", "E"]),
        remark=choice.choice(["", f"R{number}"]),
        submission=choice.choice(["s", f"s{number}"]),
        answers=choice.choice(["", "t", f"t{number}"]),
        action=choice.choice(ACTIONS),
    )


def _batch(choice: random.Random, deliveries: Sequence[Delivery]) -> tuple[tuple[Delivery, ...], ...]:
    """Folded when they share an e-mail, else each for itself, as long as they share nothing at all."""
    one, other = sorted(choice.sample(list(deliveries), 2), key=lambda each: each.said_at)
    shares = {one.email, one.email2} & {other.email, other.email2} - {""} and one.action == other.action
    shares_any = one.name == other.name or one.prospect == other.prospect or one.submission == other.submission
    if shares:
        return ((one, other),)
    return () if shares_any else ((one,), (other,))


def _row(choice: random.Random, number: int) -> tuple[str, Row]:
    row = Row(choice.choice("abz"), choice.choice(["", "", "b", "y"]), choice.choice(["N", "M", "O"]), modified=number)
    other = f"{choice.choice(['lead', 'contact'])}/old{choice.randrange(3)}"
    open_row: dict[str, Any] = {}
    closed = choice.choice([open_row, open_row, open_row, {"is_active": False}, {"is_active": False, "goes_to": other}])
    if choice.random() < 0.2:
        return f"account/old{number}", Row(name=choice.choice("CE"), modified=number)
    return f"{choice.choice(['lead', 'contact'])}/old{number}", row._replace(**closed)


def walk(
    scenario: Scenario, choice: random.Random, walks: int, without: Without = frozenset()
) -> tuple[Explorer, list[Step]]:
    """Walks the scenario to its end so often; answers the way to a violation, if one was met."""
    explorer = Explorer(scenario, without)
    for _ in range(walks):
        way = _one_walk(explorer, choice)
        if explorer.is_wrong(way[-1].after):
            return explorer, way
    return explorer, []


def _one_walk(explorer: Explorer, choice: random.Random) -> list[Step]:
    node, way = explorer.start(), []
    while not explorer.is_over(node) or node.flying or node.bystanders:
        steps = list(explorer.steps(node))
        weights = [1 if step.reply in ("lost", "in flight") else 8 for step in steps]
        [step] = choice.choices(steps, weights)
        node = step.after
        way.append(step)
        assert len(way) < STEPS_MOST, f"{explorer.scenario}: no progress"
        assert all(explorer.finishes_alone(node.world, memory) for memory in node.workers), explorer.scenario
    return way
