"""The vault's data plane, as HTTP.

Duty: name the operations with their paths, check a request before it reaches the vault, read its body and answer. What
an operation does is `vault`'s, who may do it `access`', how secrets look `bundles'`.
https://learn.microsoft.com/rest/api/keyvault/secrets/operation-groups
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Scope

from infra.local.control import PREFIX, BadOrderError, Control, Controlled, Fault, note, parsed, read_json, refuse_order
from infra.local.entra import Directory
from infra.local.key_vault import refusals
from infra.local.key_vault.access import Access, Role
from infra.local.key_vault.bundles import Bundles
from infra.local.key_vault.refusals import Refusal
from infra.local.key_vault.vault import NewVersion, Policy, Properties, Vault

API_VERSIONS = frozenset({"2016-10-01", "7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6", "2025-07-01", "2026-04-01"})
Shape = TypeVar("Shape", bound=BaseModel)
Operation = Callable[[Request], Awaitable[object]]


def key_vault_app(
    directory: Directory,
    url: str,
    *,
    tenant_id: str,
    authority: str,
    policy: Policy | None = None,
    data: Path | None = None,
    control: Control | None = None,
) -> ASGIApp:
    """What `served` puts on a port.

    `url` is where it will be found, `authority` the address of the token endpoint that its challenge names, and `data`
    a file that keeps the secrets for the next time.
    """
    control = control or Control()
    vault = Vault(clock=directory.clock, policy=policy, file=data)
    access = Access(directory, tenant_id=tenant_id, authority=authority)
    app = Starlette(
        routes=[*control.routes(), *_Switches(vault, access).routes(), *_DataPlane(vault, access, url).routes()],
        exception_handlers={Refusal: _refused, BadOrderError: refuse_order},
    )
    return Controlled(app, control, _ordered, spares=_asks_for_challenge)


class _DataPlane:
    def __init__(self, vault: Vault, access: Access, url: str) -> None:
        self._vault = vault
        self._access = access
        self._bundles = Bundles(vault, url)

    def routes(self) -> list[BaseRoute]:
        """The order matters: `versions` and `backup` would also pass for the id of a version."""
        one, version, deleted = "/secrets/{name}", "/secrets/{name}/{version:path}", "/deletedsecrets/{name}"
        return [
            self._route("GET", "/secrets", "readMetadata/action", self._list),
            self._route("POST", "/secrets/restore", "restore/action", self._restore),
            self._route("PUT", one, "setSecret/action", self._set),
            self._route("DELETE", one, "delete", self._delete),
            self._route("GET", f"{one}/versions", "readMetadata/action", self._list_versions),
            self._route("POST", f"{one}/backup", "backup/action", self._backup),
            self._route("GET", one, "getSecret/action", self._get),
            self._route("GET", version, "getSecret/action", self._get),
            self._route("PATCH", one, "update/action", self._update),
            self._route("PATCH", version, "update/action", self._update),
            self._route("GET", "/deletedsecrets", "readMetadata/action", self._list_deleted),
            self._route("GET", deleted, "readMetadata/action", self._get_deleted),
            self._route("DELETE", deleted, "purge/action", self._purge),
            self._route("POST", f"{deleted}/recover", "recover/action", self._recover),
        ]

    def _route(self, method: str, path: str, action: str, operation: Operation) -> BaseRoute:
        async def answer(request: Request) -> Response:
            self._access.require(request.headers.get("authorization", ""), action)
            _require_api_version(request)
            found = await operation(request)
            return Response(status_code=204) if found is None else JSONResponse(found)

        return Route(path, answer, methods=[method])

    async def _set(self, request: Request) -> object:
        return self._bundles.secret(*self._vault.set(_name(request), await _body(request, NewVersion)))

    async def _get(self, request: Request) -> object:
        return self._bundles.secret(*self._vault.get(_name(request), _version(request)))

    async def _update(self, request: Request) -> object:
        changes = await _body(request, Properties)
        return self._bundles.version(*self._vault.update(_name(request), _version(request), changes))

    async def _list(self, request: Request) -> object:
        return self._page(request, [self._bundles.item(secret) for secret in self._vault.all()])

    async def _list_versions(self, request: Request) -> object:
        secret = self._vault.versions(_name(request))
        return self._page(request, [self._bundles.version(secret, version) for version in secret.versions])

    async def _delete(self, request: Request) -> object:
        return self._bundles.deleted(self._vault.delete(_name(request)))

    async def _list_deleted(self, request: Request) -> object:
        return self._page(request, [self._bundles.deleted_item(secret) for secret in self._vault.all_deleted()])

    async def _get_deleted(self, request: Request) -> object:
        return self._bundles.deleted(self._vault.get_deleted(_name(request)))

    async def _recover(self, request: Request) -> object:
        secret = self._vault.recover(_name(request))
        return self._bundles.version(secret, secret.current)

    async def _purge(self, request: Request) -> None:
        self._vault.purge(_name(request))

    async def _backup(self, request: Request) -> object:
        return {"value": self._vault.backup(_name(request))}

    async def _restore(self, request: Request) -> object:
        secret = self._vault.restore((await _body(request, _Backup)).value)
        return self._bundles.version(secret, secret.current)

    def _page(self, request: Request, items: list[dict[str, object]]) -> object:
        return self._bundles.page(items, path=request.url.path, asked=request.query_params)


class _Backup(BaseModel):
    value: str


class _Assignment(BaseModel):
    client_id: str
    role: Role


class _Switches:
    """What the control interface adds for a vault: its set-up, and roles."""

    def __init__(self, vault: Vault, access: Access) -> None:
        self._vault = vault
        self._access = access

    def routes(self) -> list[BaseRoute]:
        return [
            Route(f"{PREFIX}/policy", self._set_policy, methods=["PUT"]),
            Route(f"{PREFIX}/roles", self._assign, methods=["POST"]),
        ]

    async def _set_policy(self, request: Request) -> Response:
        self._vault.policy = parsed(TypeAdapter(Policy), await read_json(request))
        return Response(status_code=204)

    async def _assign(self, request: Request) -> Response:
        wanted = parsed(TypeAdapter(_Assignment), await read_json(request))
        self._access.assign(wanted.client_id, wanted.role)
        return Response(status_code=204)


def _name(request: Request) -> str:
    return str(request.path_params["name"])


def _version(request: Request) -> str:
    return str(request.path_params.get("version", ""))


async def _body(request: Request, shape: type[Shape]) -> Shape:
    try:
        return shape.model_validate_json(await request.body())
    except ValidationError as problem:
        place = ".".join(str(part) for part in problem.errors()[0]["loc"]) or "body"
        raise refusals.bad_parameter(f"The parameter {place} is not specified or not valid.") from problem


def _require_api_version(request: Request) -> None:
    if request.query_params.get("api-version") not in API_VERSIONS:
        raise refusals.bad_parameter(
            "The specified version is not recognized. Consider using the latest supported version."
        )


def _asks_for_challenge(scope: Scope) -> bool:
    """The clients' first request has no token and no effect; an ordered answer is meant for the one that follows."""
    return all(name != b"authorization" for name, _ in scope["headers"])


async def _refused(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    note(request, error_code=refusal.inner or refusal.code)
    return _error(refusal)


def _ordered(fault: Fault) -> Response:
    code = {403: "Forbidden", 429: "Throttled"}.get(fault.status or 0, "InternalError")
    return _error(Refusal(fault.status or 500, fault.code or code, fault.message, headers=fault.headers))


def _error(refusal: Refusal) -> Response:
    inner = {"innererror": {"code": refusal.inner}} if refusal.inner else {}
    body = {"error": {"code": refusal.code, "message": str(refusal), **inner}}
    return JSONResponse(body, refusal.status, headers=refusal.headers)
