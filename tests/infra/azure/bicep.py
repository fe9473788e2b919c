"""Reads Bicep files as plain values: what is declared in a file, and what each declaration says.

Duty: tell a text from a name, a call or a choice, so that checks can follow names to what they stand for. No compiler
can be had from a package index; the grammar is tree-sitter's.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

_parser = Parser(Language(tree_sitter_bicep.language()))


class BicepError(Exception):
    """A file that cannot be read, or says something this reader does not know; with the line."""


@dataclass(frozen=True)
class Name:
    """A parameter, variable, resource, module or loop variable, with the properties that are asked of it."""

    root: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True)
class Call:
    function: str
    arguments: tuple[Any, ...]
    path: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choice:
    condition: Any
    options: tuple[Any, Any]


@dataclass(frozen=True)
class Operation:
    """Comparison, negation, arithmetic: of no type that a check would want."""

    operands: tuple[Any, ...]


@dataclass(frozen=True)
class Joined:
    """A text with values in it."""

    parts: tuple[Any, ...]


@dataclass
class Parameter:
    type: str
    default: Any = None
    has_default: bool = False
    decorators: dict[str, Any] = field(default_factory=dict)


@dataclass
class Declared:
    """A resource or a module."""

    what: str
    body: dict[str, Any]
    line: int
    loop: tuple[str, Any] | None = None
    condition: Any = None
    existing: bool = False


@dataclass
class Output:
    type: str
    value: Any
    decorators: dict[str, Any]


@dataclass
class Template:
    path: Path
    parameters: dict[str, Parameter] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    resources: dict[str, Declared] = field(default_factory=dict)
    modules: dict[str, Declared] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)

    @property
    def declared(self) -> set[str]:
        return {*self.parameters, *self.variables, *self.resources, *self.modules}


def read(path: Path, text: str | None = None) -> Template:
    """Raises BicepError."""
    root = _parser.parse((text if text is not None else path.read_text()).encode()).root_node
    if root.has_error:
        raise BicepError(f"{path.name}: line {_first_error(root)} cannot be read")
    template, decorators = Template(path), dict[str, Any]()
    for node in root.named_children:
        if node.type == "decorators":
            decorators = _decorators(node)
            continue
        _declaration(template, node, decorators)
        decorators = {}
    return template


def _declaration(template: Template, node: Node, decorators: dict[str, Any]) -> None:
    match node.type:
        case "comment" | "diagnostic_comment" | "target_scope_assignment":
            return
        case "parameter_declaration":
            name, kind, *default = node.named_children
            value = _value(default[0]) if default else None
            template.parameters[_text(name)] = Parameter(_text(kind), value, bool(default), decorators)
        case "variable_declaration":
            name, value_node = node.named_children
            template.variables[_text(name)] = _value(value_node)
        case "output_declaration":
            name, kind, value_node = node.named_children
            template.outputs[_text(name)] = Output(_text(kind), _value(value_node), decorators)
        case "resource_declaration":
            template.resources[_text(node.named_children[0])] = _declared(node)
        case "module_declaration":
            template.modules[_text(node.named_children[0])] = _declared(node)
        case other:
            raise BicepError(f"{template.path.name}: line {_line(node)}: {other} is not in the plain subset")


def _declared(node: Node) -> Declared:
    _, what, body = (child for child in node.named_children if child.type != "comment")
    existing = any(child.type == "existing" or child.text == b"existing" for child in node.children)
    declared = Declared(str(_value(what)), {}, _line(node), existing=existing)
    if body.type == "for_statement":
        variable, items, body = (child for child in body.named_children if child.type != "comment")
        declared.loop = (_text(variable), _value(items))
    if body.type == "if_statement":
        condition, body = body.named_children
        declared.condition = _value(condition)
    declared.body = _value(body)
    return declared


def _value(node: Node) -> Any:  # noqa: C901, PLR0912  # one case for each form of the language
    children = [child for child in node.named_children if child.type != "comment"]
    match node.type:
        case "string":
            return _string(children)
        case "number":
            return int(_text(node))
        case "boolean":
            return _text(node) == "true"
        case "null":
            return None
        case "array":
            return [_value(child) for child in children]
        case "object":
            return {_key(item.named_children[0]): _value(item.named_children[1]) for item in children}
        case "identifier":
            return Name(_text(node))
        case "member_expression":
            return _member(_value(children[0]), _text(children[1]))
        case "call_expression":
            return _call(children)
        case "ternary_expression":
            return Choice(_value(children[0]), (_value(children[1]), _value(children[2])))
        case "parenthesized_expression":
            return _value(children[0])
        case "binary_expression" | "unary_expression":
            return Operation(tuple(_value(child) for child in children))
        case other:
            raise BicepError(f"line {_line(node)}: {other} is not in the plain subset")


def _string(children: list[Node]) -> Any:
    parts = [_value(c.named_children[0]) if c.type == "interpolation" else _text(c) for c in children]
    if any(not isinstance(part, str) for part in parts):
        return Joined(tuple(parts))
    return "".join(parts)


def _key(node: Node) -> Any:
    return _text(node) if node.type == "identifier" else _value(node)


def _member(base: Any, name: str) -> Any:
    match base:
        case Name(root, path):
            return Name(root, (*path, name))
        case Call(function, arguments, path):
            return Call(function, arguments, (*path, name))
    raise BicepError(f"a property .{name} of something that is neither a name nor a call")


def _call(children: list[Node]) -> Call:
    arguments = [_value(child) for child in children[1].named_children] if len(children) > 1 else []
    return Call(_text(children[0]), tuple(arguments))


def _decorators(node: Node) -> dict[str, Any]:
    calls = [_value(child.named_children[0]) for child in node.named_children if child.type == "decorator"]
    return {call.function: call.arguments[0] if call.arguments else None for call in calls}


def _first_error(node: Node) -> int:
    for child in node.children:
        if child.has_error:
            return _first_error(child)
    return _line(node)


def _line(node: Node) -> int:
    return node.start_point[0] + 1


def _text(node: Node) -> str:
    assert node.text is not None
    return node.text.decode()
