"""The environment on HTTP: the Web API behind its token check, and the control interface beside it."""

import time
from collections.abc import Callable, Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.local.dynamics.batch import Batch
from infra.local.dynamics.organization import Organization
from infra.local.dynamics.refusals import Refusal
from infra.local.dynamics.shown import etag, wire_value
from infra.local.dynamics.tables import Table
from infra.local.dynamics.web_api import JSON, Call, WebApi, refused
from infra.local.dynamics.writes import Caller

Verify = Callable[[str, str], Mapping[str, object]]
METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"]
_LIMIT_HEADERS = {
    "x-ms-dop-hint": "8",
    "x-ms-ratelimit-burst-remaining-xrm-requests": "5999",
    "x-ms-ratelimit-time-remaining-xrm-requests": "1,199.90",
}


class EnvironmentApp:
    def __init__(self, organization: Organization, verify: Verify, url: str) -> None:
        self._organization = organization
        self._verify = verify
        self._url = url
        self._api = WebApi(
            organization.store, organization.tables, organization.writer, url=url, organization=organization.id
        )
        self._requests: list[dict[str, object]] = []

    def asgi(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/_control/rows/{table}", self._rows, methods=["GET", "POST"]),
                Route("/_control/requests", self._list_requests),
                Route("/_control/reset", self._reset, methods=["POST"]),
                Route("/api/data/{version}/{rest:path}", self._web_api, methods=METHODS),
            ]
        )

    # --- The Web API ------------------------------------------------------------------------------------------------

    async def _web_api(self, request: Request) -> Response:
        began = time.perf_counter()
        body = await request.body()
        target = request.scope["raw_path"].decode()
        target += f"?{request.scope['query_string'].decode()}" if request.scope["query_string"] else ""
        call = Call(request.method, target, dict(request.headers), body)
        entry: dict[str, object] = {"time": time.time(), "method": request.method, "path": target}
        response = self._answered(call, entry)
        response.headers["REQ_ID"] = response.headers["x-ms-service-request-id"] = f"{len(self._requests):08x}"
        for name, value in _LIMIT_HEADERS.items():
            response.headers[name] = value
        entry |= {"status": response.status_code, "milliseconds": round((time.perf_counter() - began) * 1000, 2)}
        self._requests.append(entry)
        return response

    def _answered(self, call: Call, entry: dict[str, object]) -> Response:
        try:
            claims = self._verify(call.headers.get("authorization", "").removeprefix("Bearer "), self._url)
        except ValueError:
            return self._unauthorized()
        entry["user"] = claims.get("appid")
        try:
            caller = self._organization.caller(str(claims.get("appid")))
            if call.target.partition("?")[0].endswith("/$batch"):
                return self._batch(call, caller, entry)
            answer = self._api.answer(call, caller)
        except Refusal as refusal:
            answer = refused(refusal)
        headers = {**answer.headers, **({"Content-Type": JSON} if answer.body is not None else {})}
        return Response(answer.content, answer.status, headers)

    def _batch(self, call: Call, caller: Caller, entry: dict[str, object]) -> Response:
        batch = Batch(self._api, self._organization.store)
        status, body, content_type = batch.answer(call, caller)
        entry["parts"] = batch.served
        return Response(body, status, {"Content-Type": content_type, "OData-Version": "4.0"})

    def _unauthorized(self) -> Response:
        """No JSON body; the header says where tokens come from."""
        authority = "https://login.microsoftonline.com/common/oauth2/authorize"
        challenge = f"Bearer authorization_uri={authority}, resource_id={self._url}/"
        return Response(status_code=401, headers={"WWW-Authenticate": challenge})

    # --- The control interface --------------------------------------------------------------------------------------

    async def _rows(self, request: Request) -> Response:
        table = self._table(request.path_params["table"])
        if table is None:
            return JSONResponse({"error": f"There is no table {request.path_params['table']}."}, 404)
        if request.method == "GET":
            rows = self._organization.store.select(table)
            return JSONResponse({"rows": [_seen(table, row) for row in rows]})
        user = next(iter(self._organization.store.select(self._organization.tables["systemuser"], limit=1)), None)
        unit = self._organization.business_unit_id
        caller = Caller(str(user["systemuserid"]) if user else unit, unit)
        try:
            with self._organization.store.atomic():
                row = self._organization.writer.seed(table, await request.json(), caller)
        except Refusal as refusal:
            return JSONResponse({"error": refusal.message}, 400)
        self._organization.forget_callers()
        return JSONResponse(_seen(table, row), 201)

    async def _list_requests(self, _request: Request) -> Response:
        return JSONResponse({"requests": self._requests})

    async def _reset(self, _request: Request) -> Response:
        """An empty environment, the same organisation."""
        self._organization.store.clear()
        self._organization.populate()
        self._requests.clear()
        return Response(status_code=204)

    def _table(self, name: str) -> Table | None:
        tables = self._organization.tables
        return tables.get(name) or next((table for table in tables.values() if table.set_name == name), None)


def _seen(table: Table, row: Mapping[str, object]) -> dict[str, object]:
    """A row for people and tests: only columns that hold something, by the names they are read as."""
    values = {column.read_name: wire_value(column, row.get(column.name)) for column in table.stored}
    return {"@odata.etag": etag(dict(row)), **{name: value for name, value in values.items() if value is not None}}
