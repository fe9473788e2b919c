"""Tables, columns, options, keys and relationships in the shapes of EntityMetadata and its relatives.

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/reference/entitymetadata
"""

import functools
import uuid
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from infra.local.dynamics.metadata_files import ENGLISH
from infra.local.dynamics.schema import Association, Column, Option, Schema, Table

Document = dict[str, Any]
_OF_CURRENCY: Final = 2  # what Dataverse takes for granted of money columns; our one currency has two decimals
_NAMESPACE: Final = uuid.UUID("7d3f8c52-6f0a-4c49-9d27-5a1b9a3f0e52")

# Type of the column: the AttributeType, the AttributeTypeName and the metadata type that it is shown as.
_TYPES: Final[Mapping[str, tuple[str, str, str]]] = {
    "String": ("String", "StringType", "StringAttributeMetadata"),
    "Memo": ("Memo", "MemoType", "MemoAttributeMetadata"),
    "Integer": ("Integer", "IntegerType", "IntegerAttributeMetadata"),
    "BigInt": ("BigInt", "BigIntType", "BigIntAttributeMetadata"),
    "Decimal": ("Decimal", "DecimalType", "DecimalAttributeMetadata"),
    "Double": ("Double", "DoubleType", "DoubleAttributeMetadata"),
    "Money": ("Money", "MoneyType", "MoneyAttributeMetadata"),
    "Boolean": ("Boolean", "BooleanType", "BooleanAttributeMetadata"),
    "DateTime": ("DateTime", "DateTimeType", "DateTimeAttributeMetadata"),
    "Picklist": ("Picklist", "PicklistType", "PicklistAttributeMetadata"),
    "State": ("State", "StateType", "StateAttributeMetadata"),
    "Status": ("Status", "StatusType", "StatusAttributeMetadata"),
    "MultiSelectPicklist": ("Virtual", "MultiSelectPicklistType", "MultiSelectPicklistAttributeMetadata"),
    "Lookup": ("Lookup", "LookupType", "LookupAttributeMetadata"),
    "Customer": ("Customer", "CustomerType", "LookupAttributeMetadata"),
    "Owner": ("Owner", "OwnerType", "LookupAttributeMetadata"),
    "PartyList": ("PartyList", "PartyListType", "LookupAttributeMetadata"),
    "Uniqueidentifier": ("Uniqueidentifier", "UniqueidentifierType", "UniqueIdentifierAttributeMetadata"),
    "EntityName": ("EntityName", "EntityNameType", "EntityNameAttributeMetadata"),
    "Image": ("Virtual", "ImageType", "ImageAttributeMetadata"),
}
ATTRIBUTE_CASTS: Final[Mapping[str, frozenset[str]]] = {
    **{name: frozenset(kind for kind, shown in _TYPES.items() if shown[2] == name) for _, _, name in _TYPES.values()},
    "EnumAttributeMetadata": frozenset({"Picklist", "State", "Status", "MultiSelectPicklist"}),
}


