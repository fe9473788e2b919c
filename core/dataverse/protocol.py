"""Requests to the Dataverse Web API as values, and what its answers say. No I/O.

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/overview
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from core.domain.delivery import Membership, RowWrite
from core.domain.matching import LookUp
from core.domain.references import ReferenceQuery
from core.domain.row import Row
from core.domain.table import EMAIL_COLUMNS, SET_NAMES, Target, id_column

API_PATH = "/api/data/v9.2"
_NAMED_MOST = 50  # rows of one name that are read: accents may make a few of them other names

# https://learn.microsoft.com/power-apps/developer/data-platform/webapi/compose-http-requests-handle-errors
HEADERS: Mapping[str, str] = {"Accept": "application/json", "OData-MaxVersion": "4.0", "OData-Version": "4.0"}
_JSON = {"Content-Type": "application/json; charset=utf-8"}

_TYPES = "Microsoft.Dynamics.CRM."
_FACTS = (
    "LogicalName,AttributeType,AttributeTypeName,DisplayName,RequiredLevel,IsValidForCreate,IsValidForUpdate,IsSecured"
)
_LENGTH, _RANGE = ",MaxLength", ",MinValue,MaxValue"
_OPTIONS = "&$expand=OptionSet($select=Options),GlobalOptionSet($select=Options)"
_TYPED_FACTS: Mapping[str, str] = {
    "String": f"{_LENGTH},FormatName",
    "Memo": _LENGTH,
    "Integer": _RANGE,
    "Decimal": f"{_RANGE},Precision",
    "Double": f"{_RANGE},Precision",
    "Money": f"{_RANGE},Precision,PrecisionSource",
    "DateTime": ",DateTimeBehavior",
    "Boolean": "&$expand=OptionSet($select=TrueOption,FalseOption)",
    "Picklist": _OPTIONS,
    "Status": _OPTIONS,
    "MultiSelectPicklist": _OPTIONS,
}


@dataclass(frozen=True, slots=True)
class Request:
    """A request below the environment's URL; `path` is encoded already."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, or one part of a batch's. Header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body read as JSON; an empty object where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return {}


def who_am_i() -> Request:
    return Request("GET", f"{API_PATH}/WhoAmI")


def look_up(wanted: LookUp, columns: Sequence[str]) -> Request:
    """Rows by id, e-mail or name, in every state. Comparison is `eq`: `contains` would treat `_` as a wildcard."""
    filter_ = " or ".join((*_by_id(wanted), *_by_email(wanted), *_by_name(wanted)))
    query = f"$select={','.join(columns)}&$filter={quote(filter_, safe='(),')}"
    return Request("GET", f"{API_PATH}/{SET_NAMES[wanted.table]}?{query}")


def _by_id(wanted: LookUp) -> Iterable[str]:
    return (f"{id_column(wanted.table)} eq {row_id}" for row_id in wanted.ids)


def _by_email(wanted: LookUp) -> Iterable[str]:
    return (f"{column} eq {quoted(email)}" for email in wanted.emails for column in EMAIL_COLUMNS)


def _by_name(wanted: LookUp) -> Iterable[str]:
    for first, last in wanted.names:
        yield f"(firstname eq {quoted(first)} and lastname eq {quoted(last)})"


def quoted(text: str) -> str:
    """A string literal; doubling the apostrophe, before any encoding, is what keeps a value from becoming a filter."""
    return "'" + text.replace("'", "''") + "'"


def rows_in(table: str, answer: Mapping[str, Any]) -> list[Row]:
    key = id_column(table)
    return [Row(table, str(row[key]).lower(), row["@odata.etag"], row) for row in answer.get("value", ())]


def reference_query(query: ReferenceQuery) -> Request:
    """Rows of any table by one text column. A handful is enough to know that there are several."""
    asked = f"$select={','.join(query.columns)}&$filter={quote(f'{query.by} eq {quoted(query.value)}', safe='(),')}"
    return Request("GET", f"{API_PATH}/{query.set_name}?{asked}&$top={_NAMED_MOST}")


