"""Simulated services that one test has for itself, with their switches in its hand, and Azure's clients for them.

Duty: a directory with a clock that moves only by hand, a token endpoint and a vault with their controls. Each server
runs for the whole session, and every test puts a fresh application behind it.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from azure.core.exceptions import HttpResponseError
from azure.identity.aio import ClientSecretCredential
from azure.keyvault.secrets.aio import SecretClient
from starlette.types import ASGIApp, Receive, Scope, Send

from infra.local.control import Control
from infra.local.entra import DEMO, Directory


@dataclass
class Clock:
    now: float = 1_800_000_000.0
    step: float = 0.0
    """What passes between two looks at it."""

    def __call__(self) -> float:
        self.now += self.step
        return self.now


class Stage:
    """An application whose place another one can take while the server runs."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._app: ASGIApp | None = None

    def play(self, make_app: Callable[[str], ASGIApp]) -> None:
        self._app = make_app(self.url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._app
        await self._app(scope, receive, send)


@dataclass
class Entra:
    url: str
    directory: Directory
    clock: Clock
    authority: str
    """The file to trust."""
    control: Control = field(default_factory=Control)

    def credential(self, secret: str = DEMO.client_secret, **changed: str) -> ClientSecretCredential:
        given = {"tenant_id": DEMO.tenant_id, "client_id": DEMO.client_id, "client_secret": secret, **changed}
        return ClientSecretCredential(**given, authority=self.url, connection_verify=self.authority)

    def http(self, path: str = "") -> httpx.AsyncClient:
        trust = ssl.create_default_context(cafile=self.authority)
        return httpx.AsyncClient(base_url=f"{self.url}{path}", verify=trust)


@dataclass
class KeyVault:
    url: str
    entra: Entra
    control: Control = field(default_factory=Control)

    def client(self, credential: ClientSecretCredential, **options: Any) -> SecretClient:
        verify = {"verify_challenge_resource": False, "connection_verify": self.entra.authority}
        return SecretClient(self.url, credential, **{**verify, **options})

    def http(self, path: str = "", token: str = "") -> httpx.AsyncClient:
        trust = ssl.create_default_context(cafile=self.entra.authority)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.AsyncClient(base_url=f"{self.url}{path}", verify=trust, headers=headers)


def inner_code(problem: HttpResponseError) -> str | None:
    """The code by which a vault tells apart what has the same status."""
    assert problem.error
    code: str | None = (problem.error.innererror or {}).get("code")
    return code
