"""JSON Schema, as far as our own OpenAPI document uses it: values that fit one, and what does not fit in a value.

Anything that is neither generated nor checked here raises, so the document cannot outgrow this file unseen.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

Schema = Mapping[str, Any]

_CHECKED = {
    "$ref",
    "anyOf",
    "oneOf",
    "allOf",
    "const",
    "enum",
    "type",
    "properties",
    "required",
    "items",
    "prefixItems",
}
_CHECKED |= {"additionalProperties", "pattern", "maxLength", "minLength", "minimum", "maximum", "maxItems", "minItems"}
_CHECKED |= {"minProperties", "maxProperties"}
_TOLD = {"title", "description", "default", "examples", "example", "format", "writeOnly", "discriminator"}
_TOLD |= {"propertyNames", "uniqueItems", "exclusiveMinimum", "exclusiveMaximum"}
# Also what JSON can say and nothing can keep: halves of characters, infinity, and what is no number.
_TEXT = st.text(st.characters(exclude_categories=[]), max_size=30)
_MOMENTS = st.datetimes() | st.sampled_from([datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)])  # noqa: DTZ001
_ZONES = ["Z", "", "+14:00", "-12:00"]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)


class Schemas:
    """The schemas of one document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._named: Mapping[str, Schema] = document["components"]["schemas"]

    def resolved(self, schema: Schema) -> Schema:
        unknown = schema.keys() - _CHECKED - _TOLD
        assert not unknown, f"the document says {unknown}, which nobody checks"
        return self.resolved(self._named[schema["$ref"].rpartition("/")[2]]) if "$ref" in schema else schema

    # --- Values -------------------------------------------------------------------------------------------------------

    def values(self, schema: Schema, depth: int = 4) -> st.SearchStrategy[Any]:
        """What fits, more or less: formats are left to chance now and then."""
        schema = self.resolved(schema)
        if "examples" in schema and depth < 4:
            return st.sampled_from(list(schema["examples"])) | self._plain(schema, depth)
        return self._plain(schema, depth)

    def _plain(self, schema: Schema, depth: int) -> st.SearchStrategy[Any]:
        if choices := schema.get("anyOf") or schema.get("oneOf"):
            return st.one_of([self.values(each, depth) for each in choices])
        if "const" in schema:
            return st.just(schema["const"])
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        match schema.get("type"):
            case "object":
                return self._objects(schema, depth)
            case "array":
                return self._arrays(schema, depth)
            case _:
                return _plain_values(schema)

    def _arrays(self, schema: Schema, depth: int) -> st.SearchStrategy[list[Any]]:
        if not depth:
            return st.just([])
        return st.lists(self.values(schema.get("items", {}), depth - 1), max_size=min(schema.get("maxItems", 3), 3))

    def _objects(self, schema: Schema, depth: int) -> st.SearchStrategy[Any]:
        if not depth:
            return st.just({})
        properties = {name: self.values(each, depth - 1) for name, each in schema.get("properties", {}).items()}
        required = {name: properties.pop(name) for name in schema.get("required", ()) if name in properties}
        return st.fixed_dictionaries(required, optional=properties)

    # --- Faults -------------------------------------------------------------------------------------------------------

    def faults(self, value: Any, schema: Schema, where: str = "") -> Iterator[str]:
        """What of the value the schema does not allow."""
        schema = self.resolved(schema)
        if choices := schema.get("anyOf") or schema.get("oneOf"):
            if all(list(self.faults(value, each)) for each in choices):
                yield f"{where}: {value!r} is none of the choices"
            return
        if "const" in schema and value != schema["const"]:
            yield f"{where}: {value!r} is not {schema['const']!r}"
        if "enum" in schema and value not in schema["enum"]:
            yield f"{where}: {value!r} is not one of {schema['enum']}"
        if "type" in schema and not _is_of(value, schema["type"]):
            yield f"{where}: {value!r} is no {schema['type']}"
        elif isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
            yield f"{where}: {value!r} is not as {schema['pattern']}"
        elif isinstance(value, list):
            for number, item in enumerate(value):
                yield from self.faults(item, schema.get("items", {}), f"{where}.{number}")
        elif isinstance(value, dict):
            yield from self._faults_within(value, schema, where)

    def _faults_within(self, value: Mapping[str, Any], schema: Schema, where: str) -> Iterator[str]:
        properties, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
        yield from (f"{where}: {name} is missing" for name in schema.get("required", ()) if name not in value)
        if not schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", len(value)):
            yield f"{where}: {len(value)} properties"
        for name, item in value.items():
            if name in properties or isinstance(rest, dict):
                yield from self.faults(item, properties.get(name, rest), f"{where}.{name}")
            elif rest is False:
                yield f"{where}: {name} is not described"


def _plain_values(schema: Schema) -> st.SearchStrategy[Any]:
    match schema.get("type"):
        case "string":
            return _strings(schema)
        case "integer":
            return st.integers(schema.get("minimum"), schema.get("maximum"))
        case "number":
            return st.floats()
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
        case _:
            return ANYTHING


def _strings(schema: Schema) -> st.SearchStrategy[str]:
    match schema:
        case {"pattern": str(pattern)}:
            return st.from_regex(re.compile(pattern), fullmatch=pattern.startswith("^"))
        case {"format": "date-time"}:
            return st.builds(lambda moment, zone: f"{moment.isoformat()}{zone}", _MOMENTS, st.sampled_from(_ZONES))
        case {"format": "date"}:
            return st.dates().map(str)
        case {"minLength": int(least)}:
            return st.text(st.characters(exclude_categories=["Cs"]), min_size=least, max_size=least + 20) | _TEXT
        case _:
            return _TEXT


def _is_of(value: Any, kind: str) -> bool:
    match kind:
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "null":
            return value is None
        case _:
            kinds: dict[str, type] = {"string": str, "boolean": bool, "array": list, "object": dict}
            return isinstance(value, kinds[kind])
