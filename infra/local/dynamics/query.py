"""Reading rows: the query options of a URL, and one page of an answer.

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/query/overview
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote_plus

from infra.local.dynamics import refusals
from infra.local.dynamics.filters import Condition, condition
from infra.local.dynamics.shown import Shower
from infra.local.dynamics.store import Row, Store
from infra.local.dynamics.tables import Column, Table

PAGE_MOST = 5000
_OPTIONS = {"$select", "$filter", "$orderby", "$top", "$count", "$expand", "$skiptoken"}
_EXPANDED = re.compile(r"\s*(\w+)\s*(?:\(([^()]*)\))?\s*(?:,|$)")
_PAGE = re.compile(r'pagenumber="(\d+)"')


@dataclass(frozen=True)
class Options:
    """The query part of a URL, split and decoded. Blanks may come as `+`, as some clients send them."""

    values: Mapping[str, str]
    raw: str

    @classmethod
    def of(cls, raw: str) -> "Options":
        pairs = (pair.partition("=") for pair in raw.split("&") if pair)
        values = {unquote_plus(name): unquote_plus(value) for name, _, value in pairs}
        for name in values:
            if name.startswith("$") and name not in _OPTIONS:
                raise refusals.bad_query(f"The query parameter {name} is not supported.")
        return cls(values, raw)

    @property
    def aliases(self) -> dict[str, str]:
        return {name[1:]: value for name, value in self.values.items() if name.startswith("@")}

    def whole_number(self, name: str) -> int | None:
        text = self.values.get(name)
        if text is None:
            return None
        if not text.isdigit():
            raise refusals.bad_query(f"The value of {name} must be a whole number.")
        return int(text)


@dataclass(frozen=True)
class Preferences:
    """What the Prefer header asks for."""

    representation: bool = False
    page_size: int | None = None
    annotations: frozenset[str] = frozenset()
    continue_on_error: bool = False
    applied: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, header: str) -> "Preferences":
        size = re.search(r"odata\.maxpagesize=(\d+)", header)
        names = re.search(r'odata\.include-annotations="([^"]*)"', header)
        return cls(
            representation="return=representation" in header,
            page_size=min(int(size[1]), PAGE_MOST) if size else None,
            annotations=frozenset(name.strip() for name in names[1].split(",")) if names else frozenset(),
            continue_on_error="odata.continue-on-error" in header,
            applied=[match[0] for match in (size, names) if match],
        )


class Reader:
    def __init__(self, store: Store, tables: Mapping[str, Table], *, url: str) -> None:
        self._store = store
        self._tables = tables
        self._url = url

    def row(self, table: Table, row: Row, options: Options, preferences: Preferences) -> dict[str, Any]:
        """One row with its context."""
        columns = selected(table, options.values.get("$select"))
        shown = Shower(self._store, self._tables, preferences.annotations).shown(table, row, columns)
        shown |= self._expanded(table, row, options)
        return {"@odata.context": f"{self._context(table, options)}/$entity", **shown}

    def page(self, table: Table, path: str, options: Options, preferences: Preferences) -> dict[str, Any]:
        where = self._where(table, options)
        order = _order(table, options.values.get("$orderby"))
        top = options.whole_number("$top")
        size = preferences.page_size or PAGE_MOST
        page = self._page_number(options)
        limit, offset = (top, 0) if top is not None and not preferences.page_size else (size + 1, (page - 1) * size)
        rows = self._store.select(table, *where, order=order, limit=limit, offset=offset)
        shower = Shower(self._store, self._tables, preferences.annotations)
        columns = selected(table, options.values.get("$select"))
        answer: dict[str, Any] = {"@odata.context": self._context(table, options)}
        if options.values.get("$count") == "true":
            answer |= self._counted(table, where)
        shown = rows[:size]
        answer["value"] = [shower.shown(table, row, columns) | self._expanded(table, row, options) for row in shown]
        if len(rows) > size:
            answer["@odata.nextLink"] = self._next(path, options, page + 1)
        return answer

    def _where(self, table: Table, options: Options) -> Condition:
        text = options.values.get("$filter")
        return condition(text, table, self._tables, options.aliases) if text else Condition("1", ())

    def _counted(self, table: Table, where: Condition) -> dict[str, Any]:
        count = self._store.count(table, where.sql, where.parameters)
        exceeded = {"@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded": count > PAGE_MOST}
        return {"@odata.count": min(count, PAGE_MOST), **exceeded}

    def count(self, table: Table, options: Options) -> int:
        where = self._where(table, options)
        return min(self._store.count(table, where.sql, where.parameters), PAGE_MOST)

    def _context(self, table: Table, options: Options) -> str:
        chosen = options.values.get("$select")
        return f"{self._url}/$metadata#{table.set_name}" + (f"({chosen})" if chosen else "")

    def _page_number(self, options: Options) -> int:
        token = options.values.get("$skiptoken")
        found = _PAGE.search(token) if token else None
        if token and not found:
            raise refusals.bad_query("The $skiptoken is not one of ours.")
        return int(found[1]) if found else 1

    def _next(self, path: str, options: Options, page: int) -> str:
        kept = "&".join(pair for pair in options.raw.split("&") if not pair.startswith("$skiptoken"))
        cookie = f'<cookie pagenumber="{page}" pagingcookie="" istracking="False" />'
        return f"{self._url}/{path}?{kept}&$skiptoken={quote(cookie)}"

    def _expanded(self, table: Table, row: Row, options: Options) -> dict[str, Any]:
        """Single-valued navigation only."""
        expanded: dict[str, Any] = {}
        for match in _EXPANDED.finditer(options.values.get("$expand", "")):
            name, inner = match[1], match[2] or ""
            if name not in table.binds:
                raise refusals.unknown_property(name, table.name)
            column, target_name = table.binds[name]
            target = self._tables.get(row.get(f"{column.name}__table") or target_name)
            there = self._store.get(target, row[column.name]) if target and row.get(column.name) else None
            chosen = inner.partition("$select=")[2] or None
            plain = Shower(self._store, self._tables, frozenset())
            expanded[name] = plain.shown(target, there, selected(target, chosen)) if target and there else None
        return expanded


def selected(table: Table, text: str | None) -> list[Column]:
    if not text:
        return list(table.stored)
    columns = []
    for name in (part.strip() for part in text.split(",")):
        if name not in table.by_read_name:
            raise refusals.unknown_property(name, table.name)
        columns.append(table.by_read_name[name])
    return columns


def _order(table: Table, text: str | None) -> str:
    parts = []
    for part in (text or "").split(","):
        name, _, direction = part.strip().partition(" ")
        if not name:
            continue
        if name not in table.by_read_name or direction.strip().lower() not in ("", "asc", "desc"):
            raise refusals.unknown_property(name, table.name)
        column = table.by_read_name[name]
        quoted = f'"{column.name}"'
        parts.append(f"{f'fold({quoted})' if column.type in ('String', 'Memo') else quoted} {direction}")
    return ", ".join([*parts, "rowid"])
