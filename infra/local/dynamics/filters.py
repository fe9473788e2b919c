"""`$filter` as a condition for the store. The grammar is odata-query's; the meaning is Dataverse's.

Text compares by the server's collation, `contains` and its kin treat `%`, `_` and brackets as wildcards, a comparison
with null leaves no doubt, and 500 conditions are the most.
https://learn.microsoft.com/power-apps/developer/data-platform/webapi/query/filter-rows
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from odata_query import ast
from odata_query.exceptions import ODataException
from odata_query.grammar import ODataLexer, ODataParser

from infra.local.dynamics import refusals
from infra.local.dynamics.collation import folded
from infra.local.dynamics.tables import Column, Table

CONDITIONS_MOST = 500
_OPERATORS = {ast.Eq: "=", ast.NotEq: "<>", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_TEXT = {"String", "Memo", "EntityName"}
_FUNCTION = re.compile(r"Microsoft\.Dynamics\.CRM\.(\w+)\(((?:[^()\"']|\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*')*)\)")
_PROPERTY = re.compile(r"PropertyName\s*=\s*(?:'([^']*)'|(\w+))")
_VALUES = re.compile(r"PropertyValues\s*=\s*(\[.*\])", re.DOTALL)
_ALIAS = re.compile(r"@(\w+)\b(?=(?:[^']*'[^']*')*[^']*$)")


class Condition(NamedTuple):
    sql: str
    parameters: tuple[Any, ...]


def condition(text: str, table: Table, tables: Mapping[str, Table], aliases: Mapping[str, str]) -> Condition:
    """Raises Refusal."""
    tree = _parsed(_with_lists(_ALIAS.sub(lambda match: aliases.get(match[1], match[0]), text)))
    if _size(tree) > CONDITIONS_MOST:
        raise refusals.too_many_conditions()
    return _Compiler(table, tables).compiled(tree)


@lru_cache(maxsize=2000)
def _parsed(text: str) -> Any:
    try:
        return ODataParser().parse(ODataLexer().tokenize(text))
    except ODataException as error:
        raise refusals.bad_query(f"Syntax error in the $filter: {type(error).__name__}.") from None


def _with_lists(text: str) -> str:
    """`In(PropertyName='a',PropertyValues=["x"])` in the grammar's own words: `a in ('x')`."""

    def listed(match: re.Match[str]) -> str:
        name, values = _PROPERTY.search(match[2]), _VALUES.search(match[2])
        if match[1] != "In" or not name or not values:
            raise refusals.bad_query(f"The function Microsoft.Dynamics.CRM.{match[1]} is not simulated.")
        try:
            items = json.loads(values[1])
        except ValueError:
            raise refusals.bad_query("PropertyValues must be a JSON array.") from None
        quoted = ", ".join("'" + str(item).replace("'", "''") + "'" for item in items)
        return f"{name[1] or name[2]} in ({quoted},)" if len(items) == 1 else f"{name[1] or name[2]} in ({quoted})"

    return _FUNCTION.sub(listed, text)


def _size(tree: Any) -> int:
    match tree:
        case ast.BoolOp():
            return _size(tree.left) + _size(tree.right)
        case ast.UnaryOp():
            return _size(tree.operand)
        case _:
            return 1


