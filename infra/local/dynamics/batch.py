"""`$batch`: many requests in one, in order; change sets are atomic.

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/execute-batch-operations-using-web-api
"""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

from infra.local.dynamics import refusals
from infra.local.dynamics.query import Preferences
from infra.local.dynamics.refusals import Refusal
from infra.local.dynamics.store import Store
from infra.local.dynamics.web_api import JSON, Answer, Call, WebApi, refused
from infra.local.dynamics.writes import Caller

PARTS_MOST = 1000
URL_MOST_INSIDE = 65_536
_BOUNDARY = re.compile(r'boundary="?([^";,]+)"?', re.IGNORECASE)
_REQUEST_LINE = re.compile(r"(GET|POST|PATCH|PUT|DELETE)\s+(\S+)\s+HTTP/1\.1\s*")


@dataclass(frozen=True)
class Part:
    """A request with its content id, or a change set of them."""

    calls: tuple[tuple[str, Call], ...]
    is_change_set: bool = False


class _ChangeSetFailed(Exception):  # noqa: N818  # it rolls the change set back
    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class Batch:
    def __init__(self, api: WebApi, store: Store) -> None:
        self._api = api
        self._store = store
        self.served: list[dict[str, object]] = []

    def answer(self, call: Call, caller: Caller) -> tuple[int, bytes, str]:
        """Status, body and content type of the whole."""
        boundary = f"batchresponse_{uuid.uuid4()}"
        goes_on = Preferences.of(call.headers.get("prefer", "")).continue_on_error
        status, body = 200, b""
        for part in parts(call):
            answers = self._carried_out(part, caller)
            body += _part_of_answer(part, answers, boundary)
            if answers[-1][1].status >= HTTPStatus.BAD_REQUEST and not goes_on:
                status = answers[-1][1].status
                break
        return status, body + f"--{boundary}--\r\n".encode(), f"multipart/mixed; boundary={boundary}"

    def _carried_out(self, part: Part, caller: Caller) -> list[tuple[str, Answer]]:
        if not part.is_change_set:
            return [(content_id, self._one(call, caller)) for content_id, call in part.calls]
        try:
            with self._store.atomic():
                return self._change_set(part, caller)
        except _ChangeSetFailed as failed:
            return [("", failed.answer)]

    def _change_set(self, part: Part, caller: Caller) -> list[tuple[str, Answer]]:
        answers: list[tuple[str, Answer]] = []
        references: dict[str, str] = {}
        for content_id, call in part.calls:
            answer = self._one(_with_references(call, references), caller)
            if answer.status >= HTTPStatus.BAD_REQUEST:
                raise _ChangeSetFailed(answer)
            references[content_id] = answer.headers.get("OData-EntityId", "")
            answers.append((content_id, answer))
        return answers

    def _one(self, call: Call, caller: Caller) -> Answer:
        answer = self._api.answer(call, caller, url_most=URL_MOST_INSIDE)
        self.served.append({"method": call.method, "path": call.target, "status": answer.status})
        return answer


def parts(call: Call) -> list[Part]:
    """Raises Refusal."""
    read = [_part(head, body) for head, body in _sections(call.headers.get("content-type", ""), call.body)]
    if sum(len(part.calls) for part in read) > PARTS_MOST:
        raise refusals.bad_batch(f"The batch holds more than {PARTS_MOST} requests.")
    return read


def _sections(content_type: str, body: bytes) -> Iterator[tuple[dict[str, str], bytes]]:
    """The sections of a multipart body: their headers and contents."""
    boundary = _BOUNDARY.search(content_type)
    if not content_type.lower().startswith("multipart/mixed") or boundary is None:
        raise refusals.bad_batch("A batch is multipart/mixed, with a boundary.")
    mark = b"--" + boundary[1].encode()
    for raw in body.split(mark)[1:]:
        if raw.startswith(b"--"):
            return
        head, _, content = raw.lstrip(b"\r\n").replace(b"\r\n\r\n", b"\n\n", 1).partition(b"\n\n")
        yield _headers(head), content
    raise refusals.bad_batch("The batch does not end with its boundary.")


def _part(headers: dict[str, str], content: bytes) -> Part:
    kind = headers.get("content-type", "")
    if kind.startswith("application/http"):
        return Part(((headers.get("content-id", ""), _call(content)),))
    if not kind.startswith("multipart/mixed"):
        raise refusals.bad_batch("A part is application/http, or a change set.")
    calls = []
    for inner, body in _sections(kind, content):
        call = _call(body)
        if "content-id" not in inner:
            raise refusals.bad_batch("A request in a change set needs a Content-ID.")
        if call.method == "GET":
            raise refusals.bad_batch("A change set holds no GET.")
        calls.append((inner["content-id"], call))
    return Part(tuple(calls), is_change_set=True)


def _call(content: bytes) -> Call:
    raw = content.replace(b"\r\n", b"\n")
    head, _, body = raw.partition(b"\n\n")
    line, _, headers = head.partition(b"\n")
    found = _REQUEST_LINE.fullmatch(line.decode())
    if found is None:
        raise refusals.bad_batch("A part does not begin with a request line.")
    return Call(found[1], found[2], _headers(headers), body.strip())


def _headers(raw: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in raw.decode().splitlines() if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in lines}


def _with_references(call: Call, references: dict[str, str]) -> Call:
    """`$1` stands for the row that part 1 wrote; an id that has not been declared yet is refused."""

    def resolved(match: re.Match[str]) -> str:
        if match[1] not in references:
            raise _ChangeSetFailed(refused(Refusal(400, "0x80060888", f"Content-ID '${match[1]}' is not known.")))
        return references[match[1]]

    target = re.sub(r"^/?\$(\w+)", resolved, call.target)
    body = re.sub(r'(?<=")/?\$(\w+)(?=")', resolved, call.body.decode())
    return Call(call.method, target, call.headers, body.encode())


def _part_of_answer(part: Part, answers: list[tuple[str, Answer]], boundary: str) -> bytes:
    """A change set answers as one, nested; a failed one with a single part."""
    failed = answers[-1][1].status >= HTTPStatus.BAD_REQUEST
    if not part.is_change_set or failed:
        return b"".join(_rendered(answer, boundary, "") for _, answer in answers)
    inner = f"changesetresponse_{uuid.uuid4()}"
    head = f"--{boundary}\r\nContent-Type: multipart/mixed; boundary={inner}\r\n\r\n".encode()
    rendered = b"".join(_rendered(answer, inner, content_id) for content_id, answer in answers)
    return head + rendered + f"--{inner}--\r\n".encode()


def _rendered(answer: Answer, boundary: str, content_id: str) -> bytes:
    lines = [f"--{boundary}", "Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    lines += [f"Content-ID: {content_id}"] if content_id else []
    lines += ["", f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    headers = dict(answer.headers)
    if "OData-EntityId" in headers:
        headers["Location"] = headers["OData-EntityId"]
    if answer.body is not None:
        headers["Content-Type"] = JSON
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + answer.content + b"\r\n"
