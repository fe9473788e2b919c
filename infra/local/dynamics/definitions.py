"""EntityDefinitions: tables, columns, options, keys and relationships as JSON, queried like rows.

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/query-metadata-web-api

Duty: addresses and query options. The documents themselves are `definition_documents`', filters over them
`document_filter`'s. Never paged, as documented.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from infra.local.dynamics import errors
from infra.local.dynamics.addresses import Segment, key_values
from infra.local.dynamics.customizing import AddKey, RemoveKey
from infra.local.dynamics.definition_documents import ATTRIBUTE_CASTS, TYPED_PROPERTIES, Documents
from infra.local.dynamics.document_filter import holds
from infra.local.dynamics.exchange import Answer, Request, json_answer, no_content
from infra.local.dynamics.query_options import Expand, Options, parse_options
from infra.local.dynamics.schema import Table
from infra.local.dynamics.values import guid
from infra.local.dynamics.work import Work

Document = Mapping[str, Any]
_CRM: Final = "Microsoft.Dynamics.CRM."
_SETS: Final = frozenset({"EntityDefinitions", "RelationshipDefinitions", "GlobalOptionSetDefinitions"})
_RELATIONSHIPS: Final = ("ManyToOneRelationships", "OneToManyRelationships", "ManyToManyRelationships")
_ALWAYS: Final = "MetadataId"


def is_about_definitions(name: str) -> bool:
    return name in _SETS


def answer_definitions(work: Work, path: list[Segment], request: Request, base: str) -> Answer:
    documents = Documents(work.schema)
    first, *rest = path
    if first.name != "EntityDefinitions":
        raise errors.not_simulated(first.name)
    if request.method != "GET":
        return _change(work, documents, path, request)
    options = parse_options(request.query)
    if first.arguments is None:
        tables = [documents.table(table) for table in work.schema.tables.values()]
        return _many(documents, tables, options, f"{base}/$metadata#EntityDefinitions")
    table = _table(work, documents, first.arguments)
    context = f"{base}/$metadata#EntityDefinitions"
    if not rest:
        return _one(documents, documents.table(table), options, context)
    return _below_table(documents, table, rest, options, f"{context}('{documents.table(table)[_ALWAYS]}')")


def _table(work: Work, documents: Documents, arguments: str) -> Table:
    name = key_values(arguments).get("LogicalName") if "=" in arguments else None
    metadata_id = guid(arguments)
    for table in work.schema.tables.values():
        if table.name == name or (metadata_id and documents.table(table)[_ALWAYS] == metadata_id):
            return table
    raise errors.table_unknown(str(name or arguments))


def _below_table(documents: Documents, table: Table, path: Sequence[Segment], options: Options, context: str) -> Answer:
    first, *rest = path
    if first.name == "Attributes":
        return _attributes(documents, table, first, rest, options, f"{context}/Attributes")
    if first.name in _RELATIONSHIPS and not rest:
        return _many(documents, documents.relationships(table, first.name), options, f"{context}/{first.name}")
    if first.name == "Keys" and not rest:
        keys = documents.keys(table)
        if first.arguments is None:
            return _many(documents, keys, options, f"{context}/Keys")
        return _one(documents, _key_document(keys, table, first.arguments), options, f"{context}/Keys")
    raise errors.segment_unknown(first.name)


def _attributes(
    documents: Documents, table: Table, first: Segment, rest: Sequence[Segment], options: Options, context: str
) -> Answer:
    cast = rest[0].name.removeprefix(_CRM) if rest else None
    if len(rest) > 1 or (cast and cast not in ATTRIBUTE_CASTS):
        raise errors.segment_unknown(rest[-1].name)
    kinds = ATTRIBUTE_CASTS[cast] if cast else None
    if cast is None and (typed := TYPED_PROPERTIES.intersection(options.select)):
        raise errors.property_unknown(min(typed), "AttributeMetadata")
    context = f"{context}/{_CRM}{cast}" if cast else context
    fitting = documents.attributes(table, kinds)
    if first.arguments is None:
        return _many(documents, fitting, options, context)
    wanted = key_values(first.arguments).get("LogicalName") if "=" in first.arguments else guid(first.arguments)
    for document in fitting:
        if wanted in {document["LogicalName"], document[_ALWAYS]}:
            return _one(documents, document, options, context)
    raise errors.attribute_unknown(str(wanted), table.name)


def _key_document(keys: Sequence[Document], table: Table, arguments: str) -> Document:
    wanted = key_values(arguments).get("LogicalName") if "=" in arguments else guid(arguments)
    for key in keys:
        if wanted in {key["LogicalName"], key[_ALWAYS]}:
            return key
    raise errors.attribute_unknown(arguments, table.name)


def _many(documents: Documents, found: Sequence[Document], options: Options, context: str) -> Answer:
    if refused := options.given & {"$orderby", "$skiptoken", "$deltatoken"}:
        raise errors.query_invalid(f"The query parameter {min(refused)} is not supported for metadata.")
    if options.filter is not None:
        found = [document for document in found if holds(options.filter, document)]
    if options.top is not None:
        found = found[: options.top]
    document: dict[str, Any] = {"@odata.context": f"{context}{_chosen(options)}"}
    if options.count:
        document["@odata.count"] = len(found)
    return json_answer({**document, "value": [_shaped(documents, one, options) for one in found]})


def _one(documents: Documents, document: Document, options: Options, context: str) -> Answer:
    return json_answer(
        {"@odata.context": f"{context}{_chosen(options)}/$entity", **_shaped(documents, document, options)}
    )


def _chosen(options: Options) -> str:
    names = [*options.select, *(part.name for part in options.expand)]
    return f"({','.join(names)})" if names else ""


def _shaped(documents: Documents, document: Document, options: Options) -> dict[str, Any]:
    """Names beginning with # are ours: parts that only `$expand` brings in."""
    chosen = options.select or [name for name in document if not name.startswith("#")]
    for name in chosen:
        if name not in document:
            raise errors.property_unknown(name, str(document["#type"]))
    shaped: dict[str, Any] = {name: document[name] for name in document if name in {"@odata.type", _ALWAYS}}
    shaped |= {name: document[name] for name in chosen}
    for part in options.expand:
        shaped[part.name] = _expanded(documents, document, part)
    return shaped


