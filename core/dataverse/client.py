"""One connected Dynamics environment over HTTP. Fits `sync.ports.Crm`.

Duty: send what `protocol` builds, with a token, through the shared connection pool, and raise what `failures` says.
A 401 is answered once with a new token. Redirects are never followed: they would carry the token elsewhere.
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

import httpx

from core.dataverse import protocol
from core.dataverse.answer_body import content_of
from core.dataverse.batch import batch, batch_groups, batch_parts, change_set, independent
from core.dataverse.bulk_writes import Piece, batches, creations
from core.dataverse.failures import failure_of, is_unmet_condition
from core.dataverse.in_queries import RowsByValue, reference_requests, row_requests
from core.dataverse.metadata import (
    Precisions,
    has_precision_elsewhere,
    precisions_of,
    table_of,
    target_tables,
    targets_of,
)
from core.dataverse.notes import call_of
from core.dataverse.protocol import Request, Response
from core.dataverse.remembered import RememberedReferences
from core.dataverse.traffic import Traffic
from core.domain.check import Identity
from core.domain.delivery import Membership, RowWrite
from core.domain.matching import LookUp
from core.domain.references import Answer, Found, NotAnswered, ReferenceQuery
from core.domain.row import Row, RowKey
from core.domain.search import Search
from core.domain.table import Table
from core.errors import (
    MisconfiguredConnectionError,
    MissingPrivilegeError,
    RejectedRowError,
    RetryableError,
    SyncError,
)
from core.sync.ports import Passing
from core.telemetry import note_call
from core.tracing import Span, span, tell_call

_OK, _UNAUTHORIZED, _NOT_FOUND = 200, 401, 404
_ABOUT_OTHER_ROWS = {"0x80040217", "0x80040225", "0x80040229"}


class TokenSource(Protocol):
    async def token(self, *, fresh: bool = False) -> str: ...


class DataverseClient:
    def __init__(
        self,
        *,
        url: str,
        organization_id: str | None,
        http: httpx.AsyncClient,
        tokens: TokenSource,
        traffic: Traffic | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._organization_id = organization_id
        self._http = http
        self._tokens = tokens
        self._traffic = traffic or Traffic()
        self._references = RememberedReferences(clock)

    async def find(
        self,
        look_ups: Sequence[LookUp],
        columns: Mapping[str, Sequence[str]],
        references: Collection[ReferenceQuery] = (),
    ) -> Found:
        """One request for everything that is not remembered. WhoAmI goes with it, so that a copied environment is
        never written to.
        """
        remembered = self._references.known(references)
        asked = [query for query in references if query not in remembered]
        if not look_ups and not asked:
            return Found(references=remembered)
        queries = [protocol.look_up(wanted, columns[wanted.table]) for wanted in look_ups]
        answers, named = await self._asked(queries, [protocol.reference_query(query) for query in asked])
        rows: dict[RowKey, Row | None] = {(wanted.table, row_id): None for wanted in look_ups for row_id in wanted.ids}
        for wanted, answer in zip(look_ups, answers, strict=True):
            rows |= {row.key: row for row in await self._rows(wanted.table, answer)}
        fresh: dict[ReferenceQuery, Answer] = {
            query: _said(await self._named(query.table, answer)) for query, answer in zip(asked, named, strict=True)
        }
        self._references.remember(fresh)
        return Found(rows, {**remembered, **fresh})

    async def find_all(self, searches: Sequence[Search], gate: Passing) -> list[Found]:
        """The same for many at once, in one request too. A name that Dynamics cannot even be asked for may be one
        person's own: it is refused, so that each is asked about alone.
        """
        known = self._references.known({query for search in searches for query in search.references})
        asked = dict.fromkeys(query for search in searches for query in search.references if query not in known)
        wanted, named, read = row_requests(searches), reference_requests(asked), RowsByValue()
        requests = [request for _, request in wanted], [request for _, request in named]
        async with gate.request():
            answers, answers_to_names = await self._asked(*requests) if any(requests) else ([], [])
        for (of, _), answer in zip(wanted, answers, strict=True):
            read.add(of, await self._rows(of.table, answer))
        for (query, _), answer in zip(named, answers_to_names, strict=True):
            rows = await self._named(query.table, answer)
            if isinstance(rows, RejectedRowError) and not rows.about_mapping and len(searches) > 1:
                raise rows
            read.add_named(query, _said(rows))
        fresh = {query: read.named(query) for query in asked}
        self._references.remember(fresh)
        return [read.found(search, {**known, **fresh}) for search in searches]

    async def _asked(
        self, queries: Sequence[Request], references: Sequence[Request]
    ) -> tuple[list[Response], list[Response]]:
        """In one request. The queries are answered, or what refuses one is raised; of the references each has to be
        looked at: what is in the way of one of them stops nobody.
        """
        who, *answers = await self._parts([protocol.who_am_i(), *queries, *references], goes_on=True)
        _done(who)
        self._check_organization(who.json.get("OrganizationId", ""))
        rows, named = answers[: len(queries)], answers[len(queries) :]
        for answer in rows:
            _done(answer)
        return rows, named

    async def _named(self, table: str, answer: Response) -> list[Row] | SyncError:
        """The rows, or why they cannot be read: a privilege is lacking, or the column that they are found by."""
        try:
            _done(answer)
            return await self._rows(table, answer)
        except (RejectedRowError, MisconfiguredConnectionError) as refused:
            return refused

    async def write(self, writes: Sequence[RowWrite | Membership]) -> bool:
        """One write is a request of its own; several are one change set, which succeeds or fails as a whole."""
        requests = [protocol.write_request(write) for write in writes]
        response = await self._send(requests[0] if len(requests) == 1 else change_set(requests, name=uuid.uuid4().hex))
        answers = [response] if len(requests) == 1 else (batch_parts(response) or [response])
        said = self._told(writes, answers)
        if isinstance(said, SyncError):
            raise said
        return said

    async def write_all(self, pieces: Sequence[Piece], gate: Passing) -> list[bool | SyncError]:
        """Each piece by itself as `write` writes it, in as few requests as can be: rows of one table that are only to
        be created in one message, everything else in batches, side by side. What is said of a piece stands in its
        place; a limit or an outage is said of those that it kept from being written.
        """
        new = list(creations(pieces))
        created = {number for numbers, _ in new for number in numbers}
        others = [number for number in range(len(pieces)) if number not in created]
        said = await asyncio.gather(
            *(self._created(pieces, numbers, message, gate) for numbers, message in new),
            *(self._written_apart(pieces, numbers, gate) for numbers in batches(pieces, others)),
        )
        answers = {number: answer for each in said for number, answer in each.items()}
        return [answers[number] for number in range(len(pieces))]

    async def _created(
        self, pieces: Sequence[Piece], numbers: Sequence[int], message: Request, gate: Passing
    ) -> dict[int, bool | SyncError]:
        """Where Dynamics refuses at least one of them it has made none: then each stands for itself."""
        try:
            async with gate.request():
                _done(await self._send(message), of_row=True)
        except (RejectedRowError, MissingPrivilegeError):
            return await self._written_apart(pieces, numbers, gate)
        except SyncError as error:
            return dict.fromkeys(numbers, error)
        return dict.fromkeys(numbers, True)

    async def _written_apart(
        self, pieces: Sequence[Piece], numbers: Sequence[int], gate: Passing
    ) -> dict[int, bool | SyncError]:
        """A batch that breaks off leaves some without an answer: what became of those is not known."""
        requests = [[protocol.write_request(write) for write in pieces[number]] for number in numbers]
        try:
            async with gate.request():
                response = await self._send(independent(requests, name=uuid.uuid4().hex))
                groups = batch_groups(response)
                if not groups:
                    _done(response)
        except SyncError as error:
            return dict.fromkeys(numbers, error)
        lost = RetryableError("Dynamics' answer to a batch was not complete.", detail=f"HTTP {response.status}")
        told = {number: self._told(pieces[number], answers) for number, answers in zip(numbers, groups, strict=False)}
        return {number: told.get(number, lost) for number in numbers}

    def _told(self, writes: Sequence[RowWrite | Membership], answers: Sequence[Response]) -> bool | SyncError:
        """What is said of a piece. A name that leads to a row that is gone, or disabled, is looked up again."""
        said = _said_of(writes, answers)
        if isinstance(said, RejectedRowError) and said.code in _ABOUT_OTHER_ROWS:
            self._references.forget({row_id for write in writes for row_id in _leads_to(write)})
        return said

    async def confirm_organization(self) -> None:
        self._check_organization(await self.organization_id())

    async def organization_id(self) -> str:
        """Which organisation answers at this URL."""
        return (await self.identity()).organization_id

    async def identity(self) -> Identity:
        """Who we are there. Something else may answer in Dynamics' place, with a page or with nothing."""
        response = await self._send(protocol.who_am_i())
        said = response.json if isinstance(response.json, dict) else {}
        if response.status == _NOT_FOUND or (response.status == _OK and not said.get("OrganizationId")):
            raise MisconfiguredConnectionError(
                "The address answers, but not as a Dynamics environment does.", code="not_dynamics"
            )
        _done(response)
        return Identity(str(said.get("UserId", "")).lower(), str(said["OrganizationId"]).lower())

    async def sign_in(self) -> None:
        """Raises what Entra or Key Vault say against the credential."""
        await self._tokens.token()

    async def ask(self, request: Request) -> Any:
        """What one request answers, read as JSON."""
        response = await self._send(request)
        _done(response)
        return response.json

    async def table(self, name: str) -> Table:
        """The table's columns as they are now."""
        *answers, lookups = await self._batch(protocol.table_metadata(name))
        targets = target_tables(lookups.json)
        names: Any = {}
        if targets:
            response = await self._send(protocol.table_names(targets))
            _done(response)
            names = response.json
        described = [answer.json for answer in answers]
        return table_of(name, described, targets_of(lookups.json, names), await self._precisions(described))

    async def _precisions(self, described: Sequence[Mapping[str, Any]]) -> Precisions:
        """Without the privilege to read them, what the columns say themselves has to do."""
        if not has_precision_elsewhere(described):
            return {}
        response = await self._send(protocol.money_precisions())
        return precisions_of(response.json)

    def _check_organization(self, organization: str) -> None:
        if organization.lower() != self._organization_id:
            raise MisconfiguredConnectionError(
                "Another organisation answers at this address (a copied environment?). Nothing was written; if the "
                "new one is meant, save the connection with its organization_id.",
                code="organization_changed",
            )

    async def _batch(self, requests: Sequence[Request]) -> list[Response]:
        parts = await self._parts(requests)
        for part in parts:
            _done(part)
        return parts

    async def _parts(self, requests: Sequence[Request], *, goes_on: bool = False) -> list[Response]:
        """The answer to each, whatever it says. Where the batch ended before its end, the refusal is raised."""
        response = await self._send(batch(requests, boundary=f"batch_{uuid.uuid4().hex}", goes_on=goes_on))
        parts = batch_parts(response)
        if len(parts) != len(requests):
            for part in parts or [response]:
                _done(part)
        if len(parts) != len(requests):
            raise RetryableError("Dynamics' answer to a batch was not complete.", detail=f"HTTP {response.status}")
        return parts

    async def _rows(self, table: str, answer: Response) -> list[Row]:
        return [row async for page in self._pages(answer) for row in protocol.rows_in(table, page)]

    async def _pages(self, first: Response) -> Any:
        page = first.json
        yield page
        while link := page.get("@odata.nextLink"):
            response = await self._send(Request("GET", self._path_of(str(link))))
            _done(response)
            page = response.json
            yield page

    def _path_of(self, link: str) -> str:
        """Of a link to this environment; to another host the token would go with it."""
        if not link.startswith(f"{self._url}/"):
            raise RetryableError("Dynamics' answer names a next page at another address; it was not asked for.")
        return link.removeprefix(self._url)

    async def _send(self, request: Request) -> Response:
        response = await self._send_with(request, await self._tokens.token())
        if response.status == _UNAUTHORIZED:
            response = await self._send_with(request, await self._tokens.token(fresh=True))
        return response

    async def _send_with(self, request: Request, token: str) -> Response:
        headers = {**protocol.HEADERS, **request.headers, "Authorization": f"Bearer {token}"}
        with span("dynamics") as telling:
            return await self._sent(request, headers, telling)

    async def _sent(self, request: Request, headers: Mapping[str, str], telling: Span) -> Response:
        """Whatever comes of it is noted."""
        began, response = time.perf_counter(), None
        try:
            async with self._traffic.place():
                began = time.perf_counter()
                url = self._url + request.path
                async with self._http.stream(request.method, url, headers=headers, content=request.body) as answer:
                    content = await content_of(answer)
            names = {name.lower(): text for name, text in answer.headers.items()}
            response = Response(answer.status_code, names, content)
            self._traffic.heard(response)
        except httpx.HTTPError as error:
            raise RetryableError("Dynamics cannot be reached.", detail=type(error).__name__) from error
        finally:
            call = call_of(request, response, ms=round((time.perf_counter() - began) * 1000))
            note_call(call)
            tell_call(call, telling)
        return response


