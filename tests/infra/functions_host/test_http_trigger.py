"""What a request becomes on its way into a function, and an answer on its way out."""

import json
from typing import Any

import azure.functions as func
import httpx
import pytest

from infra.local.functions_host.functions import Binding, Function
from infra.local.functions_host.http_trigger import HttpTriggers
from infra.local.functions_host.keys import Keys

KEY = {"x-functions-key": "host-key"}


def echoed(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    told: dict[str, Any] = response.json()
    return told


def test_a_request_arrives_whole(http: httpx.Client) -> None:
    """Method, address, route values, query and body reach the function; it runs in the loop that imported it."""
    told = echoed(http.post("/api/echo/card/7", params={"q": "1"}, content=b"body", headers=KEY))
    assert (told["method"], told["body"], told["function"]) == ("POST", "body", "echo")
    assert told["route"] == {"kind": "card", "number": "7"}
    assert told["params"] == {"q": "1"}
    assert told["url"] == f"{http.base_url}/api/echo/card/7?q=1".replace("//api", "/api")
    assert told["same_loop"]


def test_headers_are_lower_case_and_joined(http: httpx.Client) -> None:
    """A header sent twice arrives once, its values joined by a comma."""
    headers = [("X-Twice", "a"), ("x-twice", "b"), ("X-Functions-Key", "host-key")]
    assert echoed(http.get("/api/echo/card", headers=headers))["headers"]["x-twice"] == "a,b"


def test_empty_query_values_are_dropped(http: httpx.Client) -> None:
    """A parameter without a value does not reach the function; one given twice arrives joined."""
    assert echoed(http.get("/api/echo/card?empty=&bare&a=1&a=&A=2", headers=KEY))["params"] == {"a": "1,2"}


def test_a_chunked_body_arrives_empty(http: httpx.Client) -> None:
    """Without Content-Length the function sees no body, as on Azure."""
    told = echoed(http.post("/api/echo/card", content=iter([b"chunk"]), headers=KEY))
    assert told["headers"]["transfer-encoding"] == "chunked"
    assert told["body"] == ""


def test_a_body_over_the_limit_is_refused(http: httpx.Client) -> None:
    """The limit is a setting; a body of just that size still passes."""
    assert http.post("/api/echo/card", content=b"x" * 1000, headers=KEY).status_code == 200
    assert http.post("/api/echo/card", content=b"x" * 1001, headers=KEY).status_code == 413


@pytest.mark.parametrize("path", ["/api/a%20b", "/api/a%2Fb", "/api/100%2525", "/api/%C3%A9?q=%20+%2B", "/api//a/"])
async def test_what_is_escaped_in_the_address_stays_so(path: str) -> None:
    """`req.url` is what was asked for; frameworks behind it decode it themselves."""

    async def told(req: func.HttpRequest) -> str:
        return str(req.url)

    async def write(_: object) -> None:
        pass

    trigger = Binding("httpTrigger", "req", {"route": "{*rest}", "authLevel": "anonymous"})
    function = Function("told", told, trigger, (Binding("http", "$return", {}),))
    app = HttpTriggers([function], prefix="api", keys=Keys(), write=write)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://host:7071") as client:
        assert (await client.get(path)).text == f"http://host:7071{path}"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/api/echo/card"),
        ("HEAD", "/api/echo/card"),
        ("GET", "/echo/card"),
        ("GET", "/api/echo/card/seven"),
        ("GET", "/api/echo/c4rd"),
        ("GET", "/api/echo"),
        ("GET", "/api/off"),
        ("GET", "/"),
    ],
)
def test_what_no_function_answers_is_not_found(http: httpx.Client, method: str, path: str) -> None:
    """A wrong method is 404 too, and so are a disabled function and a value that its constraint refuses."""
    response = http.request(method, path, headers=KEY)
    assert (response.status_code, response.content) == (404, b"")


def test_routes_ignore_letter_case_and_a_trailing_slash(http: httpx.Client) -> None:
    """Route values keep the case they came in."""
    assert echoed(http.get("/API/Echo/Card/", headers=KEY))["route"] == {"kind": "Card"}


def test_the_most_literal_route_answers(http: httpx.Client) -> None:
    """A catch-all takes what is left, slashes included, and works in a thread when it is not async."""
    assert http.get("/api/rest/literal").text == "the literal one"
    assert http.get("/api/rest/a/b%20c").text == "a/b c False"
    assert http.get("/api/rest").text == "nothing False"


@pytest.mark.parametrize("kind", ["raise", "none", "dict"])
def test_a_failed_invocation_tells_nothing(http: httpx.Client, kind: str) -> None:
    """An exception, or a value that is no answer, is a 500 with an empty body."""
    response = http.get("/api/answers", params={"kind": kind})
    assert (response.status_code, response.content) == (500, b"")


def test_text_is_an_answer(http: httpx.Client) -> None:
    """A plain string is sent as text."""
    response = http.get("/api/answers?kind=text")
    assert (response.text, response.headers["content-type"]) == ("text", "text/plain; charset=utf-8")


def test_text_that_describes_a_response_is_taken_for_one(http: httpx.Client) -> None:
    """The host's trap for strings that are JSON objects with a body."""
    response = http.get("/api/answers?kind=described")
    assert (response.status_code, response.text, response.headers["x-pot"]) == (418, "short", "tea")


def test_headers_and_cookies_leave(http: httpx.Client) -> None:
    """Headers are a map, but for cookies, which may be several."""
    response = http.get("/api/answers?kind=cookies")
    assert response.status_code == 201
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2; Path=/"]
    assert http.get("/api/echo/card", headers=KEY).headers["x-kind"] == "echo"


def test_answers_are_json_where_the_app_says_so(http: httpx.Client) -> None:
    """The content type is the function's own."""
    response = http.get("/api/echo/card", headers=KEY)
    assert response.headers["content-type"] == "application/json"
    assert json.loads(response.content)["method"] == "GET"
