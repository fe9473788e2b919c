"""One value into one column."""

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.conversion import Converted, Misfit, Rules, convert, truncated, utf16_length
from core.domain.table import Choice, Column
from core.domain.values import FieldValue, as_text
from tests.builders import RATINGS
from tests.strategies import any_text, field_values


def _text(
    value: FieldValue, most: int | None = 100, too_long: Literal["truncate", "fail"] = "truncate"
) -> Converted | Misfit:
    column = Column(name="jobtitle", type="String", max_length=most)
    return convert(column, value, Rules(too_long=too_long))


@pytest.mark.parametrize(
    ("text", "most", "cut"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("abcd efg", 6, "abcd…"),
        ("😀😀😀", 6, "😀😀😀"),
        ("😀😀😀😀", 6, "😀😀…"),
        ("a😀😀😀", 6, "a😀😀…"),
        ("ab", 1, "…"),
    ],
)
def test_texts_are_cut_as_sql_server_counts(text: str, most: int, cut: str) -> None:
    """An emoji is two units; blanks before the ellipsis go."""
    converted = _text(text, most)
    assert isinstance(converted, Converted)
    assert converted.value == cut
    assert bool(converted.warning) is (cut != text)


@given(value=field_values, most=st.integers(1, 60))
def test_a_converted_text_fits_its_column(value: FieldValue, most: int) -> None:
    """Counted in UTF-16 units, whatever was said; and it is a text that can be sent."""
    converted = _text(value, most)
    assert isinstance(converted, Converted)
    assert isinstance(converted.value, str)
    assert utf16_length(converted.value) <= most
    converted.value.encode()


@given(text=st.text(st.sampled_from("aé😀🏳 "), min_size=2, max_size=30), most=st.integers(1, 20))
def test_no_character_is_cut_in_half(text: str, most: int) -> None:
    """What is left is the beginning of the text, in whole characters, and an ellipsis."""
    cut = truncated(text, most)
    assert cut.endswith("…")
    assert text.startswith(cut[:-1])
    assert utf16_length(cut) <= most


@given(value=field_values, most=st.integers(1, 60))
def test_what_is_set_to_fail_fails_only_when_too_long(value: FieldValue, most: int) -> None:
    """A text that fits is taken as it is."""
    converted = _text(value, most, "fail")
    assert isinstance(converted, Misfit) is (utf16_length(as_text(value)) > most)


@given(text=any_text)
def test_a_column_without_a_length_takes_every_text(text: str) -> None:
    """Nothing is cut where metadata names no length."""
    converted = _text(text, None)
    assert isinstance(converted, Converted)
    assert converted.value == as_text(text)


@pytest.mark.parametrize(
    ("said", "told"), [("a\x07b", True), (["a", "b\x00"], True), ("a\tb\n", False), ("ab", False), (7, False)], ids=repr
)
def test_what_dynamics_refuses_is_taken_out_and_told(said: FieldValue, *, told: bool) -> None:
    """Control characters but for line breaks and tabs; scanners leave some in what they read."""
    converted = _text(said, 100)
    assert isinstance(converted, Converted)
    assert bool(converted.warning) is told
    assert not set("\x07\x00") & set(str(converted.value))


@given(said=st.sampled_from(["hot", " WARM", "Kalt ", "heiß", "3"]), order=st.permutations(RATINGS))
def test_the_order_of_options_does_not_matter(said: str, order: list[Choice]) -> None:
    """Metadata lists options in no promised order."""
    column = Column(name="leadqualitycode", type="Picklist", choices=tuple(order))
    as_listed = Column(name="leadqualitycode", type="Picklist", choices=RATINGS)
    listed = convert(as_listed, said, Rules())
    assert isinstance(listed, Converted)
    assert convert(column, said, Rules()) == listed


@pytest.mark.parametrize("turned", [False, True])
def test_a_value_comes_before_a_label_that_looks_like_it(*, turned: bool) -> None:
    """Whichever of the two options metadata lists first."""
    options = (Choice(value=1, labels=("2",)), Choice(value=2, labels=("1",)), Choice(value=3, labels=("3 stars",)))
    column = Column(name="stars", type="Picklist", choices=options[::-1] if turned else options)
    for said, value in {"1": 1, "2": 2, "3": 3, "3 Stars": 3}.items():
        assert convert(column, said, Rules()) == Converted(value)


def test_of_many_options_a_dozen_is_named() -> None:
    """A country list does not fill the log; options without labels are named by value."""
    options = (Choice(value=0), *(Choice(value=n, labels=(f"Option {n}",)) for n in range(1, 20)))
    refused = convert(Column(name="country", type="Picklist", choices=options), "x" * 500, Rules())
    assert isinstance(refused, Misfit)
    assert "takes 0, Option 1 (1)" in refused.message
    assert refused.message.endswith("and 8 more.")
    assert len(refused.message) < 400
