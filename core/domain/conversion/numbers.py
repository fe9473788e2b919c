"""Numbers as people write them, into the range and the precision of their column.

What is read: `1.234,56`, `1,234.56`, `1 234`, `1'234.50`, `12,34,567`, `€ 1.200`, `1.200,- EUR`, `12%` (which is 12).
The rules: with both signs, the last one is the decimal one; a sign that stands twice groups thousands; a lone sign is
the decimal one, except before exactly three digits (`1,234`), where it could be either: there it groups thousands,
with a warning, unless the row's `transform` names the decimal sign. Digits beyond the precision are rounded half up,
away from zero, with a warning.
"""

import re
import unicodedata
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext

from core.domain.conversion.outcome import Converted, Misfit, Rules, Transform, quoted
from core.domain.table import Column
from core.domain.values import FieldValue, as_text

_LONGEST = 60  # characters; no number that a column takes is as long
_LARGEST_EXPONENT = 30
_DIGITS_MOST = 100  # for arithmetic that loses nothing on the way

# What a type takes where metadata does not say: https://learn.microsoft.com/power-apps/maker/data-platform/types-of-fields
_WHOLE = ("Integer", "BigInt")
_RANGES = {
    "Integer": (-(2**31), 2**31 - 1),
    "BigInt": (-(2**63), 2**63 - 1),
    "Decimal": (-100_000_000_000, 100_000_000_000),
    "Double": (-100_000_000_000, 100_000_000_000),
    "Money": (-922_337_203_685_477, 922_337_203_685_477),
}
_PRECISIONS = {"Integer": 0, "BigInt": 0, "Decimal": 10, "Double": 5, "Money": 4}

_CURRENCY_CODES = (
    "AED AUD BGN BRL CAD CHF CLP CNY COP CZK DKK EUR GBP HKD HUF IDR ILS INR ISK JPY KRW MXN MYR NOK NZD PEN PHP PLN "
    "QAR RON RSD RUB SAR SEK SGD THB TRY TWD UAH USD VND ZAR"
)
_CURRENCY_WORDS = "euro kr kr. zł kč ft fr fr. sfr sfr. lei rs rs. us$ a$ au$ c$ ca$ hk$ nt$ nz$ r$ s$"
_UNITS = {*_CURRENCY_CODES.casefold().split(), *_CURRENCY_WORDS.split()}
_PARTS = re.compile(
    r"(?P<before>(?:[^\d.,+\-−]|(?<=[a-zA-Z])\.)*)(?P<sign>[+\-−]?)(?P<between>[^\d.,+\-−]*)"
    r"(?P<body>[.,]?\d(?:[\d.,'’\s]*\d)?)(?:[.,][-–—]{1,2})?(?P<after>.*)"  # 1.200,- has no cents
)
_GROUPED_BY_SPACE = re.compile(r"(?P<whole>\d{1,3}(?P<by>[\s'’])\d{3}(?:(?P=by)\d{3})*)(?:[.,](?P<cents>\d+))?")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+|\d{1,3}(?:\.\d{3})+|\d{1,2}(?:,\d{2})+,\d{3}")  # the last by lakhs
_AMBIGUOUS = re.compile(r"[1-9]\d{0,2}(?P<sign>[.,])\d{3}")


@dataclass(frozen=True, slots=True)
class _Read:
    number: Decimal
    is_decided: bool = False  # it could be read another way too


def as_number(column: Column, value: FieldValue, rules: Rules) -> Converted | Misfit:
    """The number, rounded to the column's precision and within its range."""
    read = _read(value, rules.transform)
    said = quoted(as_text(value))
    if read is None:
        return Misfit(f"{said} is not a number; {column.name} takes {_accepted(column)}.")
    rounded = _rounded(read.number, _precision(column))
    if rounded is None or not _least(column) <= rounded <= _most(column):
        return Misfit(f"{said} is out of range; {column.name} takes {_accepted(column)}.")
    wire = _on_the_wire(rounded)
    return Converted(wire, _warning(column, said, read, Decimal(str(wire))))


def _warning(column: Column, said: str, read: _Read, wire: Decimal) -> str:
    """What was decided or lost; a row's `transform` settles the first."""
    if read.is_decided:
        return (
            f"{said} for {column.name} was read as {wire:f}, with its sign between thousands; "
            'set the row\'s transform to "decimal_comma" or "decimal_point" to settle it.'
        )
    if wire != read.number:
        return f"{said} for {column.name} was rounded to {wire:f}."
    return ""


