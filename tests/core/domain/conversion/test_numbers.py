"""Numbers as people write them."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.domain.conversion import Converted, Misfit, Rules, Transform, convert
from core.domain.table import Column
from core.domain.values import FieldValue
from tests.strategies import field_values

MONEY = Column(name="revenue", type="Money", minimum=0, maximum=1_000_000_000_000, precision=2)
WHOLE = Column(name="numberofemployees", type="Integer", minimum=0, maximum=1_000_000)
FREE = Column(name="score", type="Double", minimum=-1000, maximum=1_000_000, precision=3)
NUMBERS = ["Integer", "BigInt", "Decimal", "Double", "Money"]


def _number(column: Column, value: FieldValue, transform: Transform | None = None) -> Converted | Misfit:
    return convert(column, value, Rules(transform=transform))


def _wire(column: Column, value: FieldValue, transform: Transform | None = None) -> Any:
    converted = _number(column, value, transform)
    assert isinstance(converted, Converted), converted
    return converted.value


@pytest.mark.parametrize(
    ("said", "number"),
    [
        (5, 5),
        (5.0, 5),
        (0, 0),
        (12.5, 12.5),
        ("5", 5),
        (" 5 ", 5),
        ("+5", 5),
        ("007", 7),
        ("1.234,56", 1234.56),
        ("1,234.56", 1234.56),
        ("1234.56", 1234.56),
        ("1234,56", 1234.56),
        ("1,5", 1.5),
        ("1.5", 1.5),
        ("0,123", 0.12),
        (",5", 0.5),
        (".5", 0.5),
        ("1 234", 1234),
        ("1\u00a0234\u202f567,8", None),
        ("1\u202f234\u202f567,8", 1_234_567.8),
        ("1'234", 1234),
        ("1’234’567.50", 1_234_567.5),
        ("1 234,567", 1234.57),
        ("1.234.567", 1_234_567),
        ("1,234,567", 1_234_567),
        ("1,234,567.89", 1_234_567.89),
        ("1.234.567,89", 1_234_567.89),
        ("12,34,567", 1_234_567),
        ("1,23,45,678.50", 12_345_678.5),
        ("1234,567", 1234.57),
        ("€ 1200", 1200),
        ("€1.200,50", 1200.5),
        ("1.200,50 €", 1200.5),
        ("1.200,50 EUR", 1200.5),
        ("usd 5", 5),
        ("US$ 5", 5),
        ("R$ 1.234,50", 1234.5),
        ("CHF 1'200.-", 1200),
        ("5,--", 5),
        ("Fr. 500", 500),
        ("500 kr", 500),
        ("₹12,34,567", 1_234_567),
        ("12%", 12),
        ("12,5 %", 12.5),
        ("１２３", 123),
        ("٣٤", 34),
        ("\u200e5\u200e", 5),
        (["5"], 5),
    ],
)  # fmt: skip
def test_what_is_a_number(said: FieldValue, number: float | None) -> None:
    """Both ways of writing thousands and decimals, currencies and percent signs around it; None: mixed groups."""
    converted = _number(MONEY, said)
    assert (converted.value if isinstance(converted, Converted) else None) == number


@pytest.mark.parametrize(
    "said",
    [
        "many", "", "-", ".", ",", "€", "5 pieces", "10k", "5 mio", "1e5", "0x10", "5-10", "5/2", "5.", "1..5", "1,,5",
        "1,23,4", "1.23.456", "1234 567", "1 23", "12 34 567", "1'234 567", "1,234,56", "1.234.56", "1.234,567,8",
        "(5)", "5-", "--5", "eleven", True, False, ["5", "6"], [], float("nan"), float("inf"), "a 5", "½", "²",
        "9" * 61,
    ],
)  # fmt: skip
def test_what_is_no_number(said: FieldValue) -> None:
    """It is left out, with the range that would be accepted; a part of a text is never taken for the whole."""
    refused = _number(MONEY, said)
    assert isinstance(refused, Misfit)
    assert "revenue takes numbers from 0 to 1000000000000" in refused.message
    assert len(refused.message) < 200


@pytest.mark.parametrize(
    ("said", "transform", "number", "warns"),
    [
        ("1,234", None, 1234, True),
        ("1.234", None, 1234, True),
        ("-1,234", None, -1234, True),
        ("€ 1.200", None, 1200, True),
        ("1,234", Transform.DECIMAL_COMMA, 1.234, False),
        ("1.234", Transform.DECIMAL_COMMA, 1234, False),
        ("1,234", Transform.DECIMAL_POINT, 1234, False),
        ("1.234", Transform.DECIMAL_POINT, 1.234, False),
        ("1.5", Transform.DECIMAL_COMMA, 1.5, False),
        ("1,5", Transform.DECIMAL_POINT, 1.5, False),
        ("0.123", None, 0.123, False),
        ("0,123", None, 0.123, False),
        ("1234.567", None, 1234.567, False),
        (1.234, None, 1.234, False),
    ],
)
def test_what_can_be_read_two_ways(
    said: FieldValue, transform: Transform | None, number: float, *, warns: bool
) -> None:
    """A lone sign before three digits groups thousands, with a warning, unless the row names the decimal sign."""
    column = FREE.model_copy(update={"minimum": None})
    converted = _number(column, said, transform)
    assert isinstance(converted, Converted)
    assert (converted.value, bool(converted.warning)) == (number, warns)
    if warns:
        assert "decimal_comma" in converted.warning


@pytest.mark.parametrize(
    ("column", "said", "number", "warns"),
    [
        (MONEY, "0.125", 0.13, True),
        (MONEY, "0.135", 0.14, True),
        (MONEY, 0.1, 0.1, False),
        (MONEY, 2.675, 2.68, True),
        (MONEY, "1.10", 1.1, False),
        (MONEY, "5.001", 5001, True),
        (FREE, "-0.0005", -0.001, True),
        (FREE, "-0.0004", 0, True),
        (WHOLE, "12.5", 13, True),
        (WHOLE, 11.5, 12, True),
        (WHOLE, "12,0", 12, False),
        (WHOLE, "1,234", 1234, True),
        (WHOLE, "1 234", 1234, False),
    ],
)
def test_rounding(column: Column, said: FieldValue, number: float, *, warns: bool) -> None:
    """Half up, away from zero, by what was written and not by its binary neighbour; never in silence."""
    converted = _number(column, said)
    assert isinstance(converted, Converted)
    assert (converted.value, bool(converted.warning)) == (number, warns)


@pytest.mark.parametrize(
    ("column", "said", "words"),
    [
        (WHOLE, -1, "whole numbers from 0 to 1000000"),
        (WHOLE, "1000001", "whole numbers from 0 to 1000000"),
        (WHOLE, 1e300, "out of range"),
        (MONEY, "-0.01", "numbers from 0 to 1000000000000"),
        (FREE, "1000000.001", "numbers from -1000 to 1000000"),
        (Column(name="x", type="Integer"), 2**31, "to 2147483647"),
        (Column(name="x", type="Integer", maximum=2**40), 2**31, "to 2147483647"),
        (Column(name="x", type="BigInt"), 2**63, "to 9223372036854775807"),
        (Column(name="x", type="Decimal", minimum=-10.0, maximum=10.0), 11, "numbers from -10 to 10."),
        (Column(name="x", type="Double", minimum=0.5, maximum=1.5), 2, "numbers from 0.5 to 1.5"),
    ],
)
def test_out_of_range(column: Column, said: FieldValue, words: str) -> None:
    """It is left out; the message says what would be accepted, by metadata or by the type."""
    refused = _number(column, said)
    assert isinstance(refused, Misfit)
    assert words in refused.message


@pytest.mark.parametrize(
    ("kind", "said", "number"),
    [
        ("Integer", 2**31 - 1, 2**31 - 1),
        ("BigInt", str(2**63 - 1), 2**63 - 1),
        ("Decimal", "0.0000000001", 1e-10),
        ("Double", "0.00001", 1e-5),
        ("Money", "0.0001", 0.0001),
        ("Money", "922337203685477", 922337203685477),
    ],
)
def test_types_without_facts(kind: str, said: FieldValue, number: float) -> None:
    """Mappings that were stored before ranges were read take what the type takes."""
    assert _wire(Column(name="x", type=kind), said) == number


def test_more_digits_than_json_keeps() -> None:
    """What a double cannot hold is told."""
    converted = _number(Column(name="x", type="Money", precision=4), "922337203685476.1234")
    assert isinstance(converted, Converted)
    assert "rounded" in converted.warning


@given(
    value=field_values | st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str),
    kind=st.sampled_from(NUMBERS),
    bounds=st.lists(st.integers(-(10**9), 10**9), min_size=2, max_size=2).map(sorted),
    precision=st.integers(0, 10),
    transform=st.none() | st.sampled_from(Transform),
)
@example(value="9" * 5000, kind="BigInt", bounds=[0, 1], precision=0, transform=None)
@example(value=1e308, kind="Double", bounds=[0, 1], precision=5, transform=None)
@example(value=5e-324, kind="Double", bounds=[0, 1], precision=5, transform=None)
def test_a_converted_number_fits_its_column(
    value: FieldValue, kind: str, bounds: list[int], precision: int, transform: Transform | None
) -> None:
    """Within its range, with no more digits than its precision, and whole where it must be; nothing is raised."""
    column = Column(name="x", type=kind, minimum=bounds[0], maximum=bounds[1], precision=precision)
    converted = _number(column, value, transform)
    if isinstance(converted, Misfit):
        return
    assert isinstance(converted.value, int | float)
    assert not isinstance(converted.value, bool)
    assert bounds[0] <= converted.value <= bounds[1]
    assert converted.value == round(converted.value, 0 if kind in ("Integer", "BigInt") else precision)
    assert isinstance(converted.value, int) or kind not in ("Integer", "BigInt")


@given(
    number=st.integers(-999_999_999, 999_999_999),
    cents=st.integers(0, 99),
    by=st.sampled_from(["en", "de", "fr", "ch"]),
)
def test_every_way_of_writing_is_read_back(number: int, cents: int, by: str) -> None:
    """What a country writes with thousands and two decimals is the number that was meant, without a warning."""
    thousands, point = {"en": (",", "."), "de": (".", ","), "fr": ("\u202f", ","), "ch": ("'", ".")}[by]
    sign = "-" if number < 0 else ""
    written = f"{sign}{abs(number):,}".replace(",", thousands) + f"{point}{cents:02}"
    column = Column(name="x", type="Money", precision=2)
    assert _number(column, written) == Converted(_wire(column, float(f"{sign}{abs(number)}.{cents:02}")))
