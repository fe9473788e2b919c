"""Checks resources against the shapes that Azure publishes for them: types, versions, properties, kinds of values.

The shapes are cut from Microsoft's Bicep type data. A node is one of `{"props": {name: node, also "req" and "ro"},
"extra": node, "disc": name, "by": {value: node}}`, `{"items": node}`, `{"enum": […]}`, `{"hint": […]}` (open: other
words are taken too), `{"t": "string" | "integer" | "boolean"}` and `{"any": 1}`.
"""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.infra.azure.bicep import Call, Choice, Declared, Joined, Name, Template

Types = dict[str, dict[str, Any]]
# Said by the language, not by the type.
_OF_THE_LANGUAGE = {"parent", "scope", "dependsOn"}
_OF_THE_DECLARATION = {"id", "name", "type", "apiVersion"}
_KINDS = {"string": "string", "int": "integer", "bool": "boolean"}


@dataclass(frozen=True)
class Scope:
    """What a name stands for, where that can be known without deploying."""

    template: Template
    types: Types

    def problems(self) -> Iterator[str]:
        for symbol, declared in self.template.resources.items():
            if declared.existing:
                continue
            shape = self.types.get(declared.what.lower())
            if shape is None:
                yield f"{symbol}: {declared.what} is not a known type and version"
                continue
            yield from self._object(declared.body, _with_name(shape, declared), symbol)

    def _value(self, value: Any, node: dict[str, Any], path: str) -> Iterator[str]:  # noqa: C901  # one case a form
        match value:
            case _ if "any" in node or not node:
                return
            case Choice(_, options):
                for option in options:
                    yield from self._value(option, node, path)
            case Name(root, ()) if root in self.template.variables:
                yield from self._value(self.template.variables[root], node, path)
            case Name(root, ()) if root in self.template.parameters:
                yield from self._parameter(root, node, path)
            case Call("union", merged):
                for part in merged:
                    yield from self._value(part, node, path)
            case Joined():
                yield from _of_kind("string", node, path)
            case dict():
                yield from self._object(value, node, path)
            case list():
                yield from self._list(value, node, path)
            case str() | bool() | int():
                yield from _plain(value, node, path)

    def _parameter(self, name: str, node: dict[str, Any], path: str) -> Iterator[str]:
        parameter = self.template.parameters[name]
        yield from _of_kind(_KINDS.get(parameter.type, ""), node, path)
        for allowed in parameter.decorators.get("allowed") or []:
            yield from _plain(allowed, node, path)

    def _list(self, values: list[Any], node: dict[str, Any], path: str) -> Iterator[str]:
        if "items" not in node:
            yield f"{path}: a list where none is taken"
            return
        for number, value in enumerate(values):
            yield from self._value(value, node["items"], f"{path}[{number}]")

    def _object(self, value: dict[Any, Any], node: dict[str, Any], path: str) -> Iterator[str]:
        if "props" not in node and "extra" not in node:
            yield f"{path}: an object where none is taken"
            return
        props = dict(node.get("props", {}))
        if discriminator := node.get("disc"):
            variant = node["by"].get(value.get(discriminator))
            if variant is None:
                yield f"{path}.{discriminator}: {value.get(discriminator)!r} is none of {sorted(node['by'])}"
                return
            props |= variant["props"]
        yield from self._properties(value, props, node.get("extra"), path)
        given = {key for key in value if isinstance(key, str)}
        for name, shape in props.items():
            if shape.get("req") and not shape.get("ro") and name not in given | _OF_THE_DECLARATION:
                yield f"{path}: {name} is missing"

    def _properties(
        self, value: dict[Any, Any], props: dict[str, Any], extra: dict[str, Any] | None, path: str
    ) -> Iterator[str]:
        for key, item in value.items():
            name = key if isinstance(key, str) else "*"
            if name in _OF_THE_LANGUAGE:
                continue
            if name not in props:
                if extra is None:
                    near = difflib.get_close_matches(name, props, 1)
                    yield f"{path}.{name}: unknown property" + (f", {near[0]}?" if near else "")
                else:
                    yield from self._value(item, extra, f"{path}.{name}")
            elif props[name].get("ro"):
                yield f"{path}.{name}: is read-only"
            else:
                yield from self._value(item, props[name], f"{path}.{name}")


def _with_name(shape: dict[str, Any], declared: Declared) -> dict[str, Any]:
    """A type whose name says which of several shapes it has: the name is then one of the known words."""
    named_freely = shape.get("disc") == "name" and not isinstance(declared.body.get("name"), str)
    return {"any": 1} if named_freely else shape


def _plain(value: str | bool | int, node: dict[str, Any], path: str) -> Iterator[str]:  # noqa: FBT001  # any plain value
    closed = node.get("enum")
    if closed is not None:
        if value not in closed:
            yield f"{path}: {value!r} is none of {closed}"
        return
    kind = "boolean" if isinstance(value, bool) else "integer" if isinstance(value, int) else "string"
    yield from _of_kind(kind, node, path)


def _of_kind(kind: str, node: dict[str, Any], path: str) -> Iterator[str]:
    wanted = node.get("t") or ("string" if {"enum", "hint"} & set(node) else "")
    if kind and wanted and kind != wanted:
        yield f"{path}: {kind} where {wanted} is wanted"
    elif kind and not wanted and {"props", "items"} & set(node):
        yield f"{path}: {kind} where more than one value is wanted"
