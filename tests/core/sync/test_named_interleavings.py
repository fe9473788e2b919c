"""The interleavings that product.md, section 6, lists: each with two workers a delivery, kills and lost replies."""

from typing import Any

import pytest

from tests.core.sync.scenarios import Scenario, delivery, ends_as_some_order_would, ends_so_together_too
from tests.core.sync.worlds import World

SEEDS = 40
OLD: dict[str, Any] = {"firstname": "Ann", "lastname": "N"}
EMAIL_OR_NAME, LEAST_RECENT, CONTACT = "a1", "a2", "a3"


def _said(number: int, said: int, action: str = "a0", *, prospect: int | None = None, **fields: Any) -> Any:
    person = {"FirstName": "Ann", "LastName": "N", "Email": "a@x.example"} | fields
    activity = person.pop("activity", number + 1)
    return delivery(number, action, prospect or number + 1, said, activity=activity, held=False, wishes="", **person)


NAMED = {
    "two new captures of one name with different addresses": Scenario(
        (_said(0, 0, EMAIL_OR_NAME), _said(1, 1, EMAIL_OR_NAME, Email="b@x.example")), ()
    ),
    "one matches by name and adds an address, another with that address finds nothing": Scenario(
        (_said(0, 0, EMAIL_OR_NAME, Email="b@x.example"), _said(1, 1, Email="b@x.example", LastName="M")),
        (("lead", "old0", {**OLD, "emailaddress1": "a@x.example"}),),
    ),
    "one action creates a lead while another creates a contact": Scenario((_said(0, 0), _said(1, 1, CONTACT)), ()),
    "a crash between the write and the link, then an edit with a new address": Scenario(
        (_said(0, 0, prospect=7), _said(1, 1, prospect=7, activity=1, Email="b@x.example")), ()
    ),
    "the same without a prospect id": Scenario(
        (
            delivery(0, "a0", None, 0, activity=1, held=False, wishes="", LastName="N", Email="a@x.example"),
            delivery(1, "a0", None, 1, activity=1, held=False, wishes="", LastName="N", Email="b@x.example"),
        ),
        (),
    ),
    "a reply lost under least recently updated": Scenario(
        (_said(0, 0, LEAST_RECENT, Title="t0"), _said(1, 1, LEAST_RECENT, Title="t1")),
        tuple(("lead", f"old{n}", {**OLD, "emailaddress1": "a@x.example"}) for n in range(2)),
    ),
    "a reply lost under least recently updated, another on the row": Scenario(
        (
            _said(0, 0, LEAST_RECENT, Title="t0", Remark="r0"),
            _said(1, 1, LEAST_RECENT, Title="t1", Email="b@x.example", LastName="M"),
        ),
        tuple(
            ("lead", f"old{n}", {**OLD, "emailaddress1": "a@x.example", "emailaddress2": second})
            for n, second in enumerate(["b@x.example", None])
        ),
    ),
    "a reply lost under append": Scenario(
        (_said(0, 0, Remark="r0"), _said(1, 1, Remark="r1")),
        (("lead", "old0", {**OLD, "emailaddress1": "a@x.example", "description": "old"}),),
    ),
    "a crash of the newer of two captures": Scenario(
        (_said(0, 5, prospect=7, Title="new"), _said(1, 1, prospect=7, Title="old", LastName="Older")),
        (("lead", "old0", {**OLD, "emailaddress1": "a@x.example"}),),
    ),
    "two people who are one person": Scenario(
        (_said(0, 0), _said(1, 0, LastName="M"), _said(2, 0, EMAIL_OR_NAME, Email="")), ()
    ),
}


@pytest.mark.parametrize("name", NAMED)
async def test_a_named_interleaving_ends_as_some_order_would(name: str) -> None:
    """Whatever comes between any two steps."""
    for seed in range(SEEDS):
        world = await ends_as_some_order_would(NAMED[name], seed)
        assert len(_people(world)) in _PEOPLE.get(name, {1})


STRANGERS = Scenario(tuple(_said(n, 0, Email=f"{n}@x.example", LastName=f"L{n}") for n in range(3)), ())


async def test_a_bulk_create_in_which_one_id_exists_already() -> None:
    """New rows are made all or none; where a worker that was killed has made one, the others go singly."""
    refused = 0
    for seed in range(SEEDS // 2):
        world = await ends_so_together_too(STRANGERS, seed, stored=False)
        refused += world.refused_together
        assert len(_people(world)) == 3
    assert refused, "no new row existed already under any of the seeds"


# How many rows there may be in the end, where it is not one: old twins stay two, and some orders make a second person.
_PEOPLE = {
    "a reply lost under least recently updated": {2},
    "a reply lost under least recently updated, another on the row": {2},
    "one matches by name and adds an address, another with that address finds nothing": {1, 2},
    "two people who are one person": {1, 2},
}


def _people(world: World) -> list[str]:
    return [row_id for table, row_id in world.rows if table in ("lead", "contact")]
