"""What an ordered fault answers. Which request is met, `faults` decides."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from infra.local.dynamics import errors
from infra.local.dynamics.exchange import Answer, error_answer
from infra.local.dynamics.faults import Kind, Rule
from infra.local.dynamics.service_limits import Limit
from infra.local.dynamics.throttling import throttled

_PAGE: Final = b"<html><head><title>Service Unavailable</title></head><body><h1>%d</h1></body></html>"
_RETRY_AFTER: Final[Mapping[Limit, int]] = {"requests": 37, "time": 122, "concurrency": 5}


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
    return throttled(rule.limit, _RETRY_AFTER[rule.limit] if rule.retry_after is None else rule.retry_after)


def _page(status: int, headers: Mapping[str, str]) -> Answer:
    return Answer(status, {"Content-Type": "text/html", **headers}, _PAGE % status)