def _expanded(documents: Documents, document: Document, part: Expand) -> Any:
    if f"#{part.name}" not in document:
        raise errors.property_unknown(part.name, str(document["#type"]))
    found: Any = document[f"#{part.name}"]
    if callable(found):
        found = found()
    if isinstance(found, list):
        return [_shaped(documents, one, part.options) for one in found if _fits(part.options, one)]
    return None if found is None else _shaped(documents, found, part.options)


def _fits(options: Options, document: Document) -> bool:
    return options.filter is None or holds(options.filter, document)


def _change(work: Work, documents: Documents, path: list[Segment], request: Request) -> Answer:
    """Alternate keys can be made and dropped; other customising goes through the control interface."""
    match (request.method, [segment.name for segment in path]):
        case ("POST", ["EntityDefinitions", "Keys"]):
            table = _table(work, documents, path[0].arguments or "")
            given = request.json()
            name = str(given.get("SchemaName", "")).lower()
            columns = tuple(str(column) for column in given.get("KeyAttributes") or ())
            if not name or not columns:
                raise errors.payload("EntityKeyMetadata", "SchemaName and KeyAttributes are needed.")
            work.environment.customizations.order(AddKey(do="add_key", table=table.name, name=name, columns=columns))
            key = documents.keys(work.schema.tables[table.name])[-1]
            # The address as it was asked, so that the only id in it is the key's: Microsoft's client counts on that.
            return no_content(OData_EntityId=f"{work.environment.url}{request.path}({key[_ALWAYS]})")
        case ("DELETE", ["EntityDefinitions", "Keys"]):
            table = _table(work, documents, path[0].arguments or "")
            dropped = _key_document(documents.keys(table), table, path[1].arguments or "")
            work.environment.customizations.order(
                RemoveKey(do="remove_key", table=table.name, name=dropped["LogicalName"])
            )
            return no_content()
    raise errors.not_simulated(f"{request.method} on definitions; the control interface customises")
