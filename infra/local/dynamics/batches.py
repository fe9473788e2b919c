"""$batch: one operation after the other, change sets all or nothing, and what ends a batch early.

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/execute-batch-operations-using-web-api
"""

import dataclasses
import re
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from infra.local.dynamics import errors
from infra.local.dynamics.addresses import api_root
from infra.local.dynamics.environment import Environment
from infra.local.dynamics.exchange import Answer, Request, error_answer
from infra.local.dynamics.multipart import ChangeSet, Part, answer_part, change_set_part, read_batch, write_batch
from infra.local.dynamics.request_log import Part as Logged

MAX_REQUESTS: Final = 1000
_REFERENCE: Final = re.compile(r"\$(\w+)")

Perform = Callable[[Request, int, int], Answer]
"""A request, its place among the batch's requests, and how many these are. May raise `CutError`."""


class CutError(Exception):
    """The server ends in the middle of a batch: what was carried out stays, the answer breaks off."""


def perform_batch(environment: Environment, request: Request, perform: Perform, log: list[Logged]) -> Answer:
    try:
        root = environment.url + api_root(request.path)
        parts = read_batch(request.body, request.headers.get("content-type", ""), root)
        count = sum(len(part.parts) if isinstance(part, ChangeSet) else 1 for part in parts)
        if count > MAX_REQUESTS:
            raise errors.bad_request(f"The number of requests in the batch, {count}, exceeds {MAX_REQUESTS}.")
    except errors.DataverseError as error:
        return error_answer(error)
    return _Run(environment, perform, log, count).answer(parts, goes_on=request.preferences.continues_on_error)


class _Run:
    def __init__(self, environment: Environment, perform: Perform, log: list[Logged], count: int) -> None:
        self._environment = environment
        self._perform = perform
        self._log = log
        self._count = count
        self._place = 0
        self._bulk_rows = 0

    def answer(self, parts: list[Part | ChangeSet], *, goes_on: bool) -> Answer:
        written: list[bytes] = []
        status: int = HTTPStatus.OK
        cut = False
        for part in parts:
            try:
                bytes_, failed = self._change_set(part) if isinstance(part, ChangeSet) else self._alone(part)
            except CutError:
                cut = True
                break
            written.append(bytes_)
            if failed and not goes_on:
                status = failed
                break
        name = f"batchresponse_{uuid.uuid4()}"
        headers = {"Content-Type": f"multipart/mixed; boundary={name}", "OData-Version": "4.0"}
        body = write_batch(written, name)
        return Answer(status, headers, body, self._bulk_rows, body.rindex(b"--" + name.encode()) if cut else None)

    def _alone(self, part: Part) -> tuple[bytes, int]:
        """What to write, and the status if it is an error."""
        answer = self._carry_out(part, {})
        return answer_part(answer), answer.status if answer.is_error else 0

    def _change_set(self, change_set: ChangeSet) -> tuple[bytes, int]:
        """A failed one answers with a single part, for all of it."""
        made: dict[str, str] = {}
        written: list[bytes] = []
        try:
            with self._environment.database.transaction():
                for part in change_set.parts:
                    answer = self._carry_out(part, made, change_set)
                    _require_success(answer)
                    if part.content_id and (url := answer.headers.get("OData-EntityId")):
                        made[part.content_id] = url
                    written.append(answer_part(answer, part.content_id))
        except _FailedError as failure:
            return answer_part(failure.answer), failure.answer.status
        return change_set_part(written, f"changesetresponse_{uuid.uuid4()}"), 0

    def _carry_out(self, part: Part, made: Mapping[str, str], change_set: ChangeSet | None = None) -> Answer:
        place, self._place = self._place, self._place + 1
        try:
            if change_set is not None:
                _require_change(part, change_set)
                part = dataclasses.replace(part, request=_resolved(part.request, made))
            answer = self._perform(part.request, place, self._count)
        except errors.DataverseError as error:
            answer = error_answer(error)
        self._log.append(Logged(part.request.method, part.request.target, answer.status))
        self._bulk_rows += answer.bulk_rows
        return answer


class _FailedError(Exception):
    def __init__(self, answer: Answer) -> None:
        self.answer = answer


def _require_success(answer: Answer) -> None:
    if answer.is_error:
        raise _FailedError(answer)


def _require_change(part: Part, change_set: ChangeSet) -> None:
    if part.request.method == "GET":
        raise errors.bad_request("A change set cannot contain GET requests.")
    if part.content_id is None:
        raise errors.query_invalid("Every request in a change set needs a Content-ID header.")
    if [other.content_id for other in change_set.parts].count(part.content_id) > 1:
        raise errors.bad_request(f"The content ID '{part.content_id}' was found more than once in the change set.")


def _resolved(request: Request, made: Mapping[str, str]) -> Request:
    """`$1` in the address or as the value of a bind → the URL of the row that part 1 made."""
    target = request.target
    if (match := _REFERENCE.match(target.removeprefix("/"))) and not target.startswith("/api/"):
        rest = target.removeprefix("/")[match.end() :]
        target = re.sub(r"^https?://[^/]+", "", _url(match.group(1), made)) + rest
    body = re.sub(
        rb'("[\w.]+@odata\.(?:bind|id)"\s*:\s*")\$(\w+)"',
        lambda found: found.group(1) + _url(found.group(2).decode(), made).encode() + b'"',
        request.body,
    )
    body = re.sub(
        rb'("@odata\.id"\s*:\s*")\$(\w+)"',
        lambda found: found.group(1) + _url(found.group(2).decode(), made).encode() + b'"',
        body,
    )
    return dataclasses.replace(request, target=target, body=body)


def _url(content_id: str, made: Mapping[str, str]) -> str:
    if content_id not in made:
        raise errors.bad_request(f"Content-ID Reference: '${content_id}' does not exist in the batch context.")
    return made[content_id]
