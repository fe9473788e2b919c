"""What an ordered fault answers. Which request is met, `faults` decides."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from infra.local.dynamics import errors
from infra.local.dynamics.exchange import Answer, error_answer
from infra.local.dynamics.faults import Kind, Rule

_PAGE: Final = b"<html><head><title>Service Unavailable</title></head><body><h1>%d</h1></body></html>"
_LIMITS: Final[Mapping[str, tuple[str, str, int]]] = {
    "requests": (
        "0x80072322",
        "Number of requests exceeded the limit of 6000 over time window of 300 seconds.",
        37,
    ),
    "time": (
        "0x80072321",
        (
            "Combined execution time of incoming requests exceeded limit of 1,200,000 milliseconds over time window "
            "of 300 seconds. Decrease number of concurrent requests or reduce the duration of requests and try again "
            "later."
        ),
        122,
    ),
    "concurrency": ("0x80072326", "Number of concurrent requests exceeded the limit of 52.", 5),
}
_REMAINING: Final = {
    "requests": "x-ms-ratelimit-burst-remaining-xrm-requests",
    "time": "x-ms-ratelimit-time-remaining-xrm-requests",
}


def unkind_answer(rule: Rule) -> Answer | None:
    """None for faults that are no answers of their own."""
    match rule.kind:
        case Kind.THROTTLED:
            return _throttled(rule)
        case Kind.UNAVAILABLE:
            return _page(503, {"Retry-After": str(30 if rule.retry_after is None else rule.retry_after)})
        case Kind.GATEWAY_TIMEOUT:
            return _page(504, {})
        case Kind.HTML:
            return _page(rule.status, {})
        case Kind.HALF_BATCH if rule.status == HTTPStatus.TOO_MANY_REQUESTS:
            return _throttled(rule)
        case Kind.ERROR | Kind.HALF_BATCH:
            return error_answer(errors.DataverseError(rule.status, rule.code, rule.message))
    return None


def _throttled(rule: Rule) -> Answer:
    code, message, seconds = _LIMITS[rule.limit]
    answer = error_answer(errors.DataverseError(429, code, message))
    answer.headers["Retry-After"] = str(seconds if rule.retry_after is None else rule.retry_after)
    if rule.limit in _REMAINING:
        answer.headers[_REMAINING[rule.limit]] = "0"
    return answer


def _page(status: int, headers: Mapping[str, str]) -> Answer:
    return Answer(status, {"Content-Type": "text/html", **headers}, _PAGE % status)
