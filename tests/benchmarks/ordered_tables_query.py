"""What `ordered_tables` understands of filters: comparisons of a property with a constant, joined by `and`.

https://learn.microsoft.com/rest/api/storageservices/querying-tables-and-entities
"""

import json
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

_COMPARISON = re.compile(
    r"\s*(?P<name>\w+) (?P<operator>eq|ne|gt|ge|lt|le) "
    r"(?:(?P<type>datetime)?'(?P<text>(?:[^']|'')*)'|(?P<plain>[\w.+-]+))\s*(?:and|$)"
)
_OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    name: getattr(operator, name) for name in ("eq", "ne", "gt", "ge", "lt", "le")
}
_IN_SQL: Final = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_COLUMNS: Final = {"PartitionKey": "partition", "RowKey": "row", "Timestamp": "at"}


@dataclass(frozen=True, slots=True)
class Condition:
    name: str
    operator: str
    value: Any

    def holds(self, entity: Mapping[str, Any]) -> bool:
        """What the entity does not have fits nothing."""
        return self.name in entity and _OPERATORS[self.operator](entity[self.name], self.value)


def conditions_of(text: str) -> list[Condition]:
    found, at = [], 0
    while at < len(text):
        comparison = _COMPARISON.match(text, at)
        assert comparison, text
        plain, quoted = comparison["plain"], comparison["text"]
        value = json.loads(plain) if plain is not None else quoted.replace("''", "'")
        found.append(Condition(comparison["name"], comparison["operator"], value))
        at = comparison.end()
    return found


def bounds_of(conditions: Iterable[Condition]) -> tuple[list[tuple[str, str, Any]], list[Condition]]:
    """Those that the table's key answers, as column, SQL's operator and value; and the others."""
    bounds, others = [], []
    for each in conditions:
        if each.name in _COLUMNS:
            bounds.append((_COLUMNS[each.name], _IN_SQL[each.operator], each.value))
        else:
            others.append(each)
    return bounds, others
