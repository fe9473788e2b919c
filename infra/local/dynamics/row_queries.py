"""GET on a set: rows by filter, in order, page by page; counting them; and what stands behind a navigation property.

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/query/page-results
"""

from typing import Any

from infra.local.dynamics import errors
from infra.local.dynamics.change_tracking import tracked_rows
from infra.local.dynamics.exchange import Answer, Request, json_answer
from infra.local.dynamics.expand_rules import require_possible
from infra.local.dynamics.filter_sql import FilterSql, Scope
from infra.local.dynamics.ordering import sorting
from infra.local.dynamics.paging import Listing, next_link, read_token
from infra.local.dynamics.preferences import PAGE_LIMIT, TOTAL, TOTAL_EXCEEDED, Preferences
from infra.local.dynamics.privileges import Verb
from infra.local.dynamics.query_options import Options, parse_options
from infra.local.dynamics.reach import within_reach
from infra.local.dynamics.read_access import require_expandable
from infra.local.dynamics.representation import Shape, context, needed_columns
from infra.local.dynamics.schema import Table
from infra.local.dynamics.selection import count_rows, select_page, selected_columns
from infra.local.dynamics.sql import Sql, joined
from infra.local.dynamics.work import Work


def query_rows(work: Work, table: Table, request: Request, base: str) -> Answer:
    work.caller.require(Verb.READ, table)
    options, preferences = parse_options(request.query), request.preferences
    if preferences.tracks_changes or options.delta_token:
        return tracked_rows(work, table, request, base)
    filters = work.environment.filters(work.caller)
    scope = Scope(table, "t0")
    source = _source(work, filters, scope, options)
    return answer_rows(work, request, base, scope=scope, source=source, filters=filters, path=table.set_name)


def answer_rows(
    work: Work, request: Request, base: str, *, scope: Scope, source: Sql, filters: FilterSql, path: str
) -> Answer:
    """A page of `source`, with everything the options and preferences ask for."""
    options, preferences, table = parse_options(request.query), request.preferences, scope.table
    listing = Listing(f"{base}/{path}", request.query, preferences.page_size or PAGE_LIMIT)
    number, behind = read_token(options.skip_token, listing) if options.skip_token is not None else (1, None)
    columns = selected_columns(table, options.select)
    require_possible(work.schema, table, options.expand, paged=preferences.page_size is not None)
    require_expandable(work.caller, work.schema, table, options.expand)
    page = select_page(
        work.database,
        scope,
        columns=needed_columns(table, columns, options.expand),
        source=source,
        order=sorting(options.order, scope, filters),
        limit=_limit(options, preferences),
        behind=behind,
    )
    shape = Shape(work, table, columns, options.expand, preferences)
    document: dict[str, Any] = {"@odata.context": context(base, path, options)}
    document |= _counted(work, source, options, preferences)
    document["value"] = [shape.json(row) for row in page.rows]
    if page.last is not None and (options.top is None or preferences.page_size):
        document["@odata.nextLink"] = next_link(listing, page=number + 1, last=page.last)
    return json_answer(document, Preference_Applied=preferences.applied_to_rows())


def count_set(work: Work, table: Table, request: Request) -> Answer:
    """`/contacts/$count`: a bare number, 5,000 at most."""
    work.caller.require(Verb.READ, table)
    filters, scope = work.environment.filters(work.caller), Scope(table, "t0")
    source = _source(work, filters, scope, Options())
    return count_answer(work, request, scope=scope, source=source, filters=filters)


def count_answer(work: Work, request: Request, *, scope: Scope, source: Sql, filters: FilterSql) -> Answer:
    options = parse_options(request.query)
    if refused := [name for name in options.given if name.startswith("$") and name != "$filter"]:
        raise errors.query_invalid(f"The query option {min(refused)} cannot be applied to a count.")
    if options.filter is not None:
        source = joined(" AND ", [source, filters.condition(options.filter, scope)])
    number = count_rows(work.database, source, limit=PAGE_LIMIT)
    return Answer(200, {"Content-Type": "text/plain", "OData-Version": "4.0"}, str(number).encode())


def _source(work: Work, filters: FilterSql, scope: Scope, options: Options) -> Sql:
    conditions = [Sql(f'FROM "{scope.table.name}" AS {scope.alias} WHERE 1')]
    # Rows out of reach are left out in silence.
    conditions.append(within_reach(work.caller, scope.table, scope.alias))
    if options.filter is not None:
        conditions.append(filters.condition(options.filter, scope))
    return joined(" AND ", conditions)


def _limit(options: Options, preferences: Preferences) -> int:
    """With both, the page size wins and $top is ignored."""
    if preferences.page_size:
        return preferences.page_size
    return PAGE_LIMIT if options.top is None else min(options.top, PAGE_LIMIT)


def _counted(work: Work, source: Sql, options: Options, preferences: Preferences) -> dict[str, Any]:
    """Without $count the annotations are there too, when asked for, and say nothing."""
    number = count_rows(work.database, source, limit=PAGE_LIMIT + 1) if options.count else -1
    shown = min(number, PAGE_LIMIT)
    facts: dict[str, Any] = {"@odata.count": shown} if options.count else {}
    if preferences.wants(TOTAL):
        facts[f"@{TOTAL}"] = shown
    if preferences.wants(TOTAL_EXCEEDED):
        facts[f"@{TOTAL_EXCEEDED}"] = number > PAGE_LIMIT
    return facts
