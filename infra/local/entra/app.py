"""The token endpoint, as HTTP: client credentials of version 2.0, metadata, keys, and the managed identity endpoint.

Duty: read the requests that the Azure SDKs send and answer as Microsoft Entra ID and App Service do. Whether a
credential is good, `directory` knows. Azure's clients demand https for the token endpoint and use http for managed
identities, so the same directory may be served twice.
"""

import uuid
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from infra.local.control import BadOrderError, Control, Controlled, Fault, note, refuse_order
from infra.local.entra import refusals
from infra.local.entra.administration import administration
from infra.local.entra.assertion import ASSERTION_TYPE, require_assertion
from infra.local.entra.directory import Application, Directory
from infra.local.entra.refusals import Refusal
from infra.local.entra.tokens import LIFETIME_SECONDS

IDENTITY_HEADER = "local-identity-header"
_NEVER_CACHED = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}


def entra_app(
    directory: Directory, url: str, *, control: Control | None = None, identity_header: str = IDENTITY_HEADER
) -> ASGIApp:
    """What `served` puts on a port; `url` is where it will be found."""
    control = control or Control()
    tokens = _TokenEndpoint(directory, url)
    identities = _IdentityEndpoint(directory, identity_header)
    app = Starlette(
        routes=[
            *control.routes(),
            *administration(directory),
            Route("/msi/token", identities.token),
            Route("/{tenant}/oauth2/v2.0/token", tokens.token, methods=["POST"]),
            Route("/{tenant}/discovery/v2.0/keys", tokens.keys),
            Route("/{tenant}/v2.0/.well-known/openid-configuration", tokens.metadata),
        ],
        exception_handlers={Refusal: _refused, BadOrderError: refuse_order},
    )
    return Controlled(app, control, _ordered)


class _TokenEndpoint:
    def __init__(self, directory: Directory, url: str) -> None:
        self._directory = directory
        self._url = url

    async def token(self, request: Request) -> Response:
        tenant = request.path_params["tenant"]
        form = await request.form()
        note(request, tenant_id=tenant, client_id=form.get("client_id"), scope=form.get("scope"))
        self._directory.require_tenant(tenant)
        _require_grant(form)
        application = self._directory.application(tenant, _required(form, "client_id"))
        self._require_credential(application, form)
        token = self._directory.issue(tenant, application.client_id, _audience(_required(form, "scope")))
        answer = {
            "token_type": "Bearer",
            "expires_in": LIFETIME_SECONDS,
            "ext_expires_in": LIFETIME_SECONDS,
            "access_token": token,
        }
        return JSONResponse(answer, headers=_NEVER_CACHED)

    async def metadata(self, request: Request) -> Response:
        tenant = request.path_params["tenant"]
        self._directory.require_tenant(tenant)
        here = f"{self._url}/{tenant}"
        return JSONResponse(
            {
                "issuer": f"{here}/v2.0",
                "token_endpoint": self._address(tenant),
                "authorization_endpoint": f"{here}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{here}/oauth2/v2.0/devicecode",
                "jwks_uri": f"{here}/discovery/v2.0/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
                "response_types_supported": ["code", "id_token", "token"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def keys(self, request: Request) -> Response:
        self._directory.require_tenant(request.path_params["tenant"])
        return JSONResponse(self._directory.public_keys())

    def _require_credential(self, application: Application, form: FormData) -> None:
        if secret := form.get("client_secret"):
            self._directory.require_secret(application, str(secret))
        elif form.get("client_assertion_type") == ASSERTION_TYPE and form.get("client_assertion"):
            audiences = {self._address(application.tenant_id), f"{self._url}/{application.tenant_id}/v2.0"}
            now = self._directory.clock()
            require_assertion(application, str(form["client_assertion"]), audiences=audiences, now=now)
        else:
            raise refusals.missing_credential()

    def _address(self, tenant: str) -> str:
        return f"{self._url}/{tenant}/oauth2/v2.0/token"


class _IdentityEndpoint:
    """Managed identities as App Service and Functions offer them inside the machine, in version 2019-08-01.

    https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
    """

    def __init__(self, directory: Directory, header: str) -> None:
        self._directory = directory
        self._header = header

    async def token(self, request: Request) -> Response:
        asked = request.query_params
        identity = self._directory.managed_identity(asked.get("client_id") or asked.get("principal_id"))
        note(request, client_id=asked.get("client_id"), scope=asked.get("resource"))
        if request.headers.get("x-identity-header") != self._header:
            return _no_identity("The X-IDENTITY-HEADER does not match.")
        if asked.get("api-version") != "2019-08-01" or not asked.get("resource"):
            return _no_identity("api-version 2019-08-01 and resource are required.")
        if identity is None:
            return _no_identity("No Managed Identity found for specified ClientId/ResourceId/PrincipalId.")
        return self._issued(identity, asked["resource"])

    def _issued(self, identity: Application, resource: str) -> Response:
        answer = {
            "access_token": self._directory.issue(identity.tenant_id, identity.client_id, resource),
            "client_id": identity.client_id,
            "expires_on": str(int(self._directory.clock()) + LIFETIME_SECONDS),
            "resource": resource,
            "token_type": "Bearer",
        }
        return JSONResponse(answer, headers=_NEVER_CACHED)


def _required(form: FormData, name: str) -> str:
    if value := form.get(name):
        return str(value)
    raise refusals.missing_parameter(name)


def _require_grant(form: FormData) -> None:
    grant = _required(form, "grant_type")
    if grant != "client_credentials":
        raise refusals.unsupported_grant(grant)


def _audience(scope: str) -> str:
    if not scope.endswith("/.default"):
        raise refusals.scope_without_default(scope)
    return scope.removesuffix("/.default")


def _no_identity(message: str) -> Response:
    return JSONResponse({"statusCode": 400, "message": message}, 400)


async def _refused(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    note(request, error_code=refusal.code)
    return _error(refusal, correlation_id=request.headers.get("client-request-id"))


def _ordered(fault: Fault) -> Response:
    status = fault.status or 500
    error = "temporarily_unavailable" if status in {429, 503} else fault.code or "server_error"
    response = _error(Refusal(status, error, 90033, fault.message), correlation_id=None)
    response.headers.update(fault.headers)
    return response


def _error(refusal: Refusal, *, correlation_id: str | None) -> Response:
    trace, correlation = str(uuid.uuid4()), correlation_id or str(uuid.uuid4())
    timestamp = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ}"
    body = {
        "error": refusal.error,
        "error_description": f"{refusal} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}",
        "error_codes": [refusal.code],
        "timestamp": timestamp,
        "trace_id": trace,
        "correlation_id": correlation,
    }
    return JSONResponse(body, refusal.status, headers=_NEVER_CACHED)
