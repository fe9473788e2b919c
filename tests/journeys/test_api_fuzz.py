"""Every operation of the API, asked as its own description says, and otherwise: no 5xx, every answer as described.

Short in a usual run; `EXAMPLES_OF_EACH_OPERATION=300` searches longer, and tells how often each operation was answered
how. A stack of its own: what it does to configuration is nobody else's business.
"""

import json
import math
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from core.api.app import make_app
from core.api.glossary import PARAMETERS, PROPERTIES
from infra.local import story
from infra.local.entra import DEMO
from infra.local.stack import stack
from tests.json_schema import ANYTHING, Schemas

# Making a failing request smaller would take minutes; it is told as it was sent.
PHASES = (Phase.explicit, Phase.generate)
SETTINGS = settings(phases=PHASES, suppress_health_check=list(HealthCheck), deadline=None, database=None)
OF_EACH = int(os.environ.get("EXAMPLES_OF_EACH_OPERATION", "8"))
DOCUMENT: dict[str, Any] = make_app().openapi()
SCHEMAS = Schemas(DOCUMENT)
OPERATIONS = [
    (method, path, operation) for path, item in DOCUMENT["paths"].items() for method, operation in item.items()
]
_PARTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/"), min_size=1, max_size=20)
_RAW_PARTS = st.sampled_from(["%FF", "%ED%A0%80", "%00", "%2F", "%", "a%20b", "%2e%2e"])
_BAD_BODIES = [b"", b"{", b"\xff\xfe", b"[" * 3000, b"null", b'{"\\u0000": 1}', b"a: [1", b"activity_id\n9001\n"]
_BAD_HEADERS = ['"', "W/x", "*", "a,,b", '"0-0"']
_TYPES = ["application/json"] * 9 + ["text/plain"]
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
# Whatever was sent before, these are answered: nothing that can be saved makes the rest unreadable.
_ALWAYS = ["health", "connections", "actions", "automations", "export", "replays", "bulk", "quarantine", "balance"]
TOLD: Counter[tuple[str, int]] = Counter()


@dataclass(frozen=True)
class Known:
    """A running app, and ids that it knows, so that not everything ends at 404."""

    client: httpx.Client
    ids: Mapping[str, list[str]]
    document: dict[str, Any]
    configured: Mapping[str, dict[str, Any]]

    def configure(self) -> None:
        """As it was, whatever operations before have done to it: else most of what is asked ends at 404 and 409."""
        for path, body in self.configured.items():
            saved = self.client.put(f"/api/v1/{path}", json=body, headers={"if-match": "*"})
            if saved.status_code == 412:  # it is not there
                saved = self.client.put(f"/api/v1/{path}", json=body)
            saved.raise_for_status()


def _configured(dynamics: str) -> dict[str, dict[str, Any]]:
    secrets = {"tenant_id": DEMO.tenant_id, "client_id": DEMO.client_id, "client_secret": DEMO.client_secret}
    return {
        f"connections/{story.CONNECTION}": {"name": "Contoso", "url": dynamics, **secrets},
        f"actions/{story.ACTION}": story.BOOTH,
        "automations/known": {"action": story.ACTION},
    }


