"""`EntityDefinitions`: what the tables look like, as metadata queries answer it.

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/query-metadata-web-api
"""

import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from infra.local.dynamics import refusals
from infra.local.dynamics.query import Options
from infra.local.dynamics.tables import Column, Option, Table

ENGLISH = 1033
_PATH = re.compile(
    r"EntityDefinitions(?:\(LogicalName='([^']*)'\))?(?:/(\w+)(?:\(LogicalName='([^']*)'\))?)?(?:/([\w.]+))?"
)
_EQUALS = re.compile(r"(\w+)(?:/Value)?\s+eq\s+(?:Microsoft\.Dynamics\.CRM\.\w+)?(?:'([^']*)'|(\w+))")
_CAST = re.compile(r"Microsoft\.Dynamics\.CRM\.(\w+)AttributeMetadata")
_METADATA_TYPES = {"Uniqueidentifier": "UniqueIdentifier", "Customer": "Lookup", "Owner": "Lookup"}

Described = dict[str, Any]


def definitions(path: str, options: Options, tables: Mapping[str, Table], url: str) -> Described:
    """The answer to a GET below EntityDefinitions. Raises Refusal."""
    found = _PATH.fullmatch(path)
    if found is None:
        raise refusals.unknown_segment(path)
    name, collection, member, cast = found.groups()
    if name is None:
        return _listed([_table(table) for table in tables.values()], options, f"{url}/$metadata#EntityDefinitions")
    if name not in tables:
        raise refusals.Refusal(404, "0x80060888", f"Could not find an entity with name '{name}'.")
    table = tables[name]
    context = f"{url}/$metadata#EntityDefinitions('{name}')"
    if collection is None:
        return {"@odata.context": f"{context}/$entity", **_chosen(_table(table), options)}
    parts = _COLLECTIONS.get(collection)
    if parts is None:
        raise refusals.unknown_segment(collection)
    described = list(parts(table))
    if cast:
        described = [each for each in described if _is_cast_to(each, cast)]
    if member:
        return _one(described, member, options, context)
    return _listed(described, options, f"{context}/{collection}")


def _is_cast_to(described: Described, cast: str) -> bool:
    return bool(described["@odata.type"] == f"#{cast}")


def _one(described: list[Described], member: str, options: Options, context: str) -> Described:
    for each in described:
        if each["LogicalName"] == member:
            return {"@odata.context": f"{context}/$entity", **_chosen(each, options)}
    raise refusals.Refusal(404, "0x80060888", f"Could not find an attribute with name '{member}'.")


def _listed(described: Iterable[Described], options: Options, context: str) -> Described:
    """Metadata is not paged."""
    kept = [each for each in described if _fits(each, options.values.get("$filter"))]
    return {"@odata.context": context, "value": [_chosen(each, options) for each in kept]}


def _fits(described: Described, text: str | None) -> bool:
    """Equality joined by `and` or `or`, which is what clients ask of metadata."""
    if not text:
        return True
    compared = [_equals(described, match) for match in _EQUALS.finditer(text)]
    if not compared:
        raise refusals.bad_query("The $filter of a metadata query must compare with eq.")
    return any(compared) if " or " in text else all(compared)


def _equals(described: Described, match: re.Match[str]) -> bool:
    value = described.get(match[1])
    if isinstance(value, dict):
        value = value.get("Value")
    wanted = match[2] if match[2] is not None else match[3]
    return str(value).lower() == wanted.lower()


def _chosen(described: Described, options: Options) -> Described:
    """Option sets and targets come only when they are expanded, or by themselves in a cast."""
    expanded = {name.partition("(")[0].strip() for name in options.values.get("$expand", "").split(",")}
    text = options.values.get("$select")
    names = {name.strip() for name in text.split(",")} if text else set(described) - {"OptionSet", "GlobalOptionSet"}
    kept = names | expanded | {"@odata.type", "MetadataId"}
    return {name: value for name, value in described.items() if name in kept}


