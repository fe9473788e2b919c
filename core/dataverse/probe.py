"""What a check asks of an environment, in few requests. Everything here only reads."""

import re
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence

import httpx

from core.dataverse.client import DataverseClient
from core.dataverse.protocol import API_PATH, Request, who_am_i
from core.domain.check import Challenge, Identity
from core.domain.table import Table
from core.errors import MisconfiguredConnectionError, RetryableError

_UNAUTHORIZED, _TOO_MANY, _OUTAGE = 401, 429, 500
_TENANT = re.compile(r"authorization_uri=\"?https?://[^/]+/([0-9a-f-]{36})/", re.IGNORECASE)


class EnvironmentProbe:
    def __init__(self, *, url: str, client: DataverseClient, http: httpx.AsyncClient) -> None:
        self._url = url
        self._client = client
        self._http = http

    async def challenge(self) -> Challenge:
        """How the address answers without a token: Dynamics with 401, naming its tenant. Raises what is in the way.

        Nobody knows yet who answers, so nothing is read but status and headers.
        """
        try:
            async with self._http.stream("GET", f"{self._url}{who_am_i().path}") as answer:
                pass
        except httpx.HTTPError as error:
            raise _in_the_way(error) from error
        if answer.status_code == _TOO_MANY or answer.status_code >= _OUTAGE:
            raise RetryableError("Dynamics is not available at the moment.", detail=f"HTTP {answer.status_code}")
        challenge = answer.headers.get("www-authenticate", "")
        is_dynamics = answer.status_code == _UNAUTHORIZED and "authorization_uri" in challenge.lower()
        tenant = _TENANT.search(challenge)
        return Challenge(is_dynamics, answer.status_code, tenant[1].lower() if tenant else "")

    async def sign_in(self) -> None:
        await self._client.sign_in()

    async def identity(self) -> Identity:
        return await self._client.identity()

    async def privileges(self, user_id: str) -> Mapping[str, str]:
        """Each privilege of the user with its depth, those of its teams too.

        https://learn.microsoft.com/power-apps/developer/data-platform/webapi/reference/retrieveuserprivileges
        """
        path = f"{API_PATH}/systemusers({user_id})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()"
        answer = await self._client.ask(Request("GET", path))
        held = answer.get("RolePrivileges") or ()
        return {str(each.get("PrivilegeName", "")): str(each.get("Depth", "")) for each in held}

    async def table(self, name: str) -> Table:
        return await self._client.table(name)

    async def change_tracking(self, tables: Sequence[str]) -> Mapping[str, bool]:
        wanted = "%20or%20".join(f"LogicalName%20eq%20'{table}'" for table in tables)
        path = f"{API_PATH}/EntityDefinitions?$select=LogicalName,ChangeTrackingEnabled&$filter={wanted}"
        answer = await self._client.ask(Request("GET", path))
        return {each["LogicalName"]: bool(each.get("ChangeTrackingEnabled")) for each in answer.get("value") or ()}


def _in_the_way(error: httpx.HTTPError) -> MisconfiguredConnectionError | RetryableError:
    causes = [type(cause) for cause in _causes(error)]
    detail = type(error).__name__
    if any(issubclass(cause, socket.gaierror) for cause in causes):
        return MisconfiguredConnectionError(
            "There is no such address: its name is not known.", code="dns", detail=detail
        )
    if any(issubclass(cause, ssl.SSLError) for cause in causes):
        message = "The address does not prove with its certificate that it is the one it says."
        return MisconfiguredConnectionError(message, code="tls", detail=detail)
    return RetryableError("The address does not answer.", code="unreachable", detail=detail)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
