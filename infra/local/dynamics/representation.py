"""A stored row → its JSON: properties, etag, annotations, expanded rows.

Duty: the shape. Which rows and columns, others chose.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from infra.local.dynamics import errors
from infra.local.dynamics.database import VERSION, Row
from infra.local.dynamics.filter_sql import FilterSql, Scope
from infra.local.dynamics.formatted import formatted_value
from infra.local.dynamics.ordering import sorting
from infra.local.dynamics.preferences import FORMATTED, LOGICAL_NAME, NAVIGATION, PAGE_LIMIT, Preferences
from infra.local.dynamics.privileges import Verb
from infra.local.dynamics.query_options import Expand, Options
from infra.local.dynamics.schema import Association, Children, Column, Single, Table
from infra.local.dynamics.selection import select_page, selected_columns
from infra.local.dynamics.sql import joined
from infra.local.dynamics.work import Work

_PLAIN: Final = "$=&,()/'"


@dataclass(slots=True)
class Shape:
    """How rows of one table are to look; made once for all rows of an answer."""

    work: Work
    table: Table
    columns: Sequence[Column]
    expand: Sequence[Expand] = ()
    preferences: Preferences = field(default_factory=Preferences)
    _names: dict[tuple[str, str], str | None] = field(default_factory=dict)

    def json(self, row: Row) -> dict[str, Any]:
        self.work.database.rows_shown += 1
        document: dict[str, Any] = {"@odata.etag": etag(row)}
        for column in self.columns:
            stored = row[column.name]
            if self.preferences.annotations and stored is not None:
                document |= self._annotations(column, stored, row)
            document[column.read_name] = bool(stored) if column.kind == "Boolean" and stored is not None else stored
        for expand in self.expand:
            document[expand.name] = self._expanded(expand, row)
            if expand.name not in self.table.singles:
                document[f"{expand.name}@odata.nextLink"] = self._collection_link(expand, row)
        return document

    def _collection_link(self, expand: Expand, row: Row) -> str:
        """To the same rows again, not to the next ones: collections are not paged when they are expanded."""
        address = f"{self.table.set_name}({row[self.table.id]})/{expand.name}"
        asked = f"?{quote(expand.written, safe=_PLAIN)}" if expand.written else ""
        return f"{self.work.environment.url}/api/data/v9.2/{address}{asked}"

    def _annotations(self, column: Column, stored: Any, row: Row) -> dict[str, str]:
        found: dict[str, str | None] = {}
        if column.is_lookup:
            target = lookup_target(column, row)
            found[FORMATTED] = self._name(target, stored)
            found[LOGICAL_NAME] = target
            found[NAVIGATION] = column.binds.get(target)
        else:
            found[FORMATTED] = formatted_value(column, stored)
        wanted = self.preferences.wants
        return {f"{column.read_name}@{name}": text for name, text in found.items() if text and wanted(name)}

    def _name(self, target: str, row_id: str) -> str | None:
        if (target, row_id) not in self._names:
            table = self.work.schema.tables.get(target)
            row = self.work.database.fetch(table, row_id) if table else None
            self._names[target, row_id] = row.get(table.primary_name or "") if row and table else None
        return self._names[target, row_id]

    def _expanded(self, expand: Expand, row: Row) -> Any:
        if single := self.table.singles.get(expand.name):
            return self._expanded_single(single, expand.options, row)
        relation = self.work.schema.collections(self.table.name).get(expand.name)
        if relation is None:
            raise errors.property_unknown(expand.name, self.table.name)
        return self._expanded_collection(relation, expand.options, row)

    def _expanded_single(self, single: Single, options: Options, row: Row) -> dict[str, Any] | None:
        column = self.table.columns[single.column]
        target = self.work.schema.tables.get(single.target)
        row_id = row.get(column.name)
        if row_id is None or (target is not None and lookup_target(column, row) != single.target):
            return None
        if target is None:
            raise errors.not_simulated(f"rows of {single.target}, which {single.name} leads to")
        found = self.work.database.fetch(target, row_id)
        if found is None or not self.work.caller.reaches(Verb.READ, target, found):
            return None
        return self._shape(target, options).json(found)

    def _expanded_collection(
        self, relation: Children | Association, options: Options, row: Row
    ) -> list[dict[str, Any]]:
        filters = self.work.environment.filters(self.work.caller)
        rows = related_rows(self.work, filters, self.table, row, relation, options)
        target = relation.target if isinstance(relation, Association) else relation.child
        shape = self._shape(self.work.schema.tables[target], options)
        return [shape.json(found) for found in rows]

    def _shape(self, table: Table, options: Options) -> "Shape":
        columns = selected_columns(table, options.select)
        return Shape(self.work, table, columns, options.expand, self.preferences)


def related_rows(
    work: Work,
    filters: FilterSql,
    table: Table,
    row: Row,
    relation: Children | Association,
    options: Options,
) -> list[Row]:
    """The rows on the other side of a collection."""
    scope, source = filters.related(relation, Scope(table, row=row[table.id]))
    conditions = [source] if options.filter is None else [source, filters.condition(options.filter, scope)]
    page = select_page(
        work.database,
        scope,
        columns=list(needed_columns(scope.table, selected_columns(scope.table, options.select), options.expand)),
        source=joined(" AND ", conditions),
        order=sorting(options.order, scope, filters),
        limit=PAGE_LIMIT if options.top is None else min(options.top, PAGE_LIMIT),
    )
    return page.rows


def needed_columns(table: Table, shown: Sequence[Column], expand: Sequence[Expand]) -> Sequence[Column]:
    """What has to be read: what is shown, and the lookups behind what is expanded."""
    behind = [table.columns[table.singles[part.name].column] for part in expand if part.name in table.singles]
    return [*shown, *(column for column in behind if column not in shown)]


def lookup_target(column: Column, row: Mapping[str, Any]) -> str:
    return row[column.type_name] or "" if column.type_name else column.targets[0]


def etag(row: Mapping[str, Any]) -> str:
    return f'W/"{row[VERSION]}"'


def context(base: str, path: str, options: Options, *, single: bool = False, delta: bool = False) -> str:
    """`@odata.context`."""
    parts = [*options.select, *(f"{part.name}({','.join(_inner(part.options))})" for part in options.expand)]
    chosen = f"({','.join(parts)})" if parts else ""
    return f"{base}/$metadata#{path}{chosen}{'/$entity' if single else ''}{'/$delta' if delta else ''}"


def _inner(options: Options) -> list[str]:
    return [*options.select, *(f"{part.name}({','.join(_inner(part.options))})" for part in options.expand)]
