"""Which key opens which function."""

from pathlib import Path

import httpx
import pytest

from tests.infra.functions_host.running import running_host


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        ("/api/echo/card", "host-key", 200),
        ("/api/echo/card", "master-key", 200),
        ("/api/echo/card", "echo-key", 200),
        ("/api/echo/card", "wrong", 401),
        ("/api/echo/card", "", 401),
        ("/api/inner", "master-key", 200),
        ("/api/inner", "host-key", 401),
        ("/api/inner", "echo-key", 401),
        ("/api/rest/x", "", 200),
    ],
)
def test_levels(http: httpx.Client, path: str, key: str, status: int) -> None:
    """Function level takes three kinds of key, admin level the master key, anonymous none; in header or query."""
    by_header = http.get(path, headers={"x-functions-key": key} if key else {})
    by_query = http.get(path, params={"code": key} if key else {})
    assert (by_header.status_code, by_query.status_code) == (status, status)
    if status == 401:
        assert by_header.content == by_query.content == b""


def test_the_header_wins_over_the_query(http: httpx.Client) -> None:
    """A wrong header is not made good by a right query."""
    response = http.get("/api/echo/card?code=host-key", headers={"x-functions-key": "wrong"})
    assert response.status_code == 401


def test_the_first_of_several_values_counts(http: httpx.Client) -> None:
    """Of the query as of the header; the name's letter case does not matter."""
    assert http.get("/api/echo/card?CODE=host-key&code=wrong").status_code == 200
    assert http.get("/api/echo/card?code=wrong&code=host-key").status_code == 401
    twice = [("x-functions-key", "host-key"), ("X-Functions-Key", "wrong")]
    assert http.get("/api/echo/card", headers=twice).status_code == 200


def test_an_empty_header_is_a_wrong_key(http: httpx.Client) -> None:
    """It is there, so that the query is not looked at."""
    assert http.get("/api/echo/card?code=host-key", headers={"x-functions-key": ""}).status_code == 401


def test_keys_may_be_any_text(http: httpx.Client) -> None:
    """A key that is no ASCII is wrong, not an error."""
    assert http.get("/api/echo/card", params={"code": "schlüssel"}).status_code == 401


def test_without_keys_none_is_asked_for(app: Path, settings: dict[str, str]) -> None:
    """As with `func start`."""
    with running_host(app, settings) as host:
        assert httpx.get(f"{host.url}/api/echo/card").status_code == 200
