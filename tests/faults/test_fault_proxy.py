"""What the fault proxy promises: requests pass to the letter, and each fault does what it is called."""

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from infra.local.certificates import Certificates
from infra.local.serve import served
from tests.faults.fault import At, ByChance, Fault, Kind
from tests.faults.proxy import FaultProxy

FAULTS = [Fault(Kind.ERROR, 503), Fault(Kind.RESET_BEFORE), Fault(Kind.RESET_AFTER)]


class Counter:
    """A server that counts what it was asked, and echoes it."""

    def __init__(self) -> None:
        self.targets: list[str] = []

    def app(self, _: str) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "POST"])])

    async def _answer(self, request: Request) -> Response:
        self.targets.append(f"{request.scope['raw_path'].decode()}?{request.url.query}")
        return PlainTextResponse(b"echo " + await request.body(), headers={"X-Kept": "yes"})


@contextmanager
def _proxied() -> Iterator[tuple[FaultProxy, Counter, httpx.Client, str]]:
    proxy, counter = FaultProxy(), Counter()
    with (
        served(counter.app) as target,
        proxy.serving() as url,
        httpx.Client(proxy=url, trust_env=False, timeout=5) as client,
    ):
        yield proxy, counter, client, target


def test_requests_pass_to_the_letter_and_are_kept() -> None:
    """Storage signs addresses as they were sent."""
    with _proxied() as (proxy, counter, client, target):
        answer = client.post(f"{target}/T(Key='a%7Cb')?$filter=x%20eq%201", content=b"hello")
        assert (answer.text, answer.headers["x-kept"]) == ("echo hello", "yes")
        assert counter.targets == ["/T(Key='a%7Cb')?$filter=x%20eq%201"]
        assert proxy.requests == [f"POST {target}/T(Key='a%7Cb')"]


def test_in_place_of_a_server_it_serves_that_one_over_https(certificates: Certificates) -> None:
    """Key Vault's clients take no other scheme."""
    proxy, counter = FaultProxy(), Counter()
    with (
        served(counter.app, certificate=certificates.server) as target,
        proxy.serving(target, certificate=certificates.server, trusted=certificates.bundle) as url,
    ):
        assert (
            httpx.get(f"{url}/secret?v=1", verify=ssl.create_default_context(cafile=certificates.bundle)).text
            == "echo "
        )
    assert counter.targets == ["/secret?v=1"]


@pytest.mark.parametrize(
    ("kind", "raised", "was_done"),
    [
        (Kind.RESET_BEFORE, httpx.ReadError, False),
        (Kind.RESET_AFTER, httpx.ReadError, True),
        (Kind.TRUNCATED, httpx.RemoteProtocolError, True),
    ],
)
def test_a_broken_connection_tells_nothing_of_what_was_done(
    kind: Kind, raised: type[Exception], *, was_done: bool
) -> None:
    """The request was carried out, or it was not; who sent it cannot know."""
    with _proxied() as (proxy, counter, client, target):
        proxy.begin(At(Fault(kind), 1))
        with pytest.raises(raised):
            client.get(f"{target}/x")
        assert bool(counter.targets) is was_done
        assert client.get(f"{target}/x").text == "echo "
        assert [str(each.fault) for each in proxy.struck] == [kind]


def test_an_error_is_answered_in_the_server_s_place_and_a_slow_answer_comes_late() -> None:
    """With Retry-After where it is asked for."""
    with _proxied() as (proxy, counter, client, target):
        proxy.begin(At(Fault(Kind.ERROR, 503, retry_after=7), 2, on="^GET .*/b$"))
        assert [client.get(f"{target}/{path}").status_code for path in "bab"] == [200, 200, 503]
        assert len(counter.targets) == 2
        proxy.begin(At(Fault(Kind.ERROR, 429, retry_after=7), 1))
        assert client.get(f"{target}/b").headers["retry-after"] == "7"
        proxy.begin(At(Fault(Kind.SLOW, seconds=0.1), 1))
        began = time.monotonic()
        assert client.get(f"{target}/b").status_code == 200
        assert time.monotonic() - began >= 0.1


def test_chance_is_the_same_for_the_same_seed_and_ends() -> None:
    """What was found once can be looked at again."""
    requests = [f"GET /{number}" for number in range(200)]
    met = [[ByChance(seed, FAULTS, 0.2, most=5).meet(each) for each in requests] for seed in (1, 2)]
    chance = ByChance(1, FAULTS, 0.2, most=5)
    again = [chance.meet(each) for each in requests]
    assert len([fault for fault in again if fault]) == 5
    twin = ByChance(1, FAULTS, 0.2, most=5)
    assert again == [twin.meet(each) for each in requests]
    assert met[0] != met[1]
