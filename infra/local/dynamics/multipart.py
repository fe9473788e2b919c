"""Bodies of $batch requests and answers, as bytes. No meaning: parts in, parts out.

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/execute-batch-operations-using-web-api
"""

import itertools
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from infra.local.dynamics import errors
from infra.local.dynamics.exchange import Answer, Request

_CRLF: Final = b"\r\n"
_BOUNDARY: Final = re.compile(r'boundary\s*=\s*(?:"([^"]+)"|([^\s;]+))', re.IGNORECASE)
_MIXED: Final = "multipart/mixed"
_REQUEST_LINE: Final = re.compile(r"([A-Z]+) (\S.*?) HTTP/1\.[01]")
_ABSOLUTE: Final = re.compile(r"^https?://[^/]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """One request, with the Content-ID that names it in a change set."""

    request: Request
    content_id: str | None


@dataclass(frozen=True, slots=True)
class ChangeSet:
    parts: tuple[Part, ...]


def boundary(content_type: str) -> str:
    match = _BOUNDARY.search(content_type)
    if _MIXED not in content_type.lower() or match is None:
        raise errors.bad_request("A $batch request needs the content type multipart/mixed with a boundary.")
    return match.group(1) or match.group(2)


def read_batch(body: bytes, content_type: str, root: str) -> list[Part | ChangeSet]:
    """`root` is the URL where addresses without a leading slash begin; whole ones begin with its host."""
    return [_read(raw, root, inside=False) for raw in _split(body, boundary(content_type))]


def _read(raw: bytes, root: str, *, inside: bool) -> Part | ChangeSet:
    headers, content = _head(raw)
    content_type = headers.get("content-type", "")
    if content_type.lower().startswith(_MIXED) and not inside:
        read = [_read(inner, root, inside=True) for inner in _split(content, boundary(content_type))]
        return ChangeSet(tuple(part for part in read if isinstance(part, Part)))
    if content_type.partition(";")[0].strip() != "application/http":
        raise errors.bad_request(f"A part of a batch has the content type 'application/http', not '{content_type}'.")
    if headers.get("content-transfer-encoding", "").lower() != "binary":
        raise errors.bad_request("A part of a batch has the header 'Content-Transfer-Encoding: binary'.")
    return Part(_request(content, root), headers.get("content-id") or None)


def _request(content: bytes, root: str) -> Request:
    line, _, rest = content.lstrip(b"\r\n").partition(b"\n")
    match = _REQUEST_LINE.fullmatch(line.decode("utf-8", "replace").strip())
    if match is None:
        raise errors.bad_request(f"The request line '{line.decode('utf-8', 'replace').strip()}' is not valid.")
    headers, body = _head(rest, required=False)
    return Request(match.group(1), _target(match.group(2), root), headers, body, in_batch=True)


def _target(address: str, root: str) -> str:
    """From the host on."""
    host, below = _ABSOLUTE.match(address), _ABSOLUTE.sub("", root)
    if host and not root.startswith(f"{host.group()}/"):
        raise errors.bad_request(f"The request in the batch is for another host: {host.group()}.")
    target = _ABSOLUTE.sub("", address)
    return target if target.startswith(("/", "$")) else f"{below}/{target}"


def _split(body: bytes, name: str) -> list[bytes]:
    """What stands between the delimiters. A bare line feed is tolerated, as Dataverse does."""
    delimiter = re.compile(rb"(?:^|\r?\n)--" + re.escape(name.encode()) + rb"(--)?[ \t]*(?:\r?\n|$)")
    matches = list(delimiter.finditer(b"\n" + body))
    if not matches:
        raise errors.bad_request("The batch has no part that begins with its boundary.")
    if not any(match.group(1) for match in matches):
        raise errors.bad_request(f"The end of the batch or change set, --{name}--, was not found.")
    text = b"\n" + body
    pairs = itertools.pairwise(matches)
    return [text[start.end() : end.start()] for start, end in pairs if not start.group(1)]


def _head(raw: bytes, *, required: bool = True) -> tuple[dict[str, str], bytes]:
    """Header lines up to the first empty one, and what follows.

    Microsoft's page writes two empty lines after a request without a body, Microsoft's client one: both are read.
    """
    match = re.search(rb"\r?\n\r?\n", raw) if not raw.startswith((b"\r\n", b"\n")) else re.match(rb"\r?\n", raw)
    if match is None and required:
        raise errors.bad_request("A part of the batch has no empty line after its headers.")
    head, content = (raw[: match.start()], raw[match.end() :]) if match else (raw, b"")
    lines = (line.decode("utf-8", "replace").partition(":") for line in head.splitlines() if b":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in lines}, content


def write_batch(answers: Sequence[bytes], name: str) -> bytes:
    """Parts made by `answer_part` or `change_set_part`."""
    parts = [b"--" + name.encode() + _CRLF + part + _CRLF for part in answers]
    return b"".join(parts) + b"--" + name.encode() + b"--" + _CRLF


def answer_part(answer: Answer, content_id: str | None = None) -> bytes:
    head = {"Content-Type": "application/http", "Content-Transfer-Encoding": "binary"}
    if content_id:
        head["Content-ID"] = content_id
    status = f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}".encode()
    told = {"REQ_ID": str(uuid.uuid4()), **answer.headers} if answer.is_error else answer.headers
    inner = status + _CRLF + _headers(told) + _CRLF + answer.body
    return _headers(head) + _CRLF + inner


def change_set_part(answers: Sequence[bytes], name: str) -> bytes:
    head = {"Content-Type": f"multipart/mixed; boundary={name}"}
    return _headers(head) + _CRLF + write_batch(answers, name)


def _headers(headers: Mapping[str, str]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