def _written(writes: Sequence[RowWrite | Membership], answers: Sequence[Response]) -> bool:
    """Whether it was written; False where a condition did not hold. Raises what a refusal means."""
    may_be_gone = len(writes) == 1 and isinstance(writes[0], RowWrite) and not writes[0].targets
    for answer in answers:
        if is_unmet_condition(answer, may_be_gone=may_be_gone):
            return False
        _done(answer, of_row=True)
    if len(answers) != len(writes):
        raise RetryableError("Dynamics' answer to a batch was not complete.")
    return True


def _said(rows: Sequence[Row] | SyncError) -> Answer:
    return NotAnswered(rows.message) if isinstance(rows, SyncError) else tuple(rows)


def _leads_to(write: RowWrite | Membership) -> Collection[str]:
    if isinstance(write, Membership):
        return [write.list_id]
    return [str(write.values[name]) for name in write.targets if name in write.values]


def _said_of(writes: Sequence[RowWrite | Membership], answers: Sequence[Response]) -> bool | SyncError:
    try:
        return _written(writes, answers)
    except SyncError as error:
        return error


def _done(response: Response, *, of_row: bool = False) -> None:
    """Raises what a refusal means."""
    if not 200 <= response.status < 300:  # noqa: PLR2004
        raise failure_of(response, of_row=of_row)
