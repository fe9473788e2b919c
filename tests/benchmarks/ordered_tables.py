"""A table service for benchmarks: entities in the order of their keys, as Azure keeps them, in SQLite.

Azurite is no measure of what many entities cost: it goes through all of a table for each query and sorts what it found
(LokiTableMetadataStore.queryTableEntities), and moves a list of all keys for each insert. Azure reads a range of keys.
Served is what the app asks: entities by their keys, ranges of row keys in one partition, transactions. What each
request returned is counted. `python -m tests.benchmarks.ordered_tables FILE` says its URL and serves until its input
ends; the storage tests pass with it in Azurite's place.
https://learn.microsoft.com/azure/storage/tables/table-storage-design-for-query
"""

import contextlib
import itertools
import json
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from infra.local.azurite import ACCOUNT
from infra.local.serve import served
from infra.local.stack import ROOT
from tests.benchmarks.ordered_tables_batch import Part, answer_of, parts_of, refusal_of
from tests.benchmarks.ordered_tables_query import Condition, bounds_of, conditions_of

PAGE_MOST: Final = 1_000
TRANSACTION_MOST: Final = 100
TRANSACTION_BYTES: Final = 4 * 1024 * 1024
_QUOTED = r"'((?:[^']|'')*)'"
_KEYS = re.compile(rf"/(\w+)\(PartitionKey={_QUOTED},RowKey={_QUOTED}\)")
_TABLE = re.compile(r"/(\w+)(?:\(\))?")
_WORDS = {
    400: "Bad Request",
    404: "Not Found",
    409: "Conflict",
    412: "Precondition Failed",
    413: "Request Entity Too Large",
}

