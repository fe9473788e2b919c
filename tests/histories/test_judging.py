"""The judge of histories can say no."""

from dataclasses import replace
from typing import Any

import pytest

from tests.histories.history import History, Said
from tests.histories.judging import some_order
from tests.histories.playing import Ended, Went
from tests.histories.standing import Standing


def _said(number: int, **fields: str) -> Said:
    person = {"id": "p", "fields": {"LastName": "Lee", "Email": "a@x.example", **fields}}
    body = {"occurred_at": f"2026-05-04T12:0{number}:00Z", "prospect": person}
    return Said(number, "history-0", body, (0,))


TWO = History(0, "t", (_said(0, Title="first"), _said(1, Title="second")), (), faults=0)
ROW = {"lastname": "Lee", "emailaddress1": "a@x.example", "jobtitle": "second", "statecode": 0}
NOTHING: dict[str, list[Any]] = {"accounts": [], "notes": [], "responses": [], "members": []}


def _standing(*rows: dict[str, Any], **beside: list[Any]) -> Standing:
    return Standing({("lead", row_id): row for row_id, row in zip("ij", rows, strict=False)}, NOTHING | beside)


RIGHT = Ended({0: Went("created", "lead", "i"), 1: Went("updated", "lead", "i")}, _standing(ROW), ())


def test_what_an_order_gives_is_right() -> None:
    """The first was carried out first; or the second, then the first came late and changed nothing."""
    assert some_order(TWO, RIGHT) == (0, 1)
    late = {0: Went("unchanged", "lead", "i"), 1: Went("created", "lead", "i")}
    assert some_order(TWO, replace(RIGHT, went=late)) == (1, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(RIGHT, standing=_standing()),
        replace(RIGHT, standing=_standing(ROW, ROW)),
        replace(RIGHT, standing=_standing(ROW | {"jobtitle": "first"})),
        replace(RIGHT, standing=_standing(ROW, notes=[("i", "twice")])),
        replace(RIGHT, went={0: Went("created", "lead", "i"), 1: Went("created", "lead", "j")}),
        replace(RIGHT, went={0: Went("created", "lead", "i"), 1: Went("updated", "lead", "other")}),
        replace(RIGHT, went={0: Went("updated", "lead", "i"), 1: Went("updated", "lead", "i")}),
    ],
    ids=["no row", "a second row", "an older value", "a note", "two rows made", "another row", "nobody made it"],
)
def test_what_no_order_gives_is_wrong(wrong: Ended) -> None:
    """Lost, doubled, overwritten or misdirected."""
    assert some_order(TWO, wrong) is None
