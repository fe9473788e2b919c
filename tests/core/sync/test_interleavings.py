"""Exactly once: the real turn in a world where anything may come between any two steps (once/protocol.md).

Random small scenarios (a few deliveries about overlapping people, rows that are there already) are run with two
workers for each delivery, kills and lost replies. What stands in the end must be what some one-at-a-time order of the
same deliveries gives, each row, value and outcome once.
"""

import random
from typing import Any

import pytest

from core.domain.delivery import Delivery
from tests.core.sync.scenarios import ACTIONS, SETUPS, Scenario, delivery, ends_as_some_order_would


def _random_scenario(choice: random.Random) -> Scenario:
    times = choice.sample(range(9), choice.randint(2, 3))
    deliveries = tuple(_random_delivery(choice, number, said) for number, said in enumerate(times))
    rows = tuple(
        (choice.choice(["lead", "contact"]), f"old{number}", _person(choice)) for number in range(choice.randrange(4))
    )
    return Scenario(deliveries, rows, choice.choice(list(SETUPS)))


def _random_delivery(choice: random.Random, number: int, said: int) -> Delivery:
    fields = {
        "Email": choice.choice(["a@x.example", "b@x.example", ""]),
        "FirstName": choice.choice(["Ann", ""]),
        "LastName": choice.choice(["N", "M"]),
        "Title": choice.choice(["", f"t{number}"]),
        "Remark": choice.choice(["", f"r{number}"]),
        "Company": choice.choice(["", "Acme", "ACME "]),
    }
    second = choice.choice([None, "", "a@x.example", "b@x.example", "c@x.example"])
    return delivery(
        number,
        choice.choice(list(ACTIONS)),
        choice.choice([1, 1, 2, None]),
        said,
        event=choice.choice([*["captured"] * 8, "released", "withdrawn"]),
        held=choice.random() < 0.1,
        activity=choice.choice([1, number + 1]),
        wishes=choice.choice(["", f"w{number}"]),
        **fields if second is None else fields | {"Email2": second},
    )


def _person(choice: random.Random) -> dict[str, Any]:
    return {
        "emailaddress1": choice.choice(["a@x.example", "b@x.example", "z@x.example"]),
        "emailaddress2": choice.choice([None, None, "b@x.example", "y@x.example"]),
        "firstname": "Ann",
        "lastname": choice.choice(["N", "M", "O"]),
        **choice.choice([{}, {}, {}, *_closed(choice)]),
    }


def _closed(choice: random.Random) -> list[dict[str, Any]]:
    """Inactive, qualified to a contact, merged into another row; either may be there, be closed itself, or not."""
    other = f"old{choice.randrange(3)}"
    qualified = {"statecode": 1, "_parentcontactid_value": other}
    merged = {"statecode": 2, "merged": True, "_masterid_value": other}
    return [{"statecode": 2}, qualified, merged]


@pytest.mark.parametrize("batch", range(8))
async def test_any_interleaving_ends_as_some_order_would(batch: int) -> None:
    """Random scenarios, interleavings, kills and lost replies: one of the sequential results, and no claim left."""
    for seed in range(batch * 60, batch * 60 + 60):
        await ends_as_some_order_would(_random_scenario(random.Random(seed)), seed)
