"""RetrieveMetadataChanges: tables and the columns of them that a query describes, in one answer.

https://learn.microsoft.com/power-apps/developer/data-platform/query-schema-definitions

Duty: criteria of `Equals` and `In`, and the named properties. Always everything, never what changed since.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from infra.local.dynamics import errors
from infra.local.dynamics.addresses import Segment
from infra.local.dynamics.definition_documents import Documents
from infra.local.dynamics.exchange import Answer, Request, json_answer
from infra.local.dynamics.query_options import parse_options
from infra.local.dynamics.work import Work

Document = Mapping[str, Any]


def retrieve_metadata_changes(work: Work, segment: Segment, request: Request, base: str) -> Answer:
    query = _query(segment, request)
    documents, tables = Documents(work.schema), work.schema.tables
    wanted = _fitting(query, [documents.table(table) for table in tables.values()])
    columns = query.get("AttributeQuery") or {}
    found = [
        {
            **_named(query, table),
            "Attributes": [
                _named(columns, column)
                for column in _fitting(columns, documents.attributes(tables[table["LogicalName"]], None))
            ],
        }
        for table in wanted
    ]
    context = f"{base}/$metadata#Microsoft.Dynamics.CRM.RetrieveMetadataChangesResponse"
    stamp = {"ServerVersionStamp": f"{work.database.version}!{work.moment}", "DeletedMetadata": None}
    return json_answer({"@odata.context": context, **stamp, "EntityMetadata": found})


def _query(segment: Segment, request: Request) -> Document:
    """`(Query=@p1)` with the query as an alias, or in place."""
    _, _, text = (segment.arguments or "").partition("=")
    text = parse_options(request.query).aliases.get(text, text)
    try:
        query = json.loads(text)
    except ValueError:
        query = None
    if not isinstance(query, dict):
        raise errors.invalid_argument("The parameter Query must be an EntityQueryExpression.")
    return query


def _fitting(query: Document, documents: Iterable[Document]) -> list[Document]:
    conditions = (query.get("Criteria") or {}).get("Conditions") or []
    return [document for document in documents if all(_holds(condition, document) for condition in conditions)]


def _holds(condition: Document, document: Document) -> bool:
    value = (condition.get("Value") or {}).get("Value")
    actual = document.get(str(condition.get("PropertyName")))
    match condition.get("ConditionOperator"):
        case "Equals":
            return bool(actual == value)
        case "In":
            return isinstance(value, list) and actual in value
    raise errors.not_simulated(f"the condition {condition.get('ConditionOperator')} in RetrieveMetadataChanges")


def _named(query: Document, document: Document) -> dict[str, Any]:
    """The properties that are asked for; those that a column's type has not are left out."""
    properties = query.get("Properties") or {}
    names = None if properties.get("AllProperties") else {"MetadataId", "@odata.type", *_names(properties)}
    chosen = {name: value for name, value in document.items() if names is None or name.lstrip("#") in names}
    return {name.lstrip("#"): _value(value) for name, value in chosen.items() if name not in {"#type", "#Attributes"}}


def _names(properties: Document) -> Iterable[str]:
    return (str(name) for name in properties.get("PropertyNames") or ())


def _value(value: Any) -> Any:
    """Option sets and the like stand in place here; what is not shown of them begins with #."""
    if callable(value):
        value = value()
    if isinstance(value, dict):
        return {name: inner for name, inner in value.items() if not name.startswith("#")}
    return value
