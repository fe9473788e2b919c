"""The part of the control interface that stands for an administrator at work in the portal.

Duty: register applications and certificates, add, expire and remove secrets over HTTP. A secret's value is told once,
when it is made.
"""

from cryptography.x509 import load_pem_x509_certificate
from pydantic import BaseModel, ConfigDict, TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from infra.local.control import PREFIX, BadOrderError, parsed, read_json
from infra.local.entra.directory import Application, Directory
from infra.local.entra.refusals import Refusal


class NewApplication(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tenant_id: str
    client_id: str
    name: str = ""


class NewSecret(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tenant_id: str
    client_id: str
    value: str | None = None
    expires_at: float | None = None


class NewCertificate(BaseModel):
    """The certificate as PEM, without its key."""

    model_config = ConfigDict(extra="forbid")

    tenant_id: str
    client_id: str
    certificate: str


class Expiry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    expires_at: float | None = None


_APPLICATION = TypeAdapter(NewApplication)
_SECRET = TypeAdapter(NewSecret)
_CERTIFICATE = TypeAdapter(NewCertificate)
_EXPIRY = TypeAdapter(Expiry)


def administration(directory: Directory) -> list[BaseRoute]:
    desk = _Desk(directory)
    return [
        Route(f"{PREFIX}/applications", desk.list_applications),
        Route(f"{PREFIX}/applications", desk.add_application, methods=["POST"]),
        Route(f"{PREFIX}/certificates", desk.add_certificate, methods=["POST"]),
        Route(f"{PREFIX}/secrets", desk.add_secret, methods=["POST"]),
        Route(f"{PREFIX}/secrets/{{id}}", desk.expire_secret, methods=["PATCH"]),
        Route(f"{PREFIX}/secrets/{{id}}", desk.remove_secret, methods=["DELETE"]),
    ]


class _Desk:
    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def list_applications(self, _request: Request) -> Response:
        return JSONResponse([_shown(application) for application in self._directory.applications()])

    async def add_application(self, request: Request) -> Response:
        wanted = parsed(_APPLICATION, await read_json(request))
        return JSONResponse(
            _shown(self._directory.add_application(wanted.tenant_id, wanted.client_id, name=wanted.name)), 201
        )

    async def add_secret(self, request: Request) -> Response:
        wanted = parsed(_SECRET, await read_json(request))
        try:
            secret = self._directory.add_secret(
                wanted.tenant_id, wanted.client_id, wanted.value, expires_at=wanted.expires_at
            )
        except Refusal as problem:
            raise BadOrderError(str(problem)) from problem
        return JSONResponse({"id": secret.id, "value": secret.value, "expires_at": secret.expires_at}, 201)

    async def add_certificate(self, request: Request) -> Response:
        wanted = parsed(_CERTIFICATE, await read_json(request))
        try:
            certificate = load_pem_x509_certificate(wanted.certificate.encode())
            self._directory.add_certificate(wanted.tenant_id, wanted.client_id, certificate)
        except (ValueError, Refusal) as problem:
            raise BadOrderError(str(problem)) from problem
        return Response(status_code=204)

    async def expire_secret(self, request: Request) -> Response:
        """Now, or at the time given."""
        wanted = parsed(_EXPIRY, await read_json(request))
        try:
            self._directory.expire_secret(request.path_params["id"], at=wanted.expires_at)
        except KeyError as problem:
            raise BadOrderError(f"There is no secret {problem}.") from problem
        return Response(status_code=204)

    async def remove_secret(self, request: Request) -> Response:
        try:
            self._directory.remove_secret(request.path_params["id"])
        except KeyError as problem:
            raise BadOrderError(f"There is no secret {problem}.") from problem
        return Response(status_code=204)


def _shown(application: Application) -> dict[str, object]:
    return {
        "tenant_id": application.tenant_id,
        "client_id": application.client_id,
        "name": application.name,
        "secrets": [{"id": secret.id, "expires_at": secret.expires_at} for secret in application.secrets],
        "certificates": len(application.certificates),
    }
