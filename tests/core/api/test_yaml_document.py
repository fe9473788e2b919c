"""YAML in and out."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.api import yaml_document
from tests.strategies import any_text

_looks_like_more = st.sampled_from(
    ["no", "NO", "on", "y", "~", "null", "12:30", "007", "1e3", "1.5e3", "1_000", "2026-05-04", "=", "<<", "0x1f", ".5"]
)
_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | any_text
    | _looks_like_more,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text | _looks_like_more, inner, max_size=3),
    max_leaves=8,
)


@given(document=st.dictionaries(any_text, _values, max_size=4))
def test_what_is_written_is_read(document: dict[str, Any]) -> None:
    """Every text, number, list and table, also those that look like something else."""
    assert yaml_document.read(yaml_document.written(document)) == document


@pytest.mark.parametrize("text", ["[" + "a," * 200_000, "- a\n" * 200_000], ids=["flow", "block"])
def test_reading_ends_after_so_many_values(text: str) -> None:
    """However many more there are, which would take minutes: values are counted."""
    with pytest.raises(yaml_document.UnreadableYamlError, match="more than 1,000 values are read from JSON"):
        yaml_document.read(text, most=1_000)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: no", {"a": "no"}),
        ("a: NO", {"a": "NO"}),
        ("a: on", {"a": "on"}),
        ("a: true", {"a": True}),
        ("a: 12:30", {"a": "12:30"}),
        ("a: 2026-05-04", {"a": "2026-05-04"}),
        ("a: 007", {"a": "007"}),
        ("a: 1_000", {"a": "1_000"}),
        ("a: 7", {"a": 7}),
        ("a: -1.5", {"a": -1.5}),
        ("a: [1, b]", {"a": [1, "b"]}),
        ("a:", {"a": None}),
        ('{"a": "b"}', {"a": "b"}),
    ],
)
def test_words_stay_words(text: str, value: Any) -> None:
    """Norway is a country, and half past twelve is not 750."""
    assert yaml_document.read(text) == value


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]"


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "!!python/object/apply:os.system ['true']",
        "a: !!python/name:os.system",
        "a: [",
        "a: b: c",
        "- a\nb",
        "[" * 5000,
        "\x00",
        "a: !!timestamp x",
    ],
    ids=["references", "code", "name", "open", "colons", "mixed", "deep", "control", "tag"],
)
def test_what_cannot_be_read_is_said(text: str) -> None:
    """Code and references are refused like any other mistake, with what is wrong."""
    with pytest.raises(yaml_document.UnreadableYamlError) as refused:
        yaml_document.read(text)
    assert str(refused.value)
