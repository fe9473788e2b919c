"""A filter's tree → SQL, with every value as a parameter.

Duty: what names, operators and functions mean for the rows of a table. SQL's three values are kept on purpose: what is
neither true nor false leaves the row out, as documented.
"""

# ruff: noqa: S608  # names in SQL come from the schema; values are always parameters

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final

from infra.local.dynamics import errors
from infra.local.dynamics.callers import Caller
from infra.local.dynamics.collation import fold
from infra.local.dynamics.crm_call import Asked
from infra.local.dynamics.crm_functions import FUNCTIONS
from infra.local.dynamics.filter_tree import (
    And,
    Call,
    Compare,
    CrmCall,
    Kind,
    Lambda,
    Literal,
    Node,
    Not,
    Or,
    Path,
)
from infra.local.dynamics.privileges import Verb
from infra.local.dynamics.reach import within_reach
from infra.local.dynamics.schema import (
    FRACTION_KINDS,
    LOOKUP_KINDS,
    TEXT_KINDS,
    WHOLE_KINDS,
    Association,
    Children,
    Column,
    Schema,
    Table,
)
from infra.local.dynamics.sql import Sql, joined
from infra.local.dynamics.values import moment_text

_SIGNS: Final = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_NUMBERS: Final = frozenset({"Int32", "Int64", "Decimal", "Double"})
_DATES: Final = frozenset({"DateTimeOffset", "Date"})


@dataclass(frozen=True, slots=True)
class Scope:
    """The rows a name is looked up in, and how the SQL calls them."""

    table: Table
    alias: str = ""
    variables: Mapping[str, "Scope"] = field(default_factory=dict)
    row: str | None = None
    """The id, when it is one row and no table of the SQL's."""

    def id(self) -> Sql:
        return Sql(f'{self.alias}."{self.table.id}"') if self.row is None else Sql("?", (self.row,))


@dataclass(frozen=True, slots=True)
class Term:
    """One side of a comparison. `type` is OData's name for what it is."""

    sql: Sql
    type: str