@pytest.fixture(scope="module", autouse=True)
def totals(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tells at the end how many requests there were; of each operation where more were asked for."""
    TOLD.clear()
    yield
    lines = _lines(TOLD) if OF_EACH > 8 else []
    every = Counter[int]()
    for (_, status), count in TOLD.items():
        every[status] += count
    statuses = " ".join(f"{status}:{every[status]}" for status in sorted(every))
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print("", *lines, f"{every.total()} requests to {len(OPERATIONS)} operations: {statuses}", sep="\n")


def _lines(told: Mapping[tuple[str, int], int]) -> list[str]:
    """Of each operation: how often which status."""
    names = sorted({name for name, _ in told})
    statuses = sorted({status for _, status in told})
    return [
        f"{name:<28}" + " ".join(f"{status}:{told[name, status]}" for status in statuses if (name, status) in told)
        for name in names
    ]


@pytest.fixture(scope="module")
def known() -> Iterator[Known]:
    with stack(port=0) as running:
        story.set_up(running, lambda _: None)
        key = {"x-functions-key": running.key}
        with httpx.Client(base_url=running.app, headers=key, timeout=60) as client:
            sample = client.post(f"/api/capture/{story.ACTION}", json=story.sample_capture(1)).json()
            broken = client.post(
                f"/api/capture/{story.ACTION}", content=b'{"broken', headers={"content-type": "application/json"}
            )
            bulk = client.post("/api/v1/bulk", json={"action": story.ACTION, "prospect_ids": ["777"]}).json()
            client.put("/api/v1/replays/mine", json={"receipts": [sample["receipt"]]}).raise_for_status()
            log = client.get(f"/api/v1/logs/{sample['receipt']}").json()
            ids = {
                "connection_id": [story.CONNECTION, "unheard-of"],
                "action_id": [story.ACTION, "unheard-of"],
                "automation_id": ["known", "unheard-of"],
                "log_id": [log["id"], sample["receipt"], "0" * 32],
                "prospect_id": ["777", "email~x"],
                "replay_id": ["mine", "yours"],
                "version": ["1", "99"],
                "number": ["1", "0"],
                "batch": [bulk["batch"], "unheard-of"],
                "receipt": [broken.json()["receipt"], sample["receipt"]],
            }
            yield Known(client, ids, client.get("/api/v1/openapi.json").json(), _configured(running.dynamics.url))


def _parameters(operation: Mapping[str, Any], where: str) -> Iterator[tuple[str, Any, bool]]:
    for each in operation.get("parameters", ()):
        if each["in"] == where:
            yield each["name"], each["schema"], each.get("required", False)


def _is_odd(data: st.DataObject, one_in: int) -> bool:
    """Whether this time something unusual is sent: most requests are to get behind the first check."""
    return data.draw(st.sampled_from([False] * (one_in - 1) + [True]))


def _body(data: st.DataObject, operation: Mapping[str, Any]) -> bytes:
    content = operation.get("requestBody", {}).get("content", {})
    if not content:
        return b""
    if _is_odd(data, 8):
        return data.draw(st.sampled_from(_BAD_BODIES), "body")
    described = content.get("application/json", {})
    fitting = SCHEMAS.values(described.get("schema", {}))
    examples = [st.just(described["example"])] if "example" in described else []
    body = data.draw(ANYTHING if _is_odd(data, 8) else st.one_of([fitting, *examples]), "body")
    body = _poisoned(data, body) if _is_odd(data, 4) else body
    written = json.dumps(body)
    return (written.replace("Infinity", "1e400") if _is_odd(data, 2) else written).encode()


def _poisoned(data: st.DataObject, body: Any) -> Any:
    """With something in place of one of its parts that JSON can say, and nothing can keep."""
    if isinstance(body, dict | list) and body:
        name = data.draw(st.sampled_from(sorted(body) if isinstance(body, dict) else range(len(body))), "where")
        changed = {name: _poisoned(data, body[name])}
        return body | changed if isinstance(body, dict) else [*body[:name], changed[name], *body[name + 1 :]]
    usual = [math.inf] if isinstance(body, int | float) else ["\ud800"]
    return data.draw(st.sampled_from([*usual, math.nan, -math.inf, 10**400, "\ud800"]), "poison")


def _address(data: st.DataObject, known: Known, path: str, operation: Mapping[str, Any]) -> str:
    for name, schema, _ in _parameters(operation, "path"):
        usual, *others = known.ids.get(name, ["lead"])
        value = usual
        if _is_odd(data, 4):
            value = data.draw(st.sampled_from([usual, *others]) | SCHEMAS.values(schema) | _PARTS, name)
        quoted = data.draw(_RAW_PARTS, name) if _is_odd(data, 16) else _quoted(value)
        path = path.replace(f"{{{name}}}", quoted)
    return path


def _quoted(value: object) -> str:
    """Half of a character goes as bytes that are not UTF-8. Dots alone would make it another address."""
    return quote(str(value), safe="", errors="surrogatepass").replace(".", "%2E" if set(str(value)) == {"."} else ".")


def _query(data: st.DataObject, operation: Mapping[str, Any]) -> str:
    query: list[tuple[str, str]] = []
    for name, schema, required in _parameters(operation, "query"):
        if required or _is_odd(data, 6):
            value = data.draw(_PARTS if _is_odd(data, 4) else SCHEMAS.values(schema), name)
            query += [(name, str(each)) for each in (value if isinstance(value, list) else [value]) if each is not None]
    if _is_odd(data, 16):
        query.append(("nobody-knows", "1"))
    return "&".join(f"{name}={_quoted(value)}" for name, value in query)


def _headers(data: st.DataObject, known: Known, address: str, operation: Mapping[str, Any]) -> dict[str, str]:
    names = [name for name, _, _ in _parameters(operation, "header")]
    chosen = {name: data.draw(st.sampled_from(_BAD_HEADERS)) if _is_odd(data, 6) else "" for name in names}
    if "if-match" in chosen and not chosen["if-match"] and not _is_odd(data, 4):
        chosen["if-match"] = known.client.get(address).headers.get("etag", "")  # the one that fits
    kind = {"content-type": data.draw(st.sampled_from(_TYPES))}
    return kind | {name: value for name, value in chosen.items() if value}


def _check(answer: httpx.Response, operation: Mapping[str, Any]) -> None:
    asked = (
        f"{answer.request.method} {answer.request.url} {answer.request.content!r}: {answer.status_code} {answer.text}"
    )
    assert answer.status_code < 500, asked
    assert DEMO.client_secret not in answer.text, asked
    if answer.status_code == 404 and answer.json()["detail"].startswith("There is nothing at"):
        return  # a part of the address made it another one
    described = operation["responses"].get(str(answer.status_code))
    assert described is not None, f"not described: {asked}"
    if "content" not in described:
        assert not answer.content, asked
        return
    content_type = answer.headers["content-type"].partition(";")[0]
    assert content_type in described["content"], asked
    schema = described["content"][content_type].get("schema", {})
    if content_type.endswith("json"):
        assert not list(SCHEMAS.faults(answer.json(), schema)), asked
    if answer.status_code >= 400:
        assert answer.json()["status"] == answer.status_code, asked


@pytest.mark.parametrize(
    ("method", "path", "operation"), OPERATIONS, ids=[each["operationId"] for _, _, each in OPERATIONS]
)
def test_no_request_breaks_an_operation(known: Known, method: str, path: str, operation: dict[str, Any]) -> None:
    """Whatever is sent: it is answered, and as the description says."""

    @settings(SETTINGS, max_examples=OF_EACH)
    @given(st.data())
    def ask(data: st.DataObject) -> None:
        address = _address(data, known, path, operation)
        query = _query(data, operation)
        answer = known.client.request(
            method,
            f"{address}?{query}" if query else address,
            headers=_headers(data, known, address, operation),
            content=_body(data, operation),
        )
        TOLD[operation["operationId"], answer.status_code] += 1
        _check(answer, operation)

    known.configure()
    ask()
    if method != "get":
        for each in _ALWAYS:
            read = known.client.get(f"/api/v1/{each}")
            assert read.status_code == 200, f"{each} after {operation['operationId']}: {read.text}"


def test_a_method_that_is_not_described_is_refused(known: Known) -> None:
    """405 with those that there are; nothing is done."""
    for path, item in DOCUMENT["paths"].items():
        address = re.sub(r"\{[^}]*\}", "1", path)
        for method in {each for each in _METHODS if each.lower() not in item}:
            answer = known.client.request(method, address)
            TOLD["(another method)", answer.status_code] += 1
            assert answer.status_code == 405, (method, path, answer.text)
            assert answer.headers["allow"], path


def test_the_description_says_everything(known: Known) -> None:
    """It is served as it is made here; each operation has a name, a tag that is explained, and a summary in words."""
    assert known.document == json.loads(json.dumps(DOCUMENT))
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(names) == len(set(names))
    for _, path, operation in OPERATIONS:
        assert set(operation["tags"]) <= tags, path
        assert re.fullmatch(r"[A-Z].* .{2,58}", operation["summary"]), (path, operation["summary"])


def test_every_word_of_the_description_is_explained() -> None:
    """Each parameter and each property says what it means; and no explanation is left over."""
    parameters = {each["name"]: each for _, _, operation in OPERATIONS for each in operation.get("parameters", ())}
    schemas = DOCUMENT["components"]["schemas"]
    properties = {
        f"{model}.{name}": each for model in schemas for name, each in schemas[model].get("properties", {}).items()
    }
    assert [name for name, each in (parameters | properties).items() if not each.get("description")] == []
    names = {*properties, *(name.partition(".")[2] for name in properties)}
    assert PROPERTIES.keys() - names == set()
    assert PARAMETERS.keys() - parameters.keys() == set()


def test_refusals_are_described_as_problem_details() -> None:
    """But for the host's own 401."""
    for _, path, operation in OPERATIONS:
        refusals = {code: each for code, each in operation["responses"].items() if code[0] in "45" and code != "401"}
        assert all(list(each["content"]) == ["application/problem+json"] for each in refusals.values()), path


def test_each_body_has_an_example_that_is_accepted() -> None:
    """By its own schema, to begin with; the README's examples are run elsewhere."""
    for _, path, operation in OPERATIONS:
        content = operation.get("requestBody", {}).get("content", {})
        examples = [(each["schema"], example) for each in content.values() for example in _examples(each)]
        assert not content or examples, f"{path} {operation['operationId']} has no example of its body"
        for schema, example in examples:
            assert not list(SCHEMAS.faults(example, schema)), path


def _examples(content: Mapping[str, Any]) -> list[Any]:
    schema = content["schema"]
    kinds = schema.get("anyOf", [schema])
    told = [example for kind in kinds for example in SCHEMAS.resolved(kind).get("examples", ())]
    return [*told, *([content["example"]] if "example" in content else [])]


def test_the_key_is_asked_for_before_anything_else(known: Known) -> None:
    """Without it nothing of the API answers, not even its description."""
    base = str(known.client.base_url)
    for path in ("/api/v1/openapi.json", "/api/v1/logs", "/api/v1/health"):
        assert httpx.get(f"{base}{path}").status_code == 401
