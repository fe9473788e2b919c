"""What a `$filter` says, as a tree. No meaning yet: names are as written."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a literal is; the values are OData's names."""

    STRING = "String"
    NUMBER = "Int32"
    FRACTION = "Decimal"
    BOOLEAN = "Boolean"
    GUID = "Guid"
    MOMENT = "DateTimeOffset"
    DATE = "Date"
    NULL = "Null"
    ENUM = "Enum"
    LIST = "Collection"


@dataclass(frozen=True, slots=True)
class Literal:
    kind: Kind
    value: object


@dataclass(frozen=True, slots=True)
class Path:
    """A property, or one behind navigation properties."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """contains, startswith, endswith."""

    name: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class CrmCall:
    """One of the functions in Microsoft.Dynamics.CRM."""

    name: str
    parameters: Mapping[str, Literal]


@dataclass(frozen=True, slots=True)
class Compare:
    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Lambda:
    """any or all, over a collection."""

    quantifier: str
    path: Path
    variable: str
    body: "Node | None"


@dataclass(frozen=True, slots=True)
class Not:
    operand: "Node"


@dataclass(frozen=True, slots=True)
class And:
    operands: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Or:
    operands: tuple["Node", ...]


Node = Literal | Path | Call | CrmCall | Compare | Lambda | Not | And | Or