# --- The column -------------------------------------------------------------------------------------------------------


def _least(column: Column) -> Decimal:
    least = _RANGES[column.type][0]
    return Decimal(str(least if column.minimum is None else max(column.minimum, least)))


def _most(column: Column) -> Decimal:
    most = _RANGES[column.type][1]
    return Decimal(str(most if column.maximum is None else min(column.maximum, most)))


def _precision(column: Column) -> int:
    return _PRECISIONS[column.type] if column.type in _WHOLE or column.precision is None else column.precision


def _accepted(column: Column) -> str:
    kind = "whole numbers" if column.type in _WHOLE else "numbers"
    return f"{kind} from {_least(column).normalize():f} to {_most(column).normalize():f}"


def _rounded(number: Decimal, precision: int) -> Decimal | None:
    """Half up, as people round; None for what is too large for any column."""
    if number.adjusted() > _LARGEST_EXPONENT:
        return None
    with localcontext() as context:
        context.prec = _DIGITS_MOST
        return number.quantize(Decimal(1).scaleb(-precision), rounding=ROUND_HALF_UP)


def _on_the_wire(number: Decimal) -> int | float:
    """JSON has one kind of number; whole ones are sent without a point, so that no exponent is."""
    return int(number) if number == number.to_integral_value() else float(number)


# --- What was written -------------------------------------------------------------------------------------------------


def _read(value: FieldValue, transform: Transform | None) -> _Read | None:
    if isinstance(value, list):
        return _read(value[0], transform) if len(value) == 1 else None
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        return _read_text(as_text(value), transform)
    number = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    return _Read(number) if number.is_finite() else None


def _read_text(text: str, transform: Transform | None) -> _Read | None:
    """The number in it, when what surrounds it is a currency or a percent sign."""
    found = _PARTS.fullmatch(_plain(text)) if len(text) <= _LONGEST else None
    if found is None or not (_is_unit(found["before"] + found["between"]) and _is_unit(found["after"], "%")):
        return None
    read = _unsigned(found["body"], transform)
    if read is None or found["sign"] in ("", "+"):
        return read
    return _Read(-read.number, read.is_decided)


def _plain(text: str) -> str:
    """Digits of every script as ASCII; without the marks that steer the direction of writing."""
    return "".join(
        str(unicodedata.decimal(sign)) if sign.isdecimal() else sign
        for sign in text
        if unicodedata.category(sign) != "Cf"
    )


def _is_unit(text: str, other: str = "") -> bool:
    """Nothing, or a currency by sign, code or word."""
    unit = "".join(text.split()).casefold()
    is_sign = len(unit) == 1 and unicodedata.category(unit) == "Sc"
    return is_sign or unit in ("", other) or unit in _UNITS


def _unsigned(body: str, transform: Transform | None) -> _Read | None:
    if grouped := _GROUPED_BY_SPACE.fullmatch(body):
        return _Read(_decimal(re.sub(r"\D", "", grouped["whole"]), grouped["cents"]))
    if ambiguous := _AMBIGUOUS.fullmatch(body):
        return _settled(body, ambiguous["sign"], transform)
    last = next((sign for sign in reversed(body) if sign in ".,"), "")
    whole, _, cents = body.rpartition(last) if last and body.count(last) == 1 else (body, "", "")
    if not (whole or cents).isdigit() and not _GROUPED.fullmatch(whole):
        return None
    return _Read(_decimal(re.sub("[.,]", "", whole), cents)) if not cents or cents.isdigit() else None


def _settled(body: str, sign: str, transform: Transform | None) -> _Read:
    """`1,234` by what the row says; where it says nothing, as a thousand."""
    whole, _, rest = body.partition(sign)
    decimal_signs = {Transform.DECIMAL_COMMA: ",", Transform.DECIMAL_POINT: "."}
    decimal_sign = decimal_signs.get(transform) if transform else None
    if decimal_sign == sign:
        return _Read(_decimal(whole, rest))
    return _Read(_decimal(whole + rest), is_decided=decimal_sign is None)


def _decimal(whole: str, cents: str | None = "") -> Decimal:
    return Decimal(f"{whole or '0'}.{cents or '0'}")
