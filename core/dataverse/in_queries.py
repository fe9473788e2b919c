"""What many deliveries ask for, as a few requests; and to each of them what of the answers is its own. No I/O.

Values of one column are asked for together with `In`; pairs of names cannot be, so they are alternatives of one filter.
https://learn.microsoft.com/power-apps/developer/data-platform/webapi/query/filter-rows
"""

import itertools
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from core.dataverse import protocol
from core.dataverse.protocol import API_PATH, Request
from core.domain.matching import LookUp, row_emails
from core.domain.references import Answer, Found, NotAnswered, ReferenceQuery, References
from core.domain.row import Row, RowKey
from core.domain.search import Search
from core.domain.table import EMAIL_COLUMNS, SET_NAMES, id_column
from core.domain.values import normal_name

_VALUES_MOST = 200  # of one `In`; how many it may hold is not documented
_PAIRS_MOST = 100  # two conditions each; a query takes 500
_TEXT_MOST = 50_000  # characters of all values in one request as they are encoded: an address takes 65,536
_VALUE_MOST = 400  # `In` compares texts of up to 850 characters

_Names = tuple[str, str]


@dataclass(frozen=True, slots=True)
class RowsWanted:
    """Rows of one table, with the columns to be read of them."""

    table: str
    columns: tuple[str, ...]


@dataclass(slots=True)
class _Values:
    """Insertion order is kept, and every value is there once."""

    ids: dict[str, None] = field(default_factory=dict)
    emails: dict[str, None] = field(default_factory=dict)
    names: dict[_Names, None] = field(default_factory=dict)


def row_requests(searches: Iterable[Search]) -> list[tuple[RowsWanted, Request]]:
    """Everything that the searches' look-ups want, asked for once."""
    wanted: dict[RowsWanted, _Values] = defaultdict(_Values)
    alone: list[tuple[RowsWanted, Request]] = []
    for search in searches:
        for look_up in search.look_ups:
            of = rows_wanted(search, look_up)
            if _is_long(look_up):
                alone.append((of, protocol.look_up(look_up, of.columns)))
                continue
            values = wanted[of]
            values.ids |= dict.fromkeys(look_up.ids)
            values.emails |= dict.fromkeys(look_up.emails)
            values.names |= dict.fromkeys(look_up.names)
    return [*((of, request) for of, values in wanted.items() for request in _requests(of, values)), *alone]


def rows_wanted(search: Search, look_up: LookUp) -> RowsWanted:
    return RowsWanted(look_up.table, tuple(search.columns[look_up.table]))


def _is_long(look_up: LookUp) -> bool:
    texts = itertools.chain(look_up.emails, *look_up.names)
    return any(len(text) > _VALUE_MOST for text in texts)


def _requests(of: RowsWanted, values: _Values) -> Iterator[Request]:
    for ids in _pieces(list(values.ids)):
        yield _rows(of, [_in(id_column(of.table), ids)])
    for emails in _pieces(list(values.emails), times=len(EMAIL_COLUMNS)):
        yield _rows(of, [_in(column, emails) for column in EMAIL_COLUMNS])
    for pairs in _pieces([_pair(name) for name in values.names], most=_PAIRS_MOST):
        yield _rows(of, pairs)


def _rows(of: RowsWanted, alternatives: Sequence[str]) -> Request:
    query = f"$select={','.join(of.columns)}&$filter={quote(' or '.join(alternatives), safe='(),')}"
    return Request("GET", f"{API_PATH}/{SET_NAMES[of.table]}?{query}")


def _in(column: str, values: Sequence[str]) -> str:
    """An array is written as JSON; the apostrophe is an ordinary character there."""
    array = json.dumps(values, ensure_ascii=False)
    return f"Microsoft.Dynamics.CRM.In(PropertyName='{column}',PropertyValues={array})"


def _pair(name: _Names) -> str:
    first, last = map(protocol.quoted, name)
    return f"(firstname eq {first} and lastname eq {last})"


