"""A request and its answer as they may be shown: no query values, no bodies, no token. No I/O."""

import re

from core.dataverse.failures import error_code
from core.dataverse.protocol import Request, Response
from core.domain.trail import Call

_PARTS_MOST = 20
_REQUEST_LINE = re.compile(rb"^(GET|POST|PUT|PATCH|DELETE) (\S+) HTTP/1\.1\r?$", re.MULTILINE)
_STATUS_LINE = re.compile(rb"^HTTP/1\.1 (\d{3})", re.MULTILINE)
_KEY = re.compile(r"\((?![0-9a-fA-F-]{36}\))[^)]*\)")  # an alternate key holds what somebody said
_ROOT = re.compile(r"^(?:https?://[^/]+)?/api/data/v[\d.]+/")


def call_of(request: Request, response: Response | None, *, ms: int) -> Call:
    """`response` is None where none came."""
    if response is None:
        return Call(method=request.method, path=_shown(request.path), ms=ms, parts=_parts(request, b""))
    return Call(
        method=request.method,
        path=_shown(request.path),
        status=response.status,
        code=error_code(response) if response.status >= 400 else "",  # noqa: PLR2004
        request_id=response.headers.get("x-ms-service-request-id", "")[:64],
        ms=ms,
        parts=_parts(request, response.body),
    )


def _shown(path: str) -> str:
    return _KEY.sub("(…)", path.partition("?")[0])[:300]


def _parts(request: Request, answer: bytes) -> tuple[str, ...]:
    """What a batch held, each part with the status of its answer; a refused change set has one answer for all."""
    if not request.path.endswith("$batch") or request.body is None:
        return ()
    asked = [(found[1].decode(), found[2].decode()) for found in _REQUEST_LINE.finditer(request.body)]
    statuses = [found[1].decode() for found in _STATUS_LINE.finditer(answer)]
    statuses += [statuses[0] if statuses else "no answer"] * (len(asked) - len(statuses))
    told = zip(asked, statuses, strict=False)  # an answer may be of a change set, and have more parts
    return tuple(f"{method} {_ROOT.sub('', _shown(path))} {status}" for (method, path), status in told)[:_PARTS_MOST]
