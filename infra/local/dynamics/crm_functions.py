"""Query functions of Microsoft.Dynamics.CRM → SQL.

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/reference/queryfunctions

Duty: sets, ranges, choices and the caller's ids, and the list of all functions there are here; those that are not are
refused by name.
"""

from collections.abc import Mapping
from typing import Final

from infra.local.dynamics import errors
from infra.local.dynamics.crm_call import Asked, Function
from infra.local.dynamics.crm_date_functions import DATE_FUNCTIONS
from infra.local.dynamics.schema import FRACTION_KINDS, LOOKUP_KINDS, TEXT_KINDS, WHOLE_KINDS
from infra.local.dynamics.sql import Sql

_IDS: Final = LOOKUP_KINDS | {"Uniqueidentifier"}
_ORDERED: Final = TEXT_KINDS | WHOLE_KINDS | FRACTION_KINDS | {"DateTime"}
_CHOICES: Final = frozenset({"MultiSelectPicklist"})


def _in(asked: Asked) -> Sql:
    values = asked.values
    return Sql(f"{asked.term} IN ({', '.join('?' * len(values))})", tuple(values))


def _not_in(asked: Asked) -> Sql:
    return _in(asked).wrapped("NOT (", ")")


def _between(asked: Asked) -> Sql:
    values = asked.values
    if len(values) != 2:  # noqa: PLR2004  # a lower and an upper end
        raise errors.query_invalid("Between takes two values.")
    return Sql(f"{asked.term} BETWEEN ? AND ?", tuple(values))


def _not_between(asked: Asked) -> Sql:
    return _between(asked).wrapped("NOT (", ")")


def _is_caller(asked: Asked) -> Sql:
    return Sql(f"{asked.sql} = ?", (asked.caller.user_id,))


def _is_not_caller(asked: Asked) -> Sql:
    return Sql(f"{asked.sql} <> ?", (asked.caller.user_id,))


def _is_callers_unit(asked: Asked) -> Sql:
    return Sql(f"{asked.sql} = ?", (asked.caller.business_unit_id,))


def _is_not_callers_unit(asked: Asked) -> Sql:
    return Sql(f"{asked.sql} <> ?", (asked.caller.business_unit_id,))


def _contain_values(asked: Asked) -> Sql:
    """A multi-select column holds `1,3`; any of the values is enough."""
    values = [f"%,{value},%" for value in asked.values]
    terms = [f"(',' || {asked.sql} || ',') LIKE ?"] * len(values)
    return Sql(f"({' OR '.join(terms) or '0'})", tuple(values))


def _contain_no_values(asked: Asked) -> Sql:
    return _contain_values(asked).wrapped("NOT ", "")


FUNCTIONS: Final[Mapping[str, Function]] = {
    **DATE_FUNCTIONS,
    "In": Function(_in, _ORDERED | _IDS | {"Boolean"}, "PropertyValues"),
    "NotIn": Function(_not_in, _ORDERED | _IDS | {"Boolean"}, "PropertyValues"),
    "Between": Function(_between, _ORDERED, "PropertyValues"),
    "NotBetween": Function(_not_between, _ORDERED, "PropertyValues"),
    "EqualUserId": Function(_is_caller, _IDS),
    "NotEqualUserId": Function(_is_not_caller, _IDS),
    "EqualBusinessId": Function(_is_callers_unit, _IDS),
    "NotEqualBusinessId": Function(_is_not_callers_unit, _IDS),
    "ContainValues": Function(_contain_values, _CHOICES, "PropertyValues"),
    "DoesNotContainValues": Function(_contain_no_values, _CHOICES, "PropertyValues"),
}