class FilterSql:
    """`index` is told about columns that equality is asked of."""

    def __init__(
        self, schema: Schema, *, now: datetime, caller: Caller, index: Callable[[Table, Column], None]
    ) -> None:
        self.schema = schema
        self._now = now
        self._caller = caller
        self._index = index
        self._aliases = 0

    def condition(self, node: Node, scope: Scope) -> Sql:
        """What must be true of a row."""
        match node:
            case And(operands) | Or(operands):
                word = " AND " if isinstance(node, And) else " OR "
                return joined(word, [self.condition(operand, scope) for operand in operands])
            case Not(operand):
                return self.condition(operand, scope).wrapped("NOT (", ")")
            case Literal(Kind.BOOLEAN, value):
                return Sql("1" if value else "0")
        return self._simple(node, scope)

    def _simple(self, node: Node, scope: Scope) -> Sql:
        match node:
            case Compare():
                return self._comparison(node, scope)
            case Call():
                return self._text_function(node, scope)
            case CrmCall():
                return self._crm_function(node, scope)
            case Lambda():
                return self._lambda(node, scope)
            case Path():
                return self._flag(node, scope)
        raise errors.query_invalid("The $filter expression must evaluate to a single boolean value.")

    def path(self, names: tuple[str, ...], scope: Scope) -> Term:
        """A column, also behind navigation properties."""
        if len(names) > 1 and names[0] in scope.variables:
            return self.path(names[1:], scope.variables[names[0]])
        if len(names) > 1:
            return self._behind(names, scope)
        column = scope.table.readable_names.get(names[0] if names else "")
        if column is None:
            raise errors.property_unknown("/".join(names), scope.table.name)
        return Term(Sql(f'{scope.alias}."{column.name}"'), edm_type(column))

    def _behind(self, names: tuple[str, ...], scope: Scope) -> Term:
        single = scope.table.singles.get(names[0])
        target = self.schema.tables.get(single.target) if single else None
        if single is None or target is None:
            raise errors.property_unknown(names[0], scope.table.name)
        self._caller.require(Verb.READ, target)
        inner = Scope(target, self._alias())
        term = self.path(names[1:], inner)
        column = scope.table.columns[single.column]
        on = f'{inner.alias}."{target.id}" = {scope.alias}."{column.name}"'
        if column.type_name:
            on += f" AND {scope.alias}.\"{column.type_name}\" = '{target.name}'"
        reach = within_reach(self._caller, target, inner.alias)
        text = f'(SELECT {term.sql.text} FROM "{target.name}" AS {inner.alias} WHERE {on} AND {reach.text})'
        return Term(Sql(text, (*term.sql.values, *reach.values)), term.type)

    def _comparison(self, node: Compare, scope: Scope) -> Sql:
        for value, other in ((node.right, node.left), (node.left, node.right)):
            if isinstance(value, Literal) and value.kind is Kind.NULL:
                return self._null(node.operator, other, scope)
        _require_one_row(node)
        if node.operator == "eq":
            self._note_equality(node.left, scope)
            self._note_equality(node.right, scope)
        left, right = self._term(node.left, scope), self._term(node.right, scope)
        _require_same_type(left.type, right.type, node.operator)
        if "String" in {left.type, right.type}:
            left, right = _folded(left, node.left), _folded(right, node.right)
        return Sql(f"{left.sql.text} {_SIGNS[node.operator]} {right.sql.text}", (*left.sql.values, *right.sql.values))

    def _null(self, operator: str, other: Node, scope: Scope) -> Sql:
        if operator not in {"eq", "ne"}:
            return Sql("NULL")
        term = self._term(other, scope)
        return term.sql.wrapped("", " IS NULL" if operator == "eq" else " IS NOT NULL")

    def _note_equality(self, node: Node, scope: Scope) -> None:
        if isinstance(node, Path) and len(node.names) == 1 and node.names[0] in scope.table.readable_names:
            self._index(scope.table, scope.table.readable_names[node.names[0]])

    def _term(self, node: Node, scope: Scope) -> Term:
        if isinstance(node, Path):
            return self.path(node.names, scope)
        if isinstance(node, Literal):
            return Term(Sql("?", (_parameter(node),)), str(node.kind))
        return Term(self.condition(node, scope).wrapped("(", ")"), "Boolean")

    def _flag(self, node: Path, scope: Scope) -> Sql:
        term = self.path(node.names, scope)
        if term.type != "Boolean":
            raise errors.query_invalid("The $filter expression must evaluate to a single boolean value.")
        return term.sql

    def _text_function(self, node: Call, scope: Scope) -> Sql:
        match node.arguments:
            case (Path(names), Literal(Kind.STRING, value)):
                term = self.path(names, scope)
                if term.type != "String":
                    raise errors.query_invalid(f"No function signature for the function with name '{node.name}'.")
                before, after = _WILDCARDS[node.name]
                return Sql(f"matches({term.sql.text}, ?)", (*term.sql.values, f"{before}{value}{after}"))
        raise errors.query_invalid(f"No function signature for the function with name '{node.name}'.")

    def _crm_function(self, node: CrmCall, scope: Scope) -> Sql:
        function = FUNCTIONS.get(node.name)
        if function is None:
            raise errors.not_simulated(f"the function Microsoft.Dynamics.CRM.{node.name}")
        if scope.variables:
            raise errors.not_simulated("functions of Microsoft.Dynamics.CRM within any and all")
        name = node.parameters.get("PropertyName")
        column = _property(scope.table, name.value if name else None)
        self._index(scope.table, column)
        asked = Asked(column, f'{scope.alias}."{column.name}"', node.parameters, self._now, self._caller)
        return function.condition(asked)

    def _lambda(self, node: Lambda, scope: Scope) -> Sql:
        inner, rows = self._members(node.path.names, scope)
        if node.body is None:
            return rows.wrapped("EXISTS (SELECT 1 ", ")")
        # Names without the variable are the outer row's.
        body = self.condition(node.body, replace(scope, variables={**scope.variables, node.variable: inner}))
        if node.quantifier == "any":
            return joined(" AND ", [rows, body]).wrapped("EXISTS (SELECT 1 ", ")")
        not_true = body.wrapped("(", ") IS NOT TRUE")
        return joined(" AND ", [rows, not_true]).wrapped("NOT EXISTS (SELECT 1 ", ")")

    def _members(self, names: tuple[str, ...], scope: Scope) -> tuple[Scope, Sql]:
        """A collection of the row or of a lambda's variable; behind a lookup, Dataverse supports none."""
        outer, rest = scope, names
        if names[0] in scope.variables:
            outer, rest = scope.variables[names[0]], names[1:]
        relation = self.schema.collections(outer.table.name).get(rest[0]) if len(rest) == 1 else None
        if relation is None:
            raise errors.property_unknown("/".join(rest), outer.table.name)
        return self.related(relation, outer)

    def related(self, relation: Children | Association, outer: Scope) -> tuple[Scope, Sql]:
        """The other side of a collection, and `FROM … WHERE …` for those of its rows that the caller may see."""
        scope, rows = self._related(relation, outer)
        self._caller.require(Verb.READ, scope.table)
        return scope, joined(" AND ", [rows, within_reach(self._caller, scope.table, scope.alias)])

    def _related(self, relation: Children | Association, outer: Scope) -> tuple[Scope, Sql]:
        alias = self._alias()
        if isinstance(relation, Association):
            target = self.schema.tables[relation.target]
            intersect = self.schema.tables[relation.intersect]
            self._index(intersect, intersect.columns[relation.near])
            pairs = f'SELECT "{relation.far}" FROM "{relation.intersect}" WHERE "{relation.near}" = '
            rows = f'FROM "{target.name}" AS {alias} WHERE {alias}."{target.id}" IN ({pairs}'
            return Scope(target, alias), outer.id().wrapped(rows, ")")
        child = self.schema.tables[relation.child]
        column = child.columns[relation.column]
        self._index(child, column)
        rows = f'FROM "{child.name}" AS {alias} WHERE {alias}."{column.name}" = '
        fits = f" AND {alias}.\"{column.type_name}\" = '{outer.table.name}'" if column.type_name else ""
        return Scope(child, alias), outer.id().wrapped(rows, fits)

    def _alias(self) -> str:
        self._aliases += 1
        return f"t{self._aliases}"


