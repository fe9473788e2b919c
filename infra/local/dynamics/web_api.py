"""One request of the Web API, by itself or as a part of a batch: which table, which operation, which answer.

Duty: read address and headers, ask `query`, `writes` or `definitions`, and put the answer into HTTP's words. How a
request got here (a socket, a batch) it does not know.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from infra.local.dynamics import refusals
from infra.local.dynamics.definitions import definitions
from infra.local.dynamics.query import Options, Preferences, Reader
from infra.local.dynamics.refusals import Refusal
from infra.local.dynamics.shown import etag
from infra.local.dynamics.store import Row, Store
from infra.local.dynamics.tables import Table
from infra.local.dynamics.writes import Caller, Writer

URL_MOST = 32_768
_BASE = re.compile(r"(?:https?://[^/]+)?/api/data/v9\.[0-2]/(.*)", re.DOTALL)
_ROW = re.compile(r"(\w+)\(([0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})\)")
_SET = re.compile(r"(\w+)(/\$count)?")
JSON = "application/json; odata.metadata=minimal"


@dataclass(frozen=True)
class Call:
    """A request; header names are lower-case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass
class Answer:
    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return b"" if self.body is None else json.dumps(self.body, ensure_ascii=False).encode()


def refused(refusal: Refusal) -> Answer:
    return Answer(refusal.status, {"error": {"code": refusal.code, "message": refusal.message}})


def split_target(target: str) -> tuple[str, str]:
    """The path below the service's root, decoded, and the raw query. Raises Refusal."""
    found = _BASE.fullmatch(target)
    path, _, query = (found[1] if found else target.lstrip("/")).partition("?")
    return unquote(path).strip("/"), query


class WebApi:
    def __init__(
        self, store: Store, tables: Mapping[str, Table], writer: Writer, *, url: str, organization: str
    ) -> None:
        self._store = store
        self._tables = tables
        self._sets = {table.set_name: table for table in tables.values()}
        self._writer = writer
        self._root = f"{url}/api/data/v9.2"
        self._reader = Reader(store, tables, url=self._root)
        self._organization = organization

    def answer(self, call: Call, caller: Caller, *, url_most: int = URL_MOST) -> Answer:
        """Never raises for what a client sent."""
        try:
            _require_short(call.target, url_most)
            with self._store.atomic():
                answer = self._routed(call, caller)
        except Refusal as refusal:
            answer = refused(refusal)
        answer.headers.setdefault("OData-Version", "4.0")
        return answer

    def _routed(self, call: Call, caller: Caller) -> Answer:
        path, query = split_target(call.target)
        if path == "WhoAmI":
            return Answer(200, self._who_am_i(caller))
        if path.startswith("EntityDefinitions"):
            return Answer(200, definitions(path, Options.of(query), self._tables, self._root))
        if (found := _ROW.fullmatch(path)) is not None:
            return self._on_row(call, self._table(found[1]), found[2].lower(), Options.of(query), caller)
        if (found := _SET.fullmatch(path)) is not None:
            return self._on_set(call, self._table(found[1]), path, Options.of(query), caller)
        raise refusals.unknown_segment(path)

    def _table(self, set_name: str) -> Table:
        if set_name not in self._sets:
            raise refusals.unknown_segment(set_name)
        return self._sets[set_name]

    def _who_am_i(self, caller: Caller) -> dict[str, str]:
        return {
            "@odata.context": f"{self._root}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse",
            "BusinessUnitId": caller.business_unit_id,
            "UserId": caller.user_id,
            "OrganizationId": self._organization,
        }

    def _on_set(self, call: Call, table: Table, path: str, options: Options, caller: Caller) -> Answer:
        preferences = Preferences.of(call.headers.get("prefer", ""))
        if call.method == "GET" and path.endswith("/$count"):
            return Answer(200, self._reader.count(table, options))
        if call.method == "GET":
            page = self._reader.page(table, path, options, preferences)
            return Answer(200, page, _applied(preferences.applied))
        if call.method == "POST":
            row = self._writer.create(table, _body(call, table), caller)
            return self._written(table, row, options, preferences, created=True)
        raise refusals.not_allowed(call.method)

    def _on_row(self, call: Call, table: Table, row_id: str, options: Options, caller: Caller) -> Answer:
        preferences = Preferences.of(call.headers.get("prefer", ""))
        if_match = call.headers.get("if-match")
        match call.method:
            case "GET":
                return self._read(call, table, row_id, options, preferences)
            case "PATCH":
                return self._patched(call, table, row_id, options, preferences, caller)
            case "DELETE":
                self._writer.delete(table, row_id, if_match=if_match)
                return Answer(204)
            case _:
                raise refusals.not_allowed(call.method)

    def _read(self, call: Call, table: Table, row_id: str, options: Options, preferences: Preferences) -> Answer:
        row = self._writer.existing(table, row_id, None)
        if call.headers.get("if-none-match") == etag(row) and "$expand" not in options.values:
            return Answer(304, headers={"ETag": etag(row)})
        return Answer(200, self._reader.row(table, row, options, preferences), {"ETag": etag(row)})

    def _patched(
        self, call: Call, table: Table, row_id: str, options: Options, preferences: Preferences, caller: Caller
    ) -> Answer:
        """An update, or a creation where nothing forbids it."""
        body = _body(call, table)
        exists = self._store.get(table, row_id) is not None
        if exists and call.headers.get("if-none-match") == "*":
            raise refusals.row_exists()
        if_match = call.headers.get("if-match")
        if exists or if_match is not None:
            row = self._writer.update(table, row_id, body, caller, if_match=if_match)
        else:
            row = self._writer.create(table, body, caller, row_id=row_id)
        return self._written(table, row, options, preferences, created=not exists)

    def _written(self, table: Table, row: Row, options: Options, preferences: Preferences, *, created: bool) -> Answer:
        if preferences.representation:
            shown = self._reader.row(table, row, options, preferences)
            applied = _applied(["return=representation"])
            return Answer(201 if created else 200, shown, {"ETag": etag(row), **applied})
        return Answer(204, headers={"OData-EntityId": f"{self._root}/{table.set_name}({row[table.id_column]})"})


def _require_short(target: str, most: int) -> None:
    if len(target) > most:
        raise Refusal(414, "0x8006088a", "The request URI is too long.")


def _applied(preferences: list[str]) -> dict[str, str]:
    return {"Preference-Applied": ",".join(preferences)} if preferences else {}


def _body(call: Call, table: Table) -> dict[str, Any]:
    try:
        document = json.loads(call.body)
    except ValueError as error:
        raise refusals.bad_payload(table.set_name, f"the body is not valid JSON: {error}.") from None
    if not isinstance(document, dict):
        raise refusals.bad_payload(table.set_name, "the body must be an object.")
    return document
