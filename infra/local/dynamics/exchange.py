"""One operation's request and answer, whether it came alone or inside a $batch."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from infra.local.dynamics import errors
from infra.local.dynamics.addresses import below_root
from infra.local.dynamics.preferences import Preferences, read_preferences

JSON: Final = "application/json; odata.metadata=minimal"


@dataclass(frozen=True, slots=True)
class Request:
    """`target` is path and query, still encoded; header names are lower-case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""
    in_batch: bool = False

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def below_root(self) -> str | None:
        return below_root(self.path)

    @property
    def preferences(self) -> Preferences:
        return read_preferences(self.headers.get("prefer", ""))

    def json(self) -> dict[str, Any]:
        if not self.body.strip():
            raise errors.payload(self.below_root or "", "An empty body was found; a JSON object is needed.")
        kind = self.headers.get("content-type", "")
        if kind.partition(";")[0].strip().lower() != "application/json":
            raise errors.bad_request(f"A body has the Content-Type 'application/json', not '{kind}'.", status=415)
        try:
            given = json.loads(self.body, parse_constant=_no_number)
        except (ValueError, RecursionError) as problem:
            raise errors.payload(self.below_root or "", f"Invalid JSON. {problem}") from problem
        if not isinstance(given, dict):
            raise errors.payload(self.below_root or "", "A 'StartObject' node was expected.")
        return given


def _no_number(name: str) -> float:
    """NaN and the infinities are no JSON, although Python reads them."""
    raise ValueError(name)


@dataclass(slots=True)
class Answer:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    bulk_rows: int = 0
    breaks_after: int | None = None
    """Bytes of the body, after which the connection ends."""

    @property
    def is_error(self) -> bool:
        return self.status >= HTTPStatus.BAD_REQUEST


def json_answer(document: Mapping[str, Any], status: int = 200, **headers: str) -> Answer:
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    named = {name.replace("_", "-"): value for name, value in headers.items() if value}
    return Answer(status, {"Content-Type": JSON, "OData-Version": "4.0", **named}, body)


def error_answer(error: errors.DataverseError, preferences: Preferences | None = None) -> Answer:
    """A request that asked for annotations gets those about errors too."""
    document: dict[str, Any] = {"code": error.code, "message": error.message}
    if preferences is not None:
        details = {
            "ErrorDetails.HttpStatusCode": str(error.status),
            "HelpLink": errors.HELP,
            "TraceText": "",
            "InnerError.Message": error.message,
        }
        named = {f"Microsoft.PowerApps.CDS.{name}": text for name, text in details.items()}
        document |= {f"@{name}": text for name, text in named.items() if preferences.wants(name)}
    return json_answer({"error": document}, error.status)


def no_content(**headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items() if value}
    return Answer(HTTPStatus.NO_CONTENT, {"OData-Version": "4.0", **named})