def _table(table: Table) -> Described:
    return {
        "MetadataId": _metadata_id(table.name),
        "LogicalName": table.name,
        "SchemaName": table.schema_name,
        "EntitySetName": table.set_name,
        "LogicalCollectionName": table.set_name,
        "PrimaryIdAttribute": table.id_column,
        "PrimaryNameAttribute": table.name_column,
        "DisplayName": _label(table.schema_name),
        "IsCustomEntity": False,
        "ChangeTrackingEnabled": True,
    }


def _attributes(table: Table) -> Iterable[Described]:
    return (_attribute(table, column) for column in table.columns.values())


def _attribute(table: Table, column: Column) -> Described:
    kind = _METADATA_TYPES.get(column.type, column.type)
    described: Described = {
        "@odata.type": f"#Microsoft.Dynamics.CRM.{kind}AttributeMetadata",
        "MetadataId": _metadata_id(f"{table.name}.{column.name}"),
        "EntityLogicalName": table.name,
        "LogicalName": column.name,
        "SchemaName": column.schema_name,
        "AttributeType": column.type,
        "AttributeTypeName": {"Value": f"{column.type}Type"},
        "DisplayName": _label(column.label),
        "RequiredLevel": {"Value": column.required_level, "CanBeChanged": True},
        "IsValidForCreate": column.creatable,
        "IsValidForUpdate": column.updatable,
        "IsValidForRead": True,
        "IsPrimaryId": column.name == table.id_column,
        "IsPrimaryName": column.name == table.name_column,
        "IsCustomAttribute": "_" in column.name and not column.name.startswith("address"),
    }
    return described | _facts(column)


def _facts(column: Column) -> Described:
    """What only the column's own type tells."""
    match column.type:
        case "String" | "Memo":
            return {"MaxLength": column.max_length, "Format": column.format, "FormatName": {"Value": column.format}}
        case "Integer" | "BigInt":
            return {"MinValue": column.minimum, "MaxValue": column.maximum}
        case "Decimal" | "Double" | "Money":
            return {"MinValue": column.minimum, "MaxValue": column.maximum, "Precision": column.precision}
        case "DateTime":
            return {"Format": column.format, "DateTimeBehavior": {"Value": column.behavior}}
        case "Lookup" | "Customer" | "Owner":
            return {"Targets": list(column.targets)}
        case "Boolean":
            return {
                "OptionSet": _boolean_options(column),
                "GlobalOptionSet": None,
                "DefaultValue": bool(column.default),
            }
        case "Picklist" | "State" | "Status" | "MultiSelectPicklist":
            options = {"Options": [_option(option) for option in column.options]}
            return {"OptionSet": options, "GlobalOptionSet": None}
        case _:
            return {}


def _boolean_options(column: Column) -> Described:
    by_value = {option.value: _option(option) for option in column.options}
    return {"TrueOption": by_value.get(1), "FalseOption": by_value.get(0)}


def _option(option: Option) -> Described:
    described = {"Value": option.value, "Label": _label(option.label, option.labels)}
    return described | ({"State": option.state} if option.state is not None else {})


def _label(text: str, others: Mapping[int, str] | None = None) -> Described:
    labels = [{"Label": text, "LanguageCode": ENGLISH}]
    labels += [{"Label": label, "LanguageCode": code} for code, label in (others or {}).items()]
    return {"LocalizedLabels": labels, "UserLocalizedLabel": labels[0]}


def _many_to_one(table: Table) -> Iterable[Described]:
    for each in table.relationships:
        yield {
            "@odata.type": "#Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata",
            "MetadataId": _metadata_id(each["relationship"]),
            "SchemaName": each["relationship"],
            "ReferencingEntity": table.name,
            "ReferencingAttribute": each["attribute"],
            "ReferencingEntityNavigationPropertyName": each["navigationProperty"],
            "ReferencedEntity": each["target"],
        }


def _metadata_id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))


_COLLECTIONS: Mapping[str, Callable[[Table], Iterable[Described]]] = {
    "Attributes": _attributes,
    "ManyToOneRelationships": _many_to_one,
    "Keys": lambda _: (),
}
