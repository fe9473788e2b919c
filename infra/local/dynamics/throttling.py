"""What a 429 looks like: one code and one message for each service protection limit, and how long to wait.

https://learn.microsoft.com/power-apps/developer/data-platform/api-limits
"""

import math
from collections.abc import Mapping
from typing import Final

from infra.local.dynamics import errors
from infra.local.dynamics.exchange import Answer, error_answer
from infra.local.dynamics.service_limits import DOCUMENTED, Limit, Limits

REQUESTS_LEFT: Final = "x-ms-ratelimit-burst-remaining-xrm-requests"
TIME_LEFT: Final = "x-ms-ratelimit-time-remaining-xrm-requests"
_CODES: Final[Mapping[Limit, str]] = {
    "requests": "0x80072322",
    "time": "0x80072321",
    "concurrency": "0x80072326",
}
_USED_UP: Final[Mapping[Limit, str]] = {"requests": REQUESTS_LEFT, "time": TIME_LEFT}


def throttled(limit: Limit, retry_after: float, limits: Limits = DOCUMENTED) -> Answer:
    answer = error_answer(errors.DataverseError(429, _CODES[limit], _message(limit, limits)))
    answer.headers["Retry-After"] = str(math.ceil(retry_after))
    if limit in _USED_UP:
        answer.headers[_USED_UP[limit]] = "0"
    return answer


def _message(limit: Limit, limits: Limits) -> str:
    window = f"over time window of {limits.window_seconds:g} seconds."
    match limit:
        case "requests":
            return f"Number of requests exceeded the limit of {limits.requests} {window}"
        case "time":
            return (
                "Combined execution time of incoming requests exceeded limit of "
                f"{limits.execution_seconds * 1000:,.0f} milliseconds {window} Decrease number of concurrent requests "
                "or reduce the duration of requests and try again later."
            )
        case "concurrency":
            return f"Number of concurrent requests exceeded the limit of {limits.concurrent}."
