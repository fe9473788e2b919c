"""Who may call an HTTP function.

https://learn.microsoft.com/azure/azure-functions/function-keys-how-to
"""

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from starlette.requests import Request

from infra.local.functions_host.functions import Function

HEADER = "x-functions-key"


@dataclass(frozen=True, slots=True)
class Keys:
    """The master key opens everything, the host key every function, a function's own key that one.

    Without any key nobody is asked for one, as with `func start`.
    """

    host: str = ""
    master: str = ""
    functions: Mapping[str, str] = field(default_factory=dict)

    def open(self, function: Function, request: Request) -> bool:
        if function.auth_level == "anonymous" or not self.are_asked_for:
            return True
        given = _given(request)
        return any(hmac.compare_digest(given.encode(), key.encode()) for key in self._opening(function) if key)

    @property
    def are_asked_for(self) -> bool:
        return bool(self.host or self.master or self.functions)

    def _opening(self, function: Function) -> Iterator[str]:
        yield self.master
        if function.auth_level == "function":
            yield self.host
            yield self.functions.get(function.name, "")


def _given(request: Request) -> str:
    """A header that is there wins over the query, even when it is wrong; of several values, the first."""
    in_query = (value for name, value in request.query_params.multi_items() if name.lower() == "code")
    return request.headers.get(HEADER, next(in_query, ""))
