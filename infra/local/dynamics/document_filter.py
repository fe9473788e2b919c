"""A `$filter` over metadata documents.

Duty: comparisons with and/or/not on properties, one level down too (`RequiredLevel/Value`), enumerations included.
"""

from collections.abc import Callable, Mapping
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Final

from infra.local.dynamics import errors
from infra.local.dynamics.filter_tree import And, Call, Compare, Literal, Node, Not, Or, Path

_OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": eq, "ne": ne, "gt": gt, "ge": ge, "lt": lt, "le": le,
}  # fmt: skip
_FUNCTIONS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "contains": lambda text, part: part in text,
    "startswith": str.startswith,
    "endswith": str.endswith,
}


def holds(node: Node, document: Mapping[str, Any]) -> bool:
    match node:
        case And(operands):
            return all(holds(operand, document) for operand in operands)
        case Or(operands):
            return any(holds(operand, document) for operand in operands)
        case Not(operand):
            return not holds(operand, document)
        case Compare(operator, left, right):
            return _compare(operator, _value(left, document), _value(right, document))
        case Call(name, (text, part)):
            return _FUNCTIONS[name](str(_value(text, document) or ""), str(_value(part, document)))
        case Path():
            return _value(node, document) is True
    raise errors.query_invalid("The filter is not supported for metadata.")


def _compare(operator: str, left: Any, right: Any) -> bool:
    try:
        return _OPERATORS[operator](left, right)
    except TypeError:
        return False


def _value(node: Node, document: Mapping[str, Any]) -> Any:
    if isinstance(node, Literal):
        return node.value
    if not isinstance(node, Path):
        raise errors.query_invalid("The filter is not supported for metadata.")
    value: Any = document
    for name in node.names:
        if not isinstance(value, Mapping) or name not in value:
            raise errors.property_unknown(name, str(document["#type"]))
        value = value[name]
    return value
