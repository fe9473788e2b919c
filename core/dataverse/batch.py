"""A `$batch` request's body, and the parts of its answer. No I/O.

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/execute-batch-operations-using-web-api
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from core.dataverse.protocol import API_PATH, HEADERS, Request, Response

_BOUNDARY = re.compile(r'boundary="?([^";,\s]+)"?', re.IGNORECASE)
_STATUS_LINE = re.compile(rb"^HTTP/\d(?:\.\d)? (\d{3})", re.MULTILINE)


_GOES_ON = {"Prefer": "odata.continue-on-error"}


def batch(requests: Sequence[Request], *, boundary: str, goes_on: bool = False) -> Request:
    """All requests in one; they are carried out in order, and the first failure ends it, unless it `goes_on`."""
    parts = b"".join(_part(request, boundary) for request in requests)
    return _posted(parts, boundary, _GOES_ON if goes_on else None)


def change_set(requests: Sequence[Request], *, name: str) -> Request:
    """All requests in one transaction: every one succeeds, or none does and the answer has a single part."""
    outer = f"batch_{name}"
    return _posted(_group(requests, outer, f"changeset_{name}"), outer)


def independent(groups: Sequence[Sequence[Request]], *, name: str) -> Request:
    """Every group succeeds or fails for itself; one of several requests does so as a whole."""
    outer = f"batch_{name}"
    parts = b"".join(_group(group, outer, f"changeset_{name}_{number}") for number, group in enumerate(groups))
    return _posted(parts, outer, _GOES_ON)


def _group(requests: Sequence[Request], outer: str, inner: str) -> bytes:
    if len(requests) == 1:
        return _part(requests[0], outer)
    head = f'--{outer}\r\nContent-Type: multipart/mixed; boundary="{inner}"\r\n\r\n'.encode()
    parts = b"".join(_part(request, inner, content_id=number) for number, request in enumerate(requests, 1))
    return head + parts + f"--{inner}--\r\n".encode()


def _posted(parts: bytes, boundary: str, more: Mapping[str, str] | None = None) -> Request:
    headers = {"Content-Type": f'multipart/mixed; boundary="{boundary}"', **(more or {})}
    return Request("POST", f"{API_PATH}/$batch", headers, parts + f"--{boundary}--\r\n".encode())


def _part(request: Request, boundary: str, *, content_id: int | None = None) -> bytes:
    """Headers of the outer request do not reach the parts; a GET needs an empty line after its headers, and a body.
    Within a change set every part needs an id.
    """
    lines = [f"--{boundary}", "Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    lines += [f"Content-ID: {content_id}"] if content_id is not None else []
    lines.append("")
    lines.append(f"{request.method} {request.path} HTTP/1.1")
    lines += [f"{name}: {value}" for name, value in {**HEADERS, **request.headers}.items()]
    return "\r\n".join([*lines, "", ""]).encode() + (request.body or b"") + b"\r\n"


def batch_parts(answer: Response) -> list[Response]:
    """The answers in a batch's answer, in the order of the requests, those of change sets too; fewer when one failed.

    Bare line feeds and parts without a status line are met in the wild; the latter are left out.
    """
    return [part for group in batch_groups(answer) for part in group]


def batch_groups(answer: Response) -> list[list[Response]]:
    """The same, with the answers of a change set together; a refused one has a single answer."""
    boundary = _BOUNDARY.search(answer.headers.get("content-type", ""))
    if boundary is None:
        return []
    return list(filter(None, _groups(answer.body.replace(b"\r\n", b"\n"), boundary[1])))


def _groups(raw: bytes, boundary: str) -> Iterator[list[Response]]:
    for part in raw.split(f"--{boundary}".encode())[1:]:
        head, _, inner = part.partition(b"\n\n")
        change_set = _BOUNDARY.search(head.decode("latin-1"))
        if change_set:
            yield [answer for group in _groups(inner, change_set[1]) for answer in group]
        elif answered := _answered(part):
            yield [answered]


def _answered(raw: bytes) -> Response | None:
    status = _STATUS_LINE.search(raw)
    if status is None:
        return None
    head, _, body = raw[status.start() :].partition(b"\n\n")
    headers = (line.partition(b":") for line in head.split(b"\n")[1:])
    named = {name.decode("latin-1").strip().lower(): value.decode("latin-1").strip() for name, _, value in headers}
    return Response(int(status[1]), named, body.strip())
