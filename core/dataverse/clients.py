"""The clients of all connections: one each, made when first needed, over one connection pool. Fits `sync.ports.Crms`.

Nothing is shared between two connections but the pool, and that keeps no cookies: Dynamics' affinity cookie would tie
all work to one of its servers. https://learn.microsoft.com/power-apps/developer/data-platform/send-parallel-requests
"""

import http.cookiejar

import httpx

from core.dataverse.client import DataverseClient
from core.dataverse.token import ClientSecretTokens, Secrets
from core.domain.connection import Connection

_TIMEOUT = httpx.Timeout(60.0, connect=5.0)  # Dataverse itself gives up after two minutes
_LIMITS = httpx.Limits(max_connections=64, max_keepalive_connections=32)


class DataverseClients:
    def __init__(self, *, secrets: Secrets, authority: str) -> None:
        no_cookies = http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        self._http = httpx.AsyncClient(timeout=_TIMEOUT, limits=_LIMITS, follow_redirects=False, cookies=no_cookies)
        self._secrets = secrets
        self._authority = authority
        self._clients: dict[str, tuple[Connection, DataverseClient, ClientSecretTokens]] = {}

    async def crm(self, connection: Connection) -> DataverseClient:
        """The connection's client; another one when its settings have changed."""
        known = self._clients.get(connection.id)
        if known and known[0] == connection:
            return known[1]
        if known:
            await known[2].close()
        tokens = self._tokens(connection)
        client = DataverseClient(
            url=connection.url, organization_id=connection.organization_id, http=self._http, tokens=tokens
        )
        self._clients[connection.id] = (connection, client, tokens)
        return client

    def row_url(self, connection: Connection, table: str, row_id: str) -> str:
        return f"{connection.url}/main.aspx?etn={table}&pagetype=entityrecord&id={row_id}"

    async def close(self) -> None:
        for _, _, tokens in self._clients.values():
            await tokens.close()
        await self._http.aclose()

    def _tokens(self, connection: Connection) -> ClientSecretTokens:
        return ClientSecretTokens(
            url=connection.url,
            tenant_id=connection.tenant_id,
            client_id=connection.client_id,
            secret_name=connection.secret_name,
            secrets=self._secrets,
            authority=self._authority,
        )
