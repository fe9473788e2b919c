"""A model in the properties of one table entity."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from core.domain.action import SyncAction
from core.domain.capture import Capture
from core.domain.decision import decide
from core.domain.delivery import Intent
from core.domain.references import Found
from core.storage.document import packed, unpacked
from tests.builders import NEW_ID, action, capture, subject

TEXT_MOST = 32_000  # UTF-16 units of a text property: 64 KiB
BINARY_MOST = 64 * 1024
ENTITY_MOST = 1024 * 1024


def _size(name: str, value: str | bytes) -> int:
    """As Table Storage counts a property."""
    return 8 + 2 * len(name) + 4 + (2 * len(value.encode("utf-16-le")) // 2 if isinstance(value, str) else len(value))


def _check(model: BaseModel) -> dict[str, Any]:
    entity = packed(model)
    assert unpacked({"PartitionKey": "p", "RowKey": "r", **entity}, type(model)) == model
    for value in entity.values():
        if isinstance(value, str):
            assert len(value.encode("utf-16-le")) // 2 <= TEXT_MOST
        else:
            assert len(value) <= BINARY_MOST
    assert sum(_size(name, value) for name, value in entity.items()) < ENTITY_MOST
    return entity


def _noise(length: int, alphabet: str) -> str:
    return "".join(random.Random(26).choices(alphabet, k=length))


ASCII = "".join(map(chr, range(35, 92))) + "".join(map(chr, range(93, 126)))


ALPHABETS = {
    "x": "x",
    "greek": "Ω",
    "noise": ASCII,
    "emoji": "😀",
    "beyond the first plane": "😀🏳𠀀",
    "escaped": '\n"\\\x01',
}
LENGTHS = [0, 1, 15_000, 29_000, 30_000, 31_000, 33_000, 60_000, 262_144]


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("alphabet", ALPHABETS.values(), ids=list(ALPHABETS))
def test_long_documents_stay_below_the_limits(alphabet: str, length: int) -> None:
    """Of every script, compressible or not, each property and the whole stay small enough for Table Storage."""
    _check(capture(Story=_noise(length, alphabet)))


def test_the_largest_delivery_fits_with_its_intent() -> None:
    """A capture as large as one may be stands in its delivery, and again as the person it makes."""
    about = subject(capture(Email="a@b.example", Story=_noise(255_000, ASCII)))
    intent = decide(about, Found(), new_id=NEW_ID)
    assert isinstance(intent, Intent)
    _check(about.delivery.model_copy(update={"state": "intent", "intent": intent}))
    _check(intent.prospect)


def test_a_short_document_stands_as_readable_json() -> None:
    """Whoever opens the table in Storage Explorer can read it."""
    entity = _check(capture(Email="a@b.example", Name="Zoë"))
    assert list(entity) == ["document"]
    assert '"Name":"Zoë"' in entity["document"]


def test_incompressible_documents_go_into_several_properties() -> None:
    """A quarter of a megabyte that no compression helps with, as large as a capture may be."""
    entity = _check(capture(Story=_noise(262_144, ASCII)))
    assert [name.rpartition("_")[0] for name in entity] == ["document"] * len(entity)
    assert len(entity) > 3


def test_names_that_differ_outside_come_back() -> None:
    """`as` in a campaign rule is a word of Python's; the document has it as the API does."""
    campaigning = action(campaigns=[{"name": "Expo", "as": "list"}])
    assert '"as":"list"' in packed(campaigning)["document"]
    assert unpacked(packed(campaigning), SyncAction) == campaigning


@given(text=st.text(st.characters(exclude_categories=["Cs"])), repeated=st.integers(1, 3000))
def test_what_is_packed_comes_back(text: str, repeated: int) -> None:
    """Whatever it holds, and however long it is."""
    _check(Capture.model_validate({"prospect": {"fields": {"Story": text * repeated}}}))
