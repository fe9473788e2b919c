"""The clients of all connections: one each, made when first needed, over one connection pool. Fits `sync.ports.Crms`.

Nothing is shared between two connections but the pool, in which each has a share of its own. The pool keeps no cookies:
Dynamics' affinity cookie would tie all work to one of its servers.
https://learn.microsoft.com/power-apps/developer/data-platform/send-parallel-requests
"""

import http.cookiejar
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import httpx

from core.dataverse.client import DataverseClient
from core.dataverse.probe import EnvironmentProbe
from core.dataverse.token import Secrets, Tokens
from core.dataverse.traffic import Traffic
from core.domain.connection import REVOKED, Connection
from core.domain.credential import Credential
from core.domain.slots import Signals
from core.errors import MisconfiguredConnectionError

if TYPE_CHECKING:
    from azure.core.pipeline.transport import AsyncHttpTransport

_TIMEOUT = httpx.Timeout(60.0, connect=5.0)  # Dataverse itself gives up after two minutes
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=64)  # `Traffic` limits each connection


class DataverseClients:
    def __init__(self, *, secrets: Secrets, authority: str) -> None:
        no_cookies = http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        self._http = httpx.AsyncClient(timeout=_TIMEOUT, limits=_LIMITS, follow_redirects=False, cookies=no_cookies)
        self._secrets = secrets
        self._authority = authority
        self._identity_transport: AsyncHttpTransport[Any, Any] | None = None
        self._clients: dict[str, tuple[Connection, DataverseClient]] = {}
        self._traffic: defaultdict[str, Traffic] = defaultdict(Traffic)

    async def crm(self, connection: Connection) -> DataverseClient:
        """The connection's client; another one when its settings or its credential have changed, none when revoked."""
        known = self._clients.get(connection.id)
        if known and known[0] == connection:
            return known[1]
        self._clients.pop(connection.id, None)
        if connection.revoked_at is not None:
            self._secrets.forget(connection.secret_name)
            raise MisconfiguredConnectionError(REVOKED.reason, code=REVOKED.code)
        client = self._client(connection, self._secrets, self._traffic[connection.id])
        self._clients[connection.id] = (connection, client)
        return client

    def signals(self, connection_id: str) -> Signals:
        """What Dynamics told this process about its limits."""
        return self._traffic[connection_id].signals

    def trial(self, connection: Connection, credential: Credential | None = None) -> DataverseClient:
        """A client of its own, for settings that are not saved yet, with this credential or the stored one."""
        return self._client(connection, _InHand(credential.value) if credential else self._secrets)

    def probe(self, connection: Connection) -> EnvironmentProbe:
        """With a client of its own: tokens that were good an hour ago prove nothing."""
        return EnvironmentProbe(url=connection.url, client=self.trial(connection), http=self._http)

    def _client(self, connection: Connection, secrets: Secrets, traffic: Traffic | None = None) -> DataverseClient:
        return DataverseClient(
            url=connection.url,
            organization_id=connection.organization_id,
            http=self._http,
            tokens=Tokens(connection=connection, secrets=secrets, authority=self._authority, transports=self),
            traffic=traffic,
        )

    def row_url(self, connection: Connection, table: str, row_id: str) -> str:
        return f"{connection.url}/main.aspx?etn={table}&pagetype=entityrecord&id={row_id}"

    async def close(self) -> None:
        await self._http.aclose()
        if self._identity_transport is not None:
            await self._identity_transport.close()

    def identity_transport(self) -> "AsyncHttpTransport[Any, Any]":
        """One connection pool to Entra for all connections' credentials."""
        if self._identity_transport is None:
            from azure.core.pipeline.transport import AioHttpTransport  # noqa: PLC0415  # wanted with the first token

            self._identity_transport = AioHttpTransport()
        return self._identity_transport


class _InHand:
    """A credential that is tried before it is kept anywhere."""

    def __init__(self, value: str) -> None:
        self._value = value

    async def secret(self, name: str, version: str = "", *, fresh: bool = False) -> str:  # noqa: ARG002  # as Secrets
        return self._value

    def forget(self, name: str) -> None: ...
