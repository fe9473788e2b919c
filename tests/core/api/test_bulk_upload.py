"""A request for a bulk action says what is to be done by address and body; what contradicts itself is refused."""

import json
from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError

from core.api.bulk_upload import Wanted, asked_in
from core.errors import InvalidInputError

PEOPLE = [{"LastName": "A"}, {"LastName": "B"}]


def wanted(body: Any, *, action: str = "", batch: str = "", mapped: tuple[str, ...] = ()) -> Wanted:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return asked_in(raw, content_type="", encoding="", action=action, batch=batch, mapped=mapped)


@pytest.mark.parametrize(
    "body",
    [
        {"action": "booth", "batch": "b-1", "prospects": PEOPLE},
        {"prospects": PEOPLE, "total": 2, "batch": "b-1", "action": "booth"},
        {"batch": "b-1", "action": "booth", "prospect_ids": ["1"]},
        {"batch": "b-1", "action": "booth", "blob": "bulk/x.csv"},
        b'\xef\xbb\xbf {"batch": "b-1", "action": "booth", "prospect_ids": ["1"]}',
        b'{"batch": "b-1", "note": [1], "action": "booth", "prospects": [{"LastName": "A"}, {"LastName": }]}',
        '{"batch": "b-1", "action": "booth", "prospects": [{"LastName": "Å"}]}'.encode("utf-16"),
    ],
)
def test_action_and_batch_may_stand_anywhere_in_the_body(body: Any) -> None:
    """In any order, beside whatever is asked for; also where the captures break later. The address may say the same."""
    for action, batch in (("", ""), ("booth", "b-1")):
        found = wanted(body, action=action, batch=batch)
        assert (found.action, found.batch) == ("booth", "b-1")


@pytest.mark.parametrize(
    ("body", "action", "batch", "field"),
    [
        ({"action": "fair", "prospects": PEOPLE}, "booth", "", "action"),
        ({"action": "fair", "prospect_ids": ["1"]}, "booth", "", "action"),
        ({"action": "booth", "batch": "b-2", "prospects": PEOPLE}, "", "b-1", "batch"),
        ({"prospects": PEOPLE}, "", "", "action"),
        (b"LastName\nA\n", "", "", "action"),
        ({"action": "booth", "prospects": []}, "", "", "body"),
        (b"Mara,OHara\nAnn,Lee\n", "booth", "", "body"),
    ],
)
def test_what_contradicts_itself_or_says_too_little_is_refused(body: Any, action: str, batch: str, field: str) -> None:
    """It used to be settled in silence, one way or the other."""
    with pytest.raises(InvalidInputError) as refused:
        wanted(body, action=action, batch=batch)
    assert refused.value.field == field


@pytest.mark.parametrize(
    "document",
    [
        {"prospects": PEOPLE, "prospect_ids": ["1"]},
        {"prospects": {"LastName": "A"}},
        {"prospects": PEOPLE, "batch": "no id"},
        {"prospect_ids": ["1"], "total": 1},
    ],
)
def test_an_order_is_one_of_four_and_nothing_else(document: dict[str, Any]) -> None:
    """By field, as any other body."""
    with pytest.raises(RequestValidationError):
        wanted({"action": "booth", **document})


def test_a_table_may_be_headed_by_nothing_but_the_customers_own_names() -> None:
    """Those that the action's mappings know."""
    assert wanted(b"Besucher\nA\n", action="booth", mapped=("besucher",)).asked.content
    with pytest.raises(InvalidInputError):
        wanted(b"Besucher\nA\n", action="booth")