_Message = MutableMapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    document: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class RefusedError(Exception):
    """`code` as the service names it."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class OrderedTables:
    """The tables of one account in one file. An ASGI application."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.executescript(
            "pragma page_size = 16384; pragma journal_mode = memory; pragma synchronous = off;"
            "pragma cache_size = -200000;"
            "create table if not exists tables (name text primary key) without rowid;"
            "create table if not exists entities (tab text, partition text, row text, body text, at text, etag text, "
            "primary key (tab, partition, row)) without rowid"
        )
        self._tables = {name for (name,) in self._database.execute("select name from tables")}
        self._numbers = itertools.count(1)
        self.requests = self.returned = 0

    def add(self, table: str, entities: Iterable[Mapping[str, Any]]) -> None:
        """Without asking what is there."""
        self._database.execute("begin")
        self._database.execute("insert or ignore into tables values (?)", (table,))
        self._tables.add(table)
        for entity in entities:
            self._store(table, dict(_typed(entity)))
        self._database.execute("commit")

    # --- HTTP -------------------------------------------------------------------------------------------------------

    async def __call__(
        self,
        scope: Mapping[str, Any],
        receive: Callable[[], Awaitable[_Message]],
        send: Callable[[_Message], Awaitable[None]],
    ) -> None:
        body = b""
        while (message := await receive()).get("more_body"):
            body += message["body"]
        body += message.get("body", b"")
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        path = "/" + scope["path"].lstrip("/").partition("/")[2]  # what stands behind the account's name
        answer = self._answer(scope["method"], path, dict(parse_qsl(scope["query_string"].decode())), headers, body)
        content = answer.body or (b"" if answer.document is None else json.dumps(answer.document).encode())
        told = {"content-type": "application/json", "content-length": str(len(content)), **answer.headers}
        listed = [(name.encode(), value.encode()) for name, value in told.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": listed})
        await send({"type": "http.response.body", "body": content})

    def _answer(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> Answer:
        self.requests += 1
        try:
            if path == "/$batch":
                return self._transaction(parts_of(body), len(body))
            if keys := _KEYS.fullmatch(path):
                table, partition, row = map(_unquoted, keys.groups())
                if method == "GET":
                    return self._entity(table, partition, row, query)
                part = Part(method, table, partition, row, headers.get("if-match"), body)
                return Answer(204, headers=_etag(self._changed(part)))
            return self._of_table(method, path, query, body)
        except RefusedError as refused:
            return Answer(refused.status, _problem(refused.code), {"x-ms-error-code": refused.code})

    def _of_table(self, method: str, path: str, query: Mapping[str, str], body: bytes) -> Answer:
        named = _TABLE.fullmatch(path)
        if named is None:
            raise RefusedError(400, "InvalidUri")
        table = named[1]
        match method, table:
            case "POST", "Tables":
                return self._made(json.loads(body)["TableName"])
            case "POST", _:
                entity = json.loads(body)
                part = Part("POST", table, entity["PartitionKey"], entity["RowKey"], None, body)
                return Answer(204, headers=_etag(self._changed(part)))
            case _:
                return self._page(table, query)

    def _made(self, name: str) -> Answer:
        if name in self._tables:
            raise RefusedError(409, "TableAlreadyExists")
        self._database.execute("insert into tables values (?)", (name,))
        self._tables.add(name)
        return Answer(201, {"TableName": name})

    # --- Reading ----------------------------------------------------------------------------------------------------

    def _entity(self, table: str, partition: str, row: str, query: Mapping[str, str]) -> Answer:
        found = self._found(table, partition, row)
        if found is None:
            raise RefusedError(404, "ResourceNotFound")
        self.returned += 1
        return Answer(200, _shown(*found, _selected(query)), _etag(found[2]))

    def _found(self, table: str, partition: str, row: str) -> tuple[str, str, str] | None:
        query = "select body, at, etag from entities where tab = ? and partition = ? and row = ?"
        found: tuple[str, str, str] | None = self._database.execute(query, (table, partition, row)).fetchone()
        return found

    def _page(self, table: str, query: Mapping[str, str]) -> Answer:
        conditions = conditions_of(query.get("$filter", ""))
        most = min(int(query.get("$top", PAGE_MOST)), PAGE_MOST)
        found = list(itertools.islice(self._fitting(table, conditions, query), most + 1))
        headers = {}
        if len(found) > most:
            _, partition, row, *_ = found[most]
            headers["x-ms-continuation-NextPartitionKey"] = partition
            headers["x-ms-continuation-NextRowKey"] = row
        self.returned += len(found[:most])
        select = _selected(query)
        return Answer(
            200, {"value": [_shown(body, at, etag, select) for body, _, _, at, etag in found[:most]]}, headers
        )

    def _fitting(
        self, table: str, conditions: Iterable[Condition], query: Mapping[str, str]
    ) -> Iterator[tuple[str, str, str, str, str]]:
        bounds, others = bounds_of(conditions)
        begins = (query.get("NextPartitionKey", ""), query.get("NextRowKey", ""))
        where, values = ["tab = ?", "(partition, row) >= (?, ?)"], [table, *begins]
        for column, operator, value in bounds:
            where.append(f"{column} {operator} ?")
            values.append(value)
        columns, places = "body, partition, row, at, etag", " and ".join(where)
        sql = f"select {columns} from entities where {places} order by partition, row"
        for found in self._database.execute(sql, values):
            if not others or all(condition.holds(json.loads(found[0])) for condition in others):
                yield found

    # --- Writing ----------------------------------------------------------------------------------------------------

    def _transaction(self, parts: list[Part], size: int) -> Answer:
        headers = {"content-type": "multipart/mixed; boundary=batchresponse_b"}
        etags: list[str] = []
        self._database.execute("begin")
        try:
            _check(parts, size)
            for part in parts:
                etags.append(self._changed(part))  # noqa: PERF401  # how many there are tells whose fault it is
        except RefusedError as refused:
            self._database.execute("rollback")
            word = _WORDS[refused.status]
            return Answer(202, headers=headers, body=refusal_of(len(etags), refused.status, word, refused.code))
        self._database.execute("commit")
        return Answer(202, headers=headers, body=answer_of(etags))

    def _changed(self, part: Part) -> str:
        """The entity's new ETag; empty for one that is gone."""
        if part.table not in self._tables:
            raise RefusedError(404, "TableNotFound")
        found = self._found(part.table, part.partition, part.row)
        if part.method == "POST":
            if found is not None:
                raise RefusedError(409, "EntityAlreadyExists")
        elif part.if_match is not None:
            _check_condition(found, part.if_match)
        if part.method == "DELETE":
            where = "tab = ? and partition = ? and row = ?"
            self._database.execute(f"delete from entities where {where}", (part.table, part.partition, part.row))
            return ""
        entity = json.loads(part.body)
        if part.method in ("PATCH", "MERGE") and found is not None:
            entity = json.loads(found[0]) | entity
        return self._store(part.table, {**entity, "PartitionKey": part.partition, "RowKey": part.row})

    def _store(self, table: str, entity: Mapping[str, Any]) -> str:
        now = _text(datetime.now(UTC))
        etag = f"W/\"datetime'{now}{next(self._numbers)}'\""
        values = (table, entity["PartitionKey"], entity["RowKey"], json.dumps(entity), now, etag)
        self._database.execute("insert or replace into entities values (?, ?, ?, ?, ?, ?)", values)
        return etag


def _check(parts: list[Part], size: int) -> None:
    if size > TRANSACTION_BYTES:
        raise RefusedError(413, "RequestBodyTooLarge")
    if len(parts) > TRANSACTION_MOST:
        raise RefusedError(400, "InvalidInput")
    if len({(part.table, part.partition) for part in parts}) != 1:
        raise RefusedError(400, "CommandsInBatchActOnDifferentPartitions")
    if len({part.row for part in parts}) != len(parts):
        raise RefusedError(400, "InvalidDuplicateRow")


def _check_condition(found: tuple[str, str, str] | None, if_match: str) -> None:
    if found is None:
        raise RefusedError(404, "ResourceNotFound")
    if if_match not in ("*", found[2]):
        raise RefusedError(412, "UpdateConditionNotSatisfied")


def _typed(entity: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in entity.items():
        if isinstance(value, datetime):
            yield f"{name}@odata.type", "Edm.DateTime"
            yield name, _text(value)
        else:
            yield name, value


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def _shown(body: str, at: str, etag: str, select: list[str] | None) -> dict[str, Any]:
    entity = {**json.loads(body), "Timestamp@odata.type": "Edm.DateTime", "Timestamp": at}
    shown = entity if select is None else {name: value for name, value in entity.items() if _plain(name) in select}
    return {"odata.etag": etag, **shown}


def _selected(query: Mapping[str, str]) -> list[str] | None:
    return query["$select"].split(",") if query.get("$select") else None


def _plain(name: str) -> str:
    return name.partition("@")[0]


def _unquoted(text: str) -> str:
    return text.replace("''", "'")


def _etag(etag: str) -> dict[str, str]:
    return {"etag": etag} if etag else {}


def _problem(code: str) -> dict[str, Any]:
    return {"odata.error": {"code": code, "message": {"lang": "en-US", "value": code}}}


@contextlib.contextmanager
def ordered_tables() -> Iterator[str]:
    """In a process and a folder of their own for as long as the block lasts; the URL of the account."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.benchmarks.ordered_tables", f"{folder}/tables.sqlite"]
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            yield f"{process.stdout.readline().strip()}/{ACCOUNT}"
            process.stdin.close()


def main() -> None:
    """Serves the file of the command line until the input ends."""
    with served(lambda _: OrderedTables(Path(sys.argv[1]))) as url:
        print(url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