_WILDCARDS: Final = {"contains": ("%", "%"), "startswith": ("", "%"), "endswith": ("%", "")}


def edm_type(column: Column) -> str:
    if column.kind in TEXT_KINDS:
        return "String"
    if column.kind in WHOLE_KINDS:
        return "Int64" if column.kind == "BigInt" else "Int32"
    if column.kind in FRACTION_KINDS:
        return "Double" if column.kind == "Double" else "Decimal"
    if column.kind in LOOKUP_KINDS or column.kind == "Uniqueidentifier":
        return "Guid"
    if column.kind == "DateTime":
        return "Date" if column.is_date_only else "DateTimeOffset"
    return "Boolean" if column.kind == "Boolean" else "Binary"


def _property(table: Table, name: object) -> Column:
    """Functions name a column by its logical name or as a property."""
    column = table.readable_names.get(str(name)) or table.columns.get(str(name))
    if column is None:
        raise errors.property_unknown(str(name), table.name)
    return column


def _require_one_row(node: Compare) -> None:
    """Columns are compared with columns of the same row only."""
    match node:
        case Compare(_, Path(left), Path(right)) if left[:-1] != right[:-1]:
            raise errors.query_invalid("Columns can be compared within one row only.")


def _require_same_type(left: str, right: str, operator: str) -> None:
    same = left == right or {left, right} <= _NUMBERS or (left == "DateTimeOffset" and right == "Date")
    if not same:
        raise errors.types_differ(left, right, operator)


def _folded(term: Term, node: Node) -> Term:
    if isinstance(node, Literal):
        return Term(Sql("?", (fold(str(node.value)),)), term.type)
    return Term(term.sql.wrapped("fold(", ")"), term.type)


def _parameter(literal: Literal) -> Any:
    match literal.value:
        case datetime():
            return moment_text(literal.value)
        case date():
            return literal.value.isoformat()
        case bool():
            return int(literal.value)
        case int() if abs(literal.value) >= 2**63:
            raise errors.query_invalid(f"Invalid number: {literal.value}")
    return literal.value