class Documents:
    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    def table(self, table: Table) -> Document:
        return {
            "#type": "EntityMetadata",
            "MetadataId": _id(table.name),
            "LogicalName": table.name,
            "SchemaName": table.schema_name,
            "EntitySetName": table.set_name,
            "LogicalCollectionName": table.set_name,
            "CollectionSchemaName": table.schema_name,
            "PrimaryIdAttribute": table.id,
            "PrimaryNameAttribute": table.primary_name,
            "ObjectTypeCode": table.code,
            "OwnershipType": table.ownership,
            "DisplayName": _label(table.labels),
            "DisplayCollectionName": _label({language: f"{text}s" for language, text in table.labels.items()}),
            "Description": _label({}),
            "ChangeTrackingEnabled": table.has_change_tracking,
            "IsOptimisticConcurrencyEnabled": table.has_concurrency,
            "IsActivity": table.is_activity,
            "IsCustomEntity": False,
            "IsPrivate": False,
            "IsIntersect": table.name in self._intersects(),
            "IsValidForAdvancedFind": True,
            "IsManaged": True,
            "TableType": "Standard",
            "#Attributes": lambda: self.attributes(table, None),
            "#Keys": lambda: self.keys(table),
            "#ManyToOneRelationships": lambda: self.relationships(table, "ManyToOneRelationships"),
            "#OneToManyRelationships": lambda: self.relationships(table, "OneToManyRelationships"),
            "#ManyToManyRelationships": lambda: self.relationships(table, "ManyToManyRelationships"),
        }

    def attributes(self, table: Table, kinds: Collection[str] | None) -> list[Document]:
        return [_attribute(table, column) for column in table.columns.values() if kinds is None or column.kind in kinds]

    def keys(self, table: Table) -> list[Document]:
        return [
            {
                "#type": "EntityKeyMetadata",
                "MetadataId": _id(table.name, "key", key.name),
                "LogicalName": key.name,
                "SchemaName": key.name,
                "DisplayName": _label({ENGLISH: key.label}),
                "EntityLogicalName": table.name,
                "KeyAttributes": list(key.columns),
                "EntityKeyIndexStatus": key.status,
                "IsManaged": False,
            }
            for key in table.keys
        ]

    def relationships(self, table: Table, kind: str) -> list[Document]:
        if kind == "ManyToManyRelationships":
            return self._many_to_many(table)
        pairs = [
            (referencing, single)
            for referencing in self._schema.tables.values()
            for single in referencing.singles.values()
            if (referencing is table if kind == "ManyToOneRelationships" else single.target == table.name)
        ]
        return [
            {
                "#type": "OneToManyRelationshipMetadata",
                "MetadataId": _id(referencing.name, single.relationship, single.name),
                "SchemaName": single.relationship,
                "RelationshipType": "OneToManyRelationship",
                "ReferencingEntity": referencing.name,
                "ReferencingAttribute": single.column,
                "ReferencingEntityNavigationPropertyName": single.name,
                "ReferencedEntity": single.target,
                "ReferencedAttribute": self._id_column(single.target),
                "ReferencedEntityNavigationPropertyName": single.relationship,
                "IsCustomRelationship": referencing.columns[single.column].custom,
            }
            for referencing, single in pairs
        ]

    def _many_to_many(self, table: Table) -> list[Document]:
        associations = [
            relation for relation in self._schema.collections(table.name).values() if isinstance(relation, Association)
        ]
        return [
            {
                "#type": "ManyToManyRelationshipMetadata",
                "MetadataId": _id(relation.name),
                "SchemaName": relation.name,
                "RelationshipType": "ManyToManyRelationship",
                "Entity1LogicalName": table.name,
                "Entity1IntersectAttribute": relation.near,
                "Entity1NavigationPropertyName": relation.name,
                "Entity2LogicalName": relation.target,
                "Entity2IntersectAttribute": relation.far,
                "Entity2NavigationPropertyName": relation.name,
                "IntersectEntityName": relation.intersect,
            }
            for relation in associations
        ]

    def _id_column(self, target: str) -> str:
        table = self._schema.tables.get(target)
        return table.id if table else f"{target}id"

    def _intersects(self) -> set[str]:
        found = (relation for name in self._schema.tables for relation in self._schema.collections(name).values())
        return {relation.intersect for relation in found if isinstance(relation, Association)}


def _attribute(table: Table, column: Column) -> Document:
    attribute_type, type_name, metadata_type = _TYPES[column.kind]
    return {
        "#type": metadata_type,
        "@odata.type": f"#Microsoft.Dynamics.CRM.{metadata_type}",
        "MetadataId": _id(table.name, "column", column.name),
        "LogicalName": column.name,
        "SchemaName": column.schema_name,
        "EntityLogicalName": table.name,
        "AttributeType": attribute_type,
        "AttributeTypeName": {"Value": type_name},
        "AttributeOf": None,
        "DisplayName": _label(column.labels),
        "Description": _label({}),
        "RequiredLevel": {
            "Value": column.required,
            "CanBeChanged": column.required != "SystemRequired",
            "ManagedPropertyLogicalName": "canmodifyrequirementlevelsettings",
        },
        "IsValidForCreate": column.creatable,
        "IsValidForUpdate": column.updatable,
        "IsValidForRead": column.readable,
        "IsValidODataAttribute": column.is_stored,
        "IsPrimaryId": column.name == table.id,
        "IsPrimaryName": column.name == table.primary_name,
        "IsCustomAttribute": column.custom,
        "IsLogical": False,
        "IsManaged": not column.custom,
        "IsSecured": False,
        **_typed(table, column),
    }


def _typed(table: Table, column: Column) -> Document:
    describe = _DESCRIPTIONS.get(column.kind)
    return describe(table, column) if describe else {}