def write_request(write: RowWrite | Membership) -> Request:
    """Creates under an id chosen by us and never touches a row that is there already; or updates the row only as it
    was read, and never creates one; or adds a member to a list.

    https://learn.microsoft.com/power-apps/developer/data-platform/webapi/perform-conditional-operations-using-web-api
    https://learn.microsoft.com/power-apps/developer/data-platform/webapi/reference/addlistmemberslist
    """
    if isinstance(write, Membership):
        member = {"@odata.type": f"{_TYPES}{write.table}", id_column(write.table): write.row_id}
        of = {"@odata.type": f"{_TYPES}list", "listid": write.list_id}
        return _with_body("POST", f"{API_PATH}/AddListMembersList", {"List": of, "Members": [member]})
    values, address = _wire(write), f"{API_PATH}/{SET_NAMES[write.table]}"
    if write.etag is not None:
        return _with_body("PATCH", f"{address}({write.row_id})", values, {"If-Match": write.etag})
    if any(isinstance(value, list) for value in values.values()):  # rows within a row can only be posted
        return _with_body("POST", address, {id_column(write.table): write.row_id, **values})
    return _with_body("PATCH", f"{address}({write.row_id})", values, {"If-None-Match": "*"})


def create_multiple(table: str, writes: Sequence[RowWrite]) -> Request:
    """New rows of one table under ids chosen by us: all of them, or none.

    https://learn.microsoft.com/power-apps/developer/data-platform/bulk-operations
    """
    about = {"@odata.type": f"{_TYPES}{table}"}
    targets = [{**about, id_column(table): write.row_id, **_wire(write)} for write in writes]
    return _with_body("POST", f"{API_PATH}/{SET_NAMES[table]}/{_TYPES}CreateMultiple", {"Targets": targets})


def _wire(write: RowWrite) -> dict[str, Any]:
    """Lookups are written as binds of their navigation properties."""
    return dict(_property(name, value, write.targets.get(name)) for name, value in write.values.items())


def _property(name: str, value: Any, target: Target | None) -> tuple[str, Any]:
    if target is None:
        return name, value
    return f"{target.navigation}@odata.bind", None if value is None else f"/{target.set_name}({value})"


def _with_body(method: str, path: str, body: Mapping[str, Any], condition: Mapping[str, str] | None = None) -> Request:
    content = json.dumps(body, ensure_ascii=False).encode()
    return Request(method, path, {**_JSON, **(condition or {})}, content)


def table_metadata(table: str) -> tuple[Request, ...]:
    """The table's columns, what only their own types tell, and where lookups lead; `metadata` reads the answers.

    A part for each type that knows more than its name: the facts of one cannot be selected on another.
    https://learn.microsoft.com/power-apps/developer/data-platform/webapi/query-metadata-web-api
    """
    attributes = f"{API_PATH}/EntityDefinitions(LogicalName='{table}')/Attributes"
    typed = (
        Request("GET", f"{attributes}/{_TYPES}{kind}AttributeMetadata?$select=LogicalName{query}")
        for kind, query in _TYPED_FACTS.items()
    )
    return (Request("GET", f"{attributes}?$select={_FACTS}"), *typed, _lookups_of(table))


def _lookups_of(table: str) -> Request:
    facts = "ReferencingAttribute,ReferencingEntityNavigationPropertyName,ReferencedEntity"
    return Request("GET", f"{API_PATH}/EntityDefinitions(LogicalName='{table}')/ManyToOneRelationships?$select={facts}")


def money_precisions() -> Request:
    """How many decimals prices have, and amounts in the organisation's own currency."""
    query = "$select=pricingdecimalprecision&$expand=basecurrencyid($select=currencyprecision)"
    return Request("GET", f"{API_PATH}/organizations?{query}")


def table_names(tables: Iterable[str]) -> Request:
    """What the tables are called in addresses, and which of their columns names a row."""
    filter_ = " or ".join(f"LogicalName eq {quoted(table)}" for table in sorted(tables))
    facts = "LogicalName,EntitySetName,PrimaryNameAttribute"
    return Request("GET", f"{API_PATH}/EntityDefinitions?$select={facts}&$filter={quote(filter_)}")
