"""A `$filter` as text → a tree.

Duty: the grammar that Dataverse accepts: comparison, and / or / not, parentheses, contains / startswith / endswith,
any / all, Microsoft.Dynamics.CRM functions, parameter aliases. Arithmetic, `in`, `has`, `tolower` and the like are
refused, because Dataverse refuses them. What names mean is `filter_sql`'s and `definitions`'.

Written here rather than taken from an OData library: those accept what Dataverse does not, and miss the array
values of `In`, aliases and enumerations.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Final, NoReturn

from infra.local.dynamics import errors
from infra.local.dynamics.filter_tokens import Token, tokens
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

CRM: Final = "Microsoft.Dynamics.CRM."
_OPERATORS: Final = frozenset({"eq", "ne", "gt", "ge", "lt", "le"})
_FUNCTIONS: Final = frozenset({"contains", "startswith", "endswith"})
_MAX_CONDITIONS: Final = 500
_MAX_DEPTH: Final = 60
_BARE: Final = (Path, Literal)
_END: Final = Token("end", "", -1)


def parse_filter(text: str, aliases: Mapping[str, str] | None = None) -> Node:
    """`aliases` are the query's parameters that begin with @; None where there cannot be any, as within $expand."""
    return _Parser(text, aliases).whole()


class _Parser:
    def __init__(self, text: str, aliases: Mapping[str, str] | None, *, conditions: int = 0, depth: int = 0) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._next = 0
        self._aliases = aliases
        self._conditions = conditions
        self._depth = depth

    def whole(self) -> Node:
        tree = self.expression()
        self.end()
        return tree

    # A chain of 500 `or` is one node with 500 operands: neither this nor the SQL grows deep.
    def expression(self) -> Node:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise errors.query_invalid("The expression is nested too deeply.")
        operands = self._chain("or", self._joined)
        self._depth -= 1
        return operands[0] if len(operands) == 1 else Or(tuple(operands))

    def end(self) -> None:
        if self._peek() is not _END:
            self._fail()

    def _joined(self) -> Node:
        operands = self._chain("and", self._negated)
        return operands[0] if len(operands) == 1 else And(tuple(operands))

    def _chain(self, word: str, operand: Callable[[], Node]) -> list[Node]:
        operands = [operand()]
        while self._skip(word):
            operands.append(operand())
        return operands

    def _negated(self) -> Node:
        negations = 0
        while self._skip("not"):
            negations += 1
        node = self._compared()
        return Not(node) if negations % 2 else node

    def _compared(self) -> Node:
        left = self._operand()
        operator = self._peek().text
        if operator not in _OPERATORS:
            if isinstance(left, _BARE):
                self._count()
            return left
        self._next += 1
        self._count()
        return Compare(operator, left, self._operand())

    def _operand(self) -> Node:
        if self._skip("("):
            node = self.expression()
            self._expect(")")
            return node
        token = self._take()
        if token.kind == "name":
            return self._named(token.text)
        return self._literal(token)

    def _named(self, name: str) -> Node:
        if name.startswith("@"):
            return self._alias(name)
        if self._peek().kind == "string" and name.startswith(CRM):
            return Literal(Kind.ENUM, _unquoted(self._take().text))
        if self._skip("("):
            return self._called(name)
        if name in _WORDS:
            return _WORDS[name]
        return self._path(name)

    def _alias(self, name: str) -> Node:
        if self._aliases is None:
            raise errors.query_invalid("Parameter aliases cannot be used here.")
        if name not in self._aliases:
            return Literal(Kind.NULL, None)
        # One that stands for itself ends at the limit of depth; conditions count wherever they are written.
        parser = _Parser(self._aliases[name], self._aliases, conditions=self._conditions, depth=self._depth)
        tree = parser.whole()
        # What stands for a name or a value is counted where it is used.
        self._conditions = parser._conditions - isinstance(tree, _BARE)
        return tree

    def _called(self, name: str) -> Node:
        self._count()
        if name.startswith(CRM):
            return CrmCall(name.removeprefix(CRM), self._parameters())
        if name not in _FUNCTIONS:
            raise errors.query_invalid(f"An unknown function with name '{name}' was found.")
        arguments = [self._operand()]
        while self._skip(","):
            arguments.append(self._operand())
        self._expect(")")
        return Call(name, tuple(arguments))

    def _parameters(self) -> dict[str, Literal]:
        parameters: dict[str, Literal] = {}
        while not self._skip(")"):
            name = self._take().text
            self._expect("=")
            value = self._operand()
            if not isinstance(value, Literal):
                self._fail()
            parameters[name] = value
            self._skip(",")
        return parameters

    def _path(self, name: str) -> Node:
        names = [name]
        while self._skip("/"):
            step = self._take()
            if step.text in {"any", "all"} and self._skip("("):
                return self._lambda(step.text, Path(tuple(names)))
            if step.kind != "name":
                self._fail()
            names.append(step.text)
        return Path(tuple(names))

    def _lambda(self, quantifier: str, path: Path) -> Lambda:
        if quantifier == "any" and self._skip(")"):
            return Lambda(quantifier, path, "", None)
        variable = self._take().text
        self._expect(":")
        body = self.expression()
        self._expect(")")
        return Lambda(quantifier, path, variable, body)

    def _literal(self, token: Token) -> Literal:
        read = _LITERALS.get(token.kind)
        if read is None:
            self._fail()
        try:
            return read(token.text)
        except ValueError:
            self._fail()

    def _count(self) -> None:
        self._conditions += 1
        if self._conditions > _MAX_CONDITIONS:
            raise errors.too_many_conditions()

    def _peek(self) -> Token:
        return self._tokens[self._next] if self._next < len(self._tokens) else _END

    def _take(self) -> Token:
        token = self._peek()
        if token is _END:
            self._fail()
        self._next += 1
        return token

    def _skip(self, text: str) -> bool:
        token = self._peek()
        if token.text != text or token.kind not in {"name", "sign"}:
            return False
        self._next += 1
        return True

    def _expect(self, text: str) -> None:
        if not self._skip(text):
            self._fail()

    def _fail(self) -> NoReturn:
        position = self._peek().position
        where = position if position >= 0 else len(self._text)
        raise errors.query_invalid(f"Syntax error at position {where} in '{self._text}'.")


def _unquoted(text: str) -> str:
    return text[1:-1].replace("''", "'")


def moment(text: str) -> datetime:
    """A timestamp in UTC. Raises ValueError; without a zone too, as OData does."""
    parsed = datetime.fromisoformat(text)
    if parsed.tzinfo is None or "T" not in text:
        raise ValueError(text)
    return parsed.astimezone(UTC)


_WORDS: Final[Mapping[str, Literal]] = {
    "null": Literal(Kind.NULL, None),
    "true": Literal(Kind.BOOLEAN, True),
    "false": Literal(Kind.BOOLEAN, False),
}
_LITERALS: Final[Mapping[str, Callable[[str], Literal]]] = {
    "string": lambda text: Literal(Kind.STRING, _unquoted(text)),
    "guid": lambda text: Literal(Kind.GUID, text.lower()),
    "moment": lambda text: Literal(Kind.MOMENT, moment(text)),
    "date": lambda text: Literal(Kind.DATE, date.fromisoformat(text)),
    "fraction": lambda text: Literal(Kind.FRACTION, float(text.rstrip("mMdDfF"))),
    "number": lambda text: Literal(Kind.NUMBER, int(text)),
    "json": lambda text: Literal(Kind.LIST, json.loads(text)),
}
