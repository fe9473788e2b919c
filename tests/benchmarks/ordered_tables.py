"""A table service for benchmarks: entities in the order of their keys, as Azure keeps them, in SQLite.

Azurite is no measure of how long a log takes to read: it goes through all of a table for each query, and sorts what it
found (LokiTableMetadataStore.queryTableEntities). Azure reads a range of keys. Only what the log's pages ask is served:
an entity by its keys, and a range of row keys in one partition. What each request returned is counted.
https://learn.microsoft.com/azure/storage/tables/table-storage-design-for-query
"""

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_QUOTED = r"'((?:[^']|'')*)'"
_KEYS = re.compile(rf".*\(PartitionKey={_QUOTED},RowKey={_QUOTED}\)")
_RANGE = re.compile(
    rf"PartitionKey eq {_QUOTED} and RowKey gt {_QUOTED} and RowKey lt {_QUOTED}"
    r"(?: and Timestamp gt datetime'([^']*)')?"
)
_PAGE_MOST = 1_000


class OrderedTable:
    """One table in one file."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, check_same_thread=False)
        self._database.executescript(
            "pragma page_size = 16384; pragma journal_mode = off; pragma synchronous = off;"
            "create table if not exists entities "
            "(partition text, row text, body text, at text, primary key (partition, row)) without rowid"
        )
        self.requests = self.returned = 0

    def add(self, entities: Iterable[Mapping[str, Any]]) -> None:
        with self._database:
            self._database.executemany("insert or replace into entities values (?, ?, ?, ?)", map(_stored, entities))

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{account}/{what:path}", self._answer)])

    async def _answer(self, request: Request) -> Response:
        self.requests += 1
        if keys := _KEYS.fullmatch(request.path_params["what"]):
            return self._entity(*map(_unquoted, keys.groups()))
        wanted = _RANGE.fullmatch(request.query_params["$filter"])
        assert wanted, request.query_params["$filter"]
        partition, first, last, since = (_unquoted(text or "") for text in wanted.groups())
        begins = request.query_params.get("NextRowKey", "")
        most = min(int(request.query_params.get("$top", _PAGE_MOST)), _PAGE_MOST)
        found = self._range(partition, (first, begins, last, since), most + 1)
        select = request.query_params.get("$select", "")
        return self._page(partition, found, most, select.split(",") if select else None)

    def _range(self, partition: str, bounds: tuple[str, str, str, str], most: int) -> list[tuple[str, str]]:
        query = (
            "select row, body from entities where partition = ? and row > ? and row >= ? and row < ? and at > ? "
            "order by row limit ?"
        )
        return self._database.execute(query, (partition, *bounds, most)).fetchall()

    def _page(self, partition: str, found: list[tuple[str, str]], most: int, select: list[str] | None) -> JSONResponse:
        headers = {}
        if len(found) > most:
            headers = {"x-ms-continuation-NextPartitionKey": partition, "x-ms-continuation-NextRowKey": found[most][0]}
        entities = [_shown(json.loads(body), select) for _, body in found[:most]]
        self.returned += len(entities)
        return JSONResponse({"value": entities}, headers=headers)

    def _entity(self, partition: str, row: str) -> JSONResponse:
        query = "select body from entities where partition = ? and row = ?"
        found = self._database.execute(query, (partition, row)).fetchone()
        if found is None:
            problem = {"odata.error": {"code": "ResourceNotFound", "message": {"lang": "en-US", "value": "none"}}}
            return JSONResponse(problem, 404, headers={"x-ms-error-code": "ResourceNotFound"})
        self.returned += 1
        return JSONResponse(_shown(json.loads(found[0]), None))


def _stored(entity: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """With the time of storage, which stamps what it commits."""
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    body = {**dict(_typed(entity)), "Timestamp": now}
    return entity["PartitionKey"], entity["RowKey"], json.dumps(body), now


def _typed(entity: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in entity.items():
        if isinstance(value, datetime):
            yield f"{name}@odata.type", "Edm.DateTime"
            yield name, f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        else:
            yield name, value


def _shown(entity: dict[str, Any], select: list[str] | None) -> dict[str, Any]:
    shown = entity if select is None else {name: value for name, value in entity.items() if _plain(name) in select}
    return {"odata.etag": "W/\"datetime'2026'\"", **shown}


def _plain(name: str) -> str:
    return name.partition("@")[0]


def _unquoted(text: str) -> str:
    return text.replace("''", "'")
