"""What every request must keep to, asked of the whole application before it touches any service."""

import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from core.api.app import make_app
from core.api.edge import BODY_MOST
from core.api.patterns import pattern_in_words
from core.bootstrap import services
from core.domain.storable import unstorable

BOOTH = '"connection": "contoso", "match": {"tables": "leads"}, "create": "lead"'
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def app() -> FastAPI:
    """Without services: a refusal that needed one would raise."""
    app = make_app()
    app.dependency_overrides[services] = lambda: SimpleNamespace(has_sign_in=False)
    return app


@pytest.fixture
async def api(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://api/api/v1") as client:
        yield client


def _said(answer: httpx.Response) -> tuple[int, list[str]]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, [error["field"] for error in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/actions", f'{{"id": "s", {BOOTH}, "filter": {{"all": [{{"about": "rating", "greater": 1e400}}]}}}}',
         "filter.all.0.greater"),
        ("PUT", "/automations/a", '{"action": "b", "criteria": {"any": [{"field": "X", "equals": NaN}]}}',
         "criteria.any.0.equals"),
        ("POST", "/actions", f'{{"id": "s", "name": "\\ud800", {BOOTH}}}', "name"),
        ("PUT", "/connections/c/mappings/lead", '{"rows": [{"column": "subject", "constant": "\\udfff"}]}',
         "rows.0.constant"),
        ("POST", "/actions", f'{{"id": "s", "campaigns": [{{"name": "a\\u0000b", "as": "list"}}], {BOOTH}}}',
         "campaigns.0.name"),
        ("PUT", "/connections/c/secret", '{"client_secret": "\\ud800"}', "client_secret"),
        ("PUT", "/actions/a/signature-secret", '{"secret": "0123456789abcdef\\ud800"}', "secret"),
        ("POST", "/import", '{"mappings": [], "\\ud800": 1}', "\N{REPLACEMENT CHARACTER}"),
        ("POST", "/import", 'actions: [{id: "\\ud800"}]', "actions.0.id"),
        ("POST", "/import", "actions: [{rating: 1.0e+999}]", "actions.0.rating"),
        ("POST", "/bulk", '{"action": "b", "filter": {"all": [{"field": "X", "equals": -1e400}]}}',
         "filter.all.0.equals"),
        ("POST", "/balance/expected", '["\\ud800"]', "0"),
    ],
)  # fmt: skip
async def test_what_could_not_be_kept_is_refused_where_it_stands(
    api: httpx.AsyncClient, method: str, path: str, body: str, field: str
) -> None:
    """Infinite numbers and halves of characters: once stored, or handed on, nobody could read them any more."""
    answer = await api.request(method, path, content=body, headers=JSON)
    assert _said(answer) == (422, [field]), answer.text


@pytest.mark.parametrize(
    ("body", "content_type", "status", "words"),
    [
        (b'{"id": "booth",', "application/json", 400, "line 1, column 16"),
        (b"\xff", "application/json", 400, "UTF-8"),
        (b"[" * 100_000, "application/json", 400, "nested too deeply"),
        (b"9" * 10_000, "application/json", 400, "thousands of digits"),
        (b"{}", "text/plain", 415, "content-type: application/json"),
        (b"{}", "", 415, "content-type: application/json"),
        (b"[" + b" " * BODY_MOST + b"]", "application/json", 413, "2 MiB"),
        (b"[1]", "application/json", 422, "Give a JSON object"),
        (b'{"id": "Booth"}', "application/json", 422, "letters a to z, digits and hyphens"),
    ],
)
async def test_a_body_that_is_none_is_refused_in_words(
    api: httpx.AsyncClient, body: bytes, content_type: str, status: int, words: str
) -> None:
    """By what it is: broken, in another encoding, too large, or no JSON at all."""
    answer = await api.post("/actions", content=body, headers={"content-type": content_type} if content_type else {})
    assert answer.status_code == status
    assert words in answer.json()["detail"]
    assert "pattern" not in answer.text


async def test_a_parameter_that_nobody_reads_is_refused(api: httpx.AsyncClient) -> None:
    """A misspelt filter would look as if it had been kept to; the known ones are named. Keys are the host's."""
    answer = await api.get("/failures", params={"limit": "1", "code": "key", "clientId": "default"})
    assert _said(answer) == (422, ["limit"])
    assert "known here: action, connection, cursor" in answer.json()["detail"]


async def test_secrets_are_counted_in_characters(api: httpx.AsyncClient) -> None:
    """As people count them."""
    answer = await api.put("/actions/a/signature-secret", json={"secret": "short"})
    assert answer.json()["detail"] == "secret: Give at least 16 characters."


async def test_another_method_is_told_which_there_are(api: httpx.AsyncClient) -> None:
    """405 with `Allow`, as HTTP asks for."""
    answer = await api.delete("/health")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert "GET" in answer.json()["detail"]


async def test_a_slash_too_many_is_named(api: httpx.AsyncClient) -> None:
    """404, and what to leave out."""
    answer = await api.get("/actions/")
    assert (answer.status_code, "leave out the slash" in answer.json()["detail"]) == (404, True)


def test_every_pattern_has_words(app: FastAPI) -> None:
    """No answer quotes a regular expression at people."""
    assert [each for each in _patterns(app.openapi()) if "like ^" in pattern_in_words(each)] == []


def _patterns(node: Any) -> list[str]:
    if isinstance(node, list):
        return [each for item in node for each in _patterns(item)]
    if not isinstance(node, dict):
        return []
    own = [node["pattern"]] if isinstance(node.get("pattern"), str) else []
    return own + [each for item in node.values() for each in _patterns(item)]


def test_any_script_may_stand_in_a_setting() -> None:
    """Line ends, tabs, emoji; and control characters in a body that was sent by somebody else."""
    assert not list(
        unstorable(
            {"name": "Zo\u00eb\n\t\U0001f469\u200d\U0001f467 \u674e \u202e", "rows": [1, None, True, {"x": ["\u00e9"]}]}
        )
    )
    assert [path for path, _ in unstorable({"body": "\x00"})] == [("body",)]
    assert not list(unstorable({"body": "\x00"}, allows_control=True))


@given(
    st.recursive(st.none() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_whatever_is_storable_can_be_written_and_read_again(document: object) -> None:
    """And what is not is found: the two sides of one rule."""
    try:
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        assert list(unstorable(document, allows_control=True))
    else:
        assert not list(unstorable(document, allows_control=True))
