"""The judge of histories can say no."""

from dataclasses import replace

import pytest

from tests.histories.history import History, Said
from tests.histories.judging import some_order
from tests.histories.playing import Ended, Went


def _said(number: int, **fields: str) -> Said:
    person = {"id": "p", "fields": {"LastName": "Lee", "Email": "a@x.example", **fields}}
    body = {"occurred_at": f"2026-05-04T12:0{number}:00Z", "prospect": person}
    return Said(number, "history-0", body, (0,))


TWO = History(0, "t", (_said(0, Title="first"), _said(1, Title="second")), (), faults=0)
ROW = {"lastname": "Lee", "emailaddress1": "a@x.example", "jobtitle": "second", "statecode": 0}
RIGHT = Ended({0: Went("created", "lead", "i"), 1: Went("updated", "lead", "i")}, {("lead", "i"): ROW}, ())


def test_what_an_order_gives_is_right() -> None:
    """The first was carried out first; or the second, then the first came late and changed nothing."""
    assert some_order(TWO, RIGHT) == (0, 1)
    late = {0: Went("unchanged", "lead", "i"), 1: Went("created", "lead", "i")}
    assert some_order(TWO, replace(RIGHT, went=late)) == (1, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(RIGHT, rows={}),
        replace(RIGHT, rows={("lead", "i"): ROW, ("lead", "j"): ROW}),
        replace(RIGHT, rows={("lead", "i"): ROW | {"jobtitle": "first"}}),
        replace(RIGHT, went={0: Went("created", "lead", "i"), 1: Went("created", "lead", "j")}),
        replace(RIGHT, went={0: Went("created", "lead", "i"), 1: Went("updated", "lead", "other")}),
        replace(RIGHT, went={0: Went("updated", "lead", "i"), 1: Went("updated", "lead", "i")}),
    ],
    ids=["no row", "a second row", "an older value", "two rows made", "another row", "nobody made it"],
)
def test_what_no_order_gives_is_wrong(wrong: Ended) -> None:
    """Lost, doubled, overwritten or misdirected."""
    assert some_order(TWO, wrong) is None