def _text(_table: Table, column: Column) -> Document:
    name = column.format or ("Text" if column.kind == "String" else "TextArea")
    return {"MaxLength": column.max_length, "Format": name, "FormatName": {"Value": name}, "AutoNumberFormat": ""}


def _number(_table: Table, column: Column) -> Document:
    limits = {"MinValue": column.minimum, "MaxValue": column.maximum, "Precision": column.precision}
    return {**limits, "PrecisionSource": _OF_CURRENCY} if column.kind == "Money" else limits


def _moment(_table: Table, column: Column) -> Document:
    return {
        "Format": column.format or "DateAndTime",
        "DateTimeBehavior": {"Value": column.behavior or "UserLocal"},
        "ImeMode": "Auto",
    }


def _lookup(_table: Table, column: Column) -> Document:
    return {"Targets": list(column.targets), "Format": "None"}


def _choice(table: Table, column: Column) -> Document:
    return {
        "DefaultFormValue": column.default,
        "#OptionSet": lambda: _option_set(table, column),
        "#GlobalOptionSet": None,
    }


def _boolean(table: Table, column: Column) -> Document:
    return {
        "DefaultValue": bool(column.default),
        "#OptionSet": lambda: _boolean_set(table, column),
        "#GlobalOptionSet": None,
    }


def _option_set(table: Table, column: Column) -> Document:
    return {
        **_set_facts(table, column, "OptionSetMetadata"),
        "OptionSetType": column.kind if column.kind in {"State", "Status"} else "Picklist",
        "Options": [_option(column, option) for option in column.options],
    }


def _boolean_set(table: Table, column: Column) -> Document:
    options = {option.value: _option(column, option) for option in column.options}
    return {
        **_set_facts(table, column, "BooleanOptionSetMetadata"),
        "OptionSetType": "Boolean",
        "TrueOption": options.get(1),
        "FalseOption": options.get(0),
    }


def _set_facts(table: Table, column: Column, kind: str) -> Document:
    return {
        "#type": kind,
        "@odata.type": f"#Microsoft.Dynamics.CRM.{kind}",
        "MetadataId": _id(table.name, "options", column.name),
        "Name": f"{table.name}_{column.name}",
        "DisplayName": _label(column.labels),
        "IsGlobal": False,
        "IsCustomOptionSet": column.custom,
        "HasChanged": None,
    }


def _option(column: Column, option: Option) -> Document:
    document: Document = {
        "Value": option.value,
        "Label": _label(option.labels),
        "Description": _label({}),
        "Color": None,
        "ExternalValue": "",
        "IsManaged": True,
        "MetadataId": None,
        "HasChanged": None,
    }
    if column.kind == "Status":
        document |= {"@odata.type": "#Microsoft.Dynamics.CRM.StatusOptionMetadata", "State": option.state}
    if column.kind == "State":
        document |= {"@odata.type": "#Microsoft.Dynamics.CRM.StateOptionMetadata"}
        document |= {"DefaultStatus": option.default_status, "InvariantName": option.labels.get(ENGLISH)}
    return document


def _label(labels: Mapping[int, str]) -> Document:
    """The user's label is the English one, and null where there is none."""
    localized = [
        {
            "Label": text,
            "LanguageCode": language,
            "IsManaged": True,
            "MetadataId": _id("label", str(language), text),
            "HasChanged": None,
        }
        for language, text in labels.items()
    ]
    user = next((label for label in localized if label["LanguageCode"] == ENGLISH), None)
    return {"LocalizedLabels": localized, "UserLocalizedLabel": user}


@functools.cache
def _id(*parts: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, "/".join(parts)))


_DESCRIPTIONS: Final[Mapping[str, Callable[[Table, Column], Document]]] = {
    **dict.fromkeys(("String", "Memo"), _text),
    **dict.fromkeys(("Integer", "BigInt", "Decimal", "Double", "Money"), _number),
    **dict.fromkeys(("Lookup", "Customer", "Owner", "PartyList"), _lookup),
    **dict.fromkeys(("Picklist", "State", "Status", "MultiSelectPicklist"), _choice),
    "DateTime": _moment,
    "Boolean": _boolean,
}
TYPED_PROPERTIES: Final = frozenset(
    {"MaxLength", "Format", "FormatName", "AutoNumberFormat", "MinValue", "MaxValue", "Precision", "DateTimeBehavior"}
    | {"PrecisionSource", "Targets", "DefaultFormValue", "DefaultValue"}
)
