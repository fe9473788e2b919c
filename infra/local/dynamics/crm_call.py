"""One call of a Microsoft.Dynamics.CRM query function: the column it is about, its parameters, who asks and when.

Duty: that a function gets the parameters and the kind of column it is made for, and values as the database keeps them.
What functions mean is `crm_functions`' and `crm_date_functions`'.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from infra.local.dynamics import errors
from infra.local.dynamics.callers import Caller
from infra.local.dynamics.collation import fold
from infra.local.dynamics.filter_parser import moment
from infra.local.dynamics.filter_tree import Literal
from infra.local.dynamics.schema import FRACTION_KINDS, LOOKUP_KINDS, TEXT_KINDS, WHOLE_KINDS, Column
from infra.local.dynamics.sql import Sql
from infra.local.dynamics.values import guid, moment_text

_MAX_TEXT: Final = 850


@dataclass(frozen=True, slots=True)
class Asked:
    column: Column
    sql: str
    """The column."""
    parameters: Mapping[str, Literal]
    now: datetime
    caller: Caller

    @property
    def value(self) -> Any:
        return self.parameters["PropertyValue"].value

    @property
    def values(self) -> list[Any]:
        """As the database keeps them; they come as texts, whatever the column holds."""
        given = self.parameters["PropertyValues"].value
        if not isinstance(given, list) or not all(isinstance(value, str) for value in given):
            raise errors.query_invalid("PropertyValues must be a collection of strings.")
        return [self._stored(value) for value in given]

    @property
    def term(self) -> str:
        """What is compared."""
        return f"fold({self.sql})" if self.column.kind in TEXT_KINDS else self.sql

    def _stored(self, value: str) -> Any:
        try:
            if self.column.is_date_only:
                return date.fromisoformat(value).isoformat()
            return _STORED.get(self.column.kind, _text)(value)
        except ValueError:
            raise errors.query_invalid(f"The value '{value}' does not fit {self.column.name}.") from None


@dataclass(frozen=True, slots=True)
class Function:
    carry_out: Callable[[Asked], Sql]
    kinds: frozenset[str]
    """Of columns that it can be asked of."""
    parameter: str | None = None
    """Its name, beside PropertyName."""

    def condition(self, asked: Asked) -> Sql:
        wanted = {"PropertyName", self.parameter} - {None}
        if asked.parameters.keys() != wanted:
            raise errors.query_invalid(f"The function takes the parameters {', '.join(sorted(map(str, wanted)))}.")
        if asked.column.kind not in self.kinds:
            raise errors.query_invalid(f"The function cannot be used with {asked.column.name}.")
        return self.carry_out(asked)


def _text(value: str) -> str:
    if len(value) > _MAX_TEXT:
        raise errors.query_invalid(f"A value is longer than {_MAX_TEXT} characters.")
    return str(fold(value))


def _guid(value: str) -> str:
    found = guid(value)
    if found is None:
        raise ValueError(value)
    return found


def _moment(value: str) -> str:
    return moment_text(moment(value if "T" in value else f"{value}T00:00:00Z"))


def _flag(value: str) -> int:
    return ["0", "1", "false", "true"].index(value.lower()) % 2


_STORED: Final[Mapping[str, Callable[[str], Any]]] = {
    **dict.fromkeys(WHOLE_KINDS, int),
    **dict.fromkeys(FRACTION_KINDS, float),
    **dict.fromkeys((*LOOKUP_KINDS, "Uniqueidentifier"), _guid),
    "Boolean": _flag,
    "DateTime": _moment,
}