class _Compiler:
    def __init__(self, table: Table, tables: Mapping[str, Table], alias: str = "") -> None:
        self._table = table
        self._tables = tables
        self._prefix = f"{alias}." if alias else ""

    def compiled(self, tree: Any) -> Condition:
        match tree:
            case ast.BoolOp():
                left, right = self.compiled(tree.left), self.compiled(tree.right)
                word = "AND" if isinstance(tree.op, ast.And) else "OR"
                return Condition(f"({left.sql} {word} {right.sql})", left.parameters + right.parameters)
            case ast.UnaryOp() if isinstance(tree.op, ast.Not):
                inner = self.compiled(tree.operand)
                return Condition(f"NOT ({inner.sql})", inner.parameters)
            case ast.Compare():
                return self._comparison(tree)
            case ast.Call():
                return self._call(tree)
            case _:
                raise refusals.bad_query(f"{type(tree).__name__} is not supported in $filter.")

    def _comparison(self, tree: Any) -> Condition:
        if isinstance(tree.left, ast.Attribute):
            return self._through_lookup(tree)
        column = self._column(tree.left)
        if isinstance(tree.comparator, ast.In):
            values = tuple(self._value(column, item) for item in tree.right.val)
            marks = ", ".join("?" for _ in values)
            return Condition(f"{self._sql(column)} IN ({marks})", values)
        operator = _OPERATORS[type(tree.comparator)]
        if isinstance(tree.right, ast.Null):
            return Condition(f'{self._prefix}"{column.name}" IS {"" if operator == "=" else "NOT "}NULL', ())
        if isinstance(tree.right, ast.Identifier):
            return Condition(f"{self._sql(column)} {operator} {self._sql(self._column(tree.right))}", ())
        return Condition(f"{self._sql(column)} {operator} ?", (self._value(column, tree.right),))

    def _through_lookup(self, tree: Any) -> Condition:
        """`campaignid/name eq 'x'`: a condition on the row a lookup leads to."""
        if not isinstance(tree.left.owner, ast.Identifier) or tree.left.owner.name not in self._table.binds:
            raise refusals.unknown_property(str(getattr(tree.left.owner, "name", "?")), self._table.name)
        column, target_name = self._table.binds[tree.left.owner.name]
        target = self._tables.get(target_name)
        if target is None:
            raise refusals.bad_query(f"The table {target_name} is not simulated.")
        inner = ast.Compare(tree.comparator, ast.Identifier(tree.left.attr), tree.right)
        there = _Compiler(target, self._tables, "there").compiled(inner)
        outer = f'{self._prefix}"{column.name}"' if self._prefix else f'"{self._table.name}"."{column.name}"'
        sql = f'EXISTS (SELECT 1 FROM "{target.name}" there WHERE there."{target.id_column}" = {outer} AND {there.sql})'
        return Condition(sql, there.parameters)

    def _call(self, tree: Any) -> Condition:
        patterns = {"contains": "%{}%", "startswith": "{}%", "endswith": "%{}"}
        pattern = patterns.get(tree.func.name)
        if pattern is None or not isinstance(tree.args[1], ast.String):
            raise refusals.bad_query(f"The function {tree.func.name} is not supported in $filter.")
        column = self._column(tree.args[0])
        if column.type not in _TEXT:
            raise refusals.bad_query(f"{tree.func.name} takes a text column, not {column.name}.")
        glob = _as_glob(pattern.format(folded(tree.args[1].val)))
        return Condition(f"{self._sql(column)} GLOB ?", (glob,))

    def _column(self, identifier: Any) -> Column:
        name = getattr(identifier, "name", None)
        column = self._table.by_read_name.get(name) if isinstance(name, str) else None
        if column is None:
            raise refusals.unknown_property(str(name), self._table.name)
        return column

    def _sql(self, column: Column) -> str:
        quoted = f'{self._prefix}"{column.name}"'
        return f"fold({quoted})" if column.type in _TEXT else quoted

    def _value(self, column: Column, literal: Any) -> Any:
        """The literal as it is stored; one of the wrong type is refused."""
        text = getattr(literal, "val", None)
        match literal:
            case ast.String() if column.type in _TEXT:
                return folded(str(text))
            case ast.Boolean() if column.type == "Boolean":
                return int(str(text).lower() == "true")
            case ast.Integer() | ast.Float() if column.type not in _TEXT | {"Boolean", "Uniqueidentifier", "DateTime"}:
                return float(str(text)) if isinstance(literal, ast.Float) else int(str(text))
            case ast.GUID() | ast.String() if column.is_lookup or column.type == "Uniqueidentifier":
                return str(text).lower()
            case ast.String() if column.type in ("Integer", "Picklist", "State", "Status", "BigInt"):
                return int(str(text))  # In takes numbers as texts
            case ast.DateTime() | ast.Date() if column.type == "DateTime":
                return str(text)
            case _:
                found = f"'{column.type}' and '{type(literal).__name__}'"
                raise refusals.bad_query(f"A binary operator with incompatible types was detected: {found}.")


def _as_glob(pattern: str) -> str:
    """SQL Server's wildcards (`%`, `_`, `[..]`, `[^..]`) as SQLite's GLOB knows them."""
    escaped = pattern.replace("*", "[*]").replace("?", "[?]")
    return escaped.replace("%", "*").replace("_", "?")
