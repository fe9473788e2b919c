"""Answers that Dynamics would never give, but something in its place might: nothing leaves, nothing fills memory."""

import gzip
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import httpx
import pytest

from core.dataverse.answer_body import content_of
from core.dataverse.client import DataverseClient
from core.dataverse.probe import EnvironmentProbe
from core.dataverse.protocol import Request, Response
from core.errors import MisconfiguredConnectionError, RetryableError

URL = "https://contoso.crm4.dynamics.com"
ORGANIZATION = "0b7c8cc5-6f0c-4a16-a9d8-0d4a5d0a9a11"


class OneToken:
    async def token(self, *, fresh: bool = False) -> str:
        return "a-bearer-token"


@dataclass
class Wire:
    """Every request that would have left, with whatever answers it."""

    answers: Callable[[httpx.Request], httpx.Response]
    hosts: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.hosts.append(request.url.host)
        return self.answers(request)


def client(wire: Wire) -> DataverseClient:
    http = httpx.AsyncClient(transport=httpx.MockTransport(wire), follow_redirects=False)
    return DataverseClient(url=URL, organization_id=ORGANIZATION, http=http, tokens=OneToken())


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/api/data/v9.2/leads?$skiptoken=1",
        f"{URL}.evil.example/api/data/v9.2/leads",
        f"{URL}@evil.example/api/data/v9.2/leads",
        "@evil.example/x",
        ".evil.example/x",
        ":443@evil.example/x",
        "//evil.example/x",
        "http://contoso.crm4.dynamics.com/api/data/v9.2/leads",
    ],
)
async def test_a_next_page_elsewhere_is_not_asked_for(link: str) -> None:
    """The token would go with the request: whatever an answer names, only this environment gets it."""
    wire = Wire(lambda _: httpx.Response(200, json={"value": []}))
    page = Response(200, {}, json.dumps({"value": [], "@odata.nextLink": link}).encode())
    with pytest.raises(RetryableError, match="another address"):
        [_ async for _ in client(wire)._pages(page)]
    assert wire.hosts == []


async def test_a_next_page_here_is_read() -> None:
    """As Dynamics gives it: absolute, on the same host."""
    wire = Wire(lambda _: httpx.Response(200, json={"value": [1]}))
    page = Response(200, {}, json.dumps({"@odata.nextLink": f"{URL}/api/data/v9.2/leads?$skiptoken=1"}).encode())
    assert len([each async for each in client(wire)._pages(page)]) == 2
    assert wire.hosts == ["contoso.crm4.dynamics.com"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    """It is a mistake in the URL, and says so; the token stays here."""
    wire = Wire(lambda _: httpx.Response(status, headers={"location": "https://evil.example/"}))
    with pytest.raises(MisconfiguredConnectionError, match="redirect"):
        await client(wire).ask(Request("GET", "/api/data/v9.2/leads"))
    assert wire.hosts == ["contoso.crm4.dynamics.com"]


async def test_a_compressed_answer_is_not_unpacked_beyond_a_bound() -> None:
    """A few kilobytes stand for many megabytes; reading stops at the bound."""
    packed = httpx.Response(200, headers={"content-encoding": "gzip"}, content=gzip.compress(b"\0" * 8 * 1024 * 1024))
    with pytest.raises(RetryableError) as refused:
        await content_of(packed, most=1024 * 1024)
    assert refused.value.code == "too_large"


async def test_of_a_stranger_nothing_is_read_but_the_headers() -> None:
    """A new connection's address may be anybody's: what he sends behind them stays unread, however long it is."""
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            assert read < 3, "the body is read"
            yield gzip.compress(b"\0" * 1024 * 1024)

    headers = {
        "content-encoding": "gzip",
        "www-authenticate": f"Bearer authorization_uri=https://login/{ORGANIZATION}/",
    }
    wire = Wire(lambda _: httpx.Response(401, headers=headers, content=endless()))
    async with httpx.AsyncClient(transport=httpx.MockTransport(wire)) as http:
        challenge = await EnvironmentProbe(url=URL, client=client(wire), http=http).challenge()
    assert (challenge.is_dynamics, challenge.tenant_id, read) == (True, ORGANIZATION, 0)


async def test_a_compressed_answer_is_unpacked() -> None:
    """The usual case."""
    packed = httpx.Response(200, headers={"content-encoding": "gzip"}, content=gzip.compress(b'{"value": []}'))
    assert await content_of(packed) == b'{"value": []}'


async def test_an_answer_nested_without_end_reads_as_none() -> None:
    """It is no answer of Dynamics, and no bug of ours."""
    assert Response(200, {}, b'{"a":' * 200_000).json == {}