def _pieces(values: Sequence[str], *, most: int = _VALUES_MOST, times: int = 1) -> Iterator[Sequence[str]]:
    """Each is what one address holds, in which every value stands so many times."""
    piece: list[str] = []
    length = 0
    for value in values:
        more = times * len(quote(f'"{value}", '))
        if piece and (len(piece) >= most or length + more > _TEXT_MOST):
            yield piece
            piece, length = [], 0
        piece.append(value)
        length += more
    if piece:
        yield piece


# --- What names stand for ---------------------------------------------------------------------------------------------


def reference_requests(queries: Iterable[ReferenceQuery]) -> list[tuple[ReferenceQuery, Request]]:
    """Each request with one of the queries that it answers: the others differ in their value alone."""
    alike: dict[tuple[str, str, str], dict[str, ReferenceQuery]] = defaultdict(dict)
    requests: list[tuple[ReferenceQuery, Request]] = []
    for query in queries:
        if len(query.value) > _VALUE_MOST:
            requests.append((query, protocol.reference_query(query)))
        else:
            alike[query.table, query.set_name, query.by][query.value] = query
    for (_, set_name, by), by_value in alike.items():
        for values in _pieces(list(by_value)):
            one = by_value[values[0]]
            filter_ = quote(_in(by, values), safe="(),")
            path = f"{API_PATH}/{set_name}?$select={','.join(one.columns)}&$filter={filter_}"
            requests.append((one, Request("GET", path)))
    return requests


# --- To everybody his own ---------------------------------------------------------------------------------------------


class RowsByValue:
    """The rows that were read, by what they were asked for. The server's comparison is wider than ours: what fits by
    its rules alone is nobody's.
    """

    def __init__(self) -> None:
        self._by_id: dict[tuple[RowsWanted, str], Row] = {}
        self._by_email: dict[tuple[RowsWanted, str], list[Row]] = defaultdict(list)
        self._by_name: dict[tuple[RowsWanted, _Names], list[Row]] = defaultdict(list)
        self._by_reference: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
        self._not_answered: dict[tuple[str, str], NotAnswered] = {}

    def add(self, of: RowsWanted, rows: Iterable[Row]) -> None:
        for row in rows:
            if (of, row.id) in self._by_id:
                continue
            self._by_id[of, row.id] = row
            for email in row_emails(row):
                self._by_email[of, email].append(row)
            self._by_name[of, _comparable(row.columns.get("firstname"), row.columns.get("lastname"))].append(row)

    def add_named(self, of: ReferenceQuery, answer: Answer) -> None:
        """A refusal is about the table or the column, so it stands for all that were asked for together."""
        if isinstance(answer, NotAnswered):
            self._not_answered[of.table, of.by] = answer
            return
        for row in answer:
            named = self._by_reference[of.table, of.by, normal_name(str(row.columns.get(of.by) or ""))]
            if row not in named:
                named.append(row)

    def named(self, query: ReferenceQuery) -> Answer:
        rows = tuple(self._by_reference.get((query.table, query.by, normal_name(query.value)), ()))
        return rows or self._not_answered.get((query.table, query.by), ())

    def found(self, search: Search, references: References) -> Found:
        rows: dict[RowKey, Row | None] = {}
        for look_up in search.look_ups:
            of = rows_wanted(search, look_up)
            rows |= {(look_up.table, row_id): self._by_id.get((of, row_id)) for row_id in look_up.ids}
            rows |= {row.key: row for row in self._fitting(of, look_up)}
        return Found(rows, {query: references[query] for query in search.references})

    def _fitting(self, of: RowsWanted, look_up: LookUp) -> Iterator[Row]:
        for email in look_up.emails:
            yield from self._by_email.get((of, email), ())
        for name in look_up.names:
            yield from self._by_name.get((of, _comparable(*name)), ())


def _comparable(first: object, last: object) -> _Names:
    return normal_name(str(first or "")), normal_name(str(last or ""))
