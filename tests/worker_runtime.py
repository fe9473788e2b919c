"""Runs an app through Microsoft's own worker runtime (`azure-functions-runtime`, Python 3.13 and newer).

    python tests/worker_runtime.py APP_FOLDER < calls.json

Initialises and indexes as production's worker does, invokes what standard input lists, one after the other, and prints
what was answered as JSON. It stands alone: the interpreter it runs under holds what ships and nothing else. The
runtime's entry points are private, so requirements.txt pins its version.

A call is `{"function": name, "http": {"method", "url", "headers", "params", "route", "body"}}`,
`{"function": name, "queue": text}` or `{"function": name, "timer": {"IsPastDue": false}}`.

As a library: `index`, then `invoke_http`, `invoke_queue`, `invoke_timer`, from code that has no loop running; all of
them share the one loop in which the app was imported, and a process has one app. What goes over the wire in between,
routing, keys and queues, is the host's and not here.
"""

import asyncio
import json
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

_loop = asyncio.Runner()


class IndexingError(Exception):
    """The runtime has refused the app, all of its functions; the message is the runtime's own."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function as the runtime describes it to the host."""

    name: str
    id: str
    bindings: list[dict[str, Any]]

    @property
    def trigger(self) -> dict[str, Any]:
        return next(binding for binding in self.bindings if binding["type"].endswith("Trigger"))


class _Message:
    """Stands where the worker uses a protobuf class; the runtime only makes them and reads what it has set."""

    Success, Failure = "success", "failure"
    undefined, inout, out = 0, 2, 1

    def __init__(self, **facts: Any) -> None:
        self.__dict__.update(facts)


class _Protos:
    def __getattr__(self, name: str) -> type[_Message]:
        return _Message


def index(app_dir: str) -> list[Function]:
    """The functions of the app in this folder. Raises IndexingError."""
    return _loop.run(_indexed(app_dir))


def invoke_http(
    function: Function,
    method: str,
    url: str,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    route_params: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """`ok` with `status`, `headers` and `body`, or the `problem`. Query parameters are the address's."""
    lower_case = {name.lower(): value for name, value in (headers or {}).items()}
    facts = {
        "method": _datum(method, "string"),
        "url": _datum(url, "string"),
        "headers": _texts(lower_case),
        "params": _texts(route_params or {}),
        "query": _texts(dict(parse_qsl(urlsplit(url).query))),
        "body": _datum(body, "bytes"),
    }
    return _loop.run(_invoked(function, _datum(facts, "http"), {}))


def invoke_queue(function: Function, body: str | bytes, *, dequeue_count: int = 1) -> dict[str, Any]:
    """`ok`, or the `problem` that would make the host try again."""
    now = datetime.now(UTC)
    metadata = {
        "Id": _datum(str(uuid.uuid4()), "string"),
        "PopReceipt": _datum("receipt", "string"),
        "DequeueCount": _datum(str(dequeue_count), "string"),
        "InsertionTime": _datum(now.isoformat(), "string"),
        "ExpirationTime": _datum((now + timedelta(days=7)).isoformat(), "string"),
        "NextVisibleTime": _datum((now + timedelta(minutes=10)).isoformat(), "string"),
    }
    return _loop.run(_invoked(function, _datum(body, "bytes" if isinstance(body, bytes) else "string"), metadata))


def invoke_timer(function: Function, *, past_due: bool = False) -> dict[str, Any]:
    """`ok`, or the `problem`."""
    told = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": past_due}
    return _loop.run(_invoked(function, _datum(json.dumps(told), "json"), {}))


async def _indexed(folder: str) -> list[Function]:
    from azure_functions_runtime import handle_event  # not installed before Python 3.13
    from azure_functions_runtime.utils.threadpool import start_threadpool_executor

    sys.path.append(folder)  # last, as on Azure: an installed package of the same name would win
    start_threadpool_executor()
    init = SimpleNamespace(capabilities={}, function_app_directory=folder)
    request = SimpleNamespace(
        request=SimpleNamespace(worker_init_request=init), properties={"protos": _Protos(), "host": "127.0.0.1"}
    )
    answer = await handle_event.worker_init_request(request)
    if answer.result.status != _Message.Success:
        raise IndexingError(answer.result.exception.message)
    _require_indexed(Path(folder))
    described = (await handle_event.functions_metadata_request(request)).function_metadata_results
    return [_function(each) for each in described]


def _require_indexed(folder: Path) -> None:
    """The runtime counts a missing function_app.py, and one that is ahead on sys.path, as success."""
    if "function_app" not in sys.modules:
        raise IndexingError(f"there is no function_app.py in {folder}")
    found = Path(sys.modules["function_app"].__file__ or "")
    if found.parent.resolve() != folder.resolve():
        raise IndexingError(f"another app is ahead on sys.path: {found}")


def _function(described: Any) -> Function:
    return Function(described.name, described.function_id, [json.loads(text) for text in described.raw_bindings])


async def _invoked(function: Function, value: Any, metadata: dict[str, Any]) -> dict[str, Any]:
    from azure_functions_runtime.native_invocation import invocation_request_native

    given = [(function.trigger["name"], value)]
    ok, returned, outputs, problem, trace = await invocation_request_native(
        str(uuid.uuid4()), function.id, given, metadata
    )
    if not ok:
        return {"ok": False, "problem": problem, "trace": trace}
    written = {"outputs": {name: output.python_value for name, output in outputs}} if outputs else {}
    return {"ok": True, **(_http_answer(returned) if returned is not None else {}), **written}


def _datum(value: Any, kind: str) -> Any:
    from azure_functions_runtime.bindings.datumdef import Datum

    return Datum(value, kind)


def _texts(values: Mapping[str, str]) -> dict[str, Any]:
    return {name: _datum(value, "string") for name, value in values.items()}


def _http_answer(returned: Any) -> dict[str, Any]:
    """A function that returns plain text has the host make an answer of it."""
    if returned.type == "string":
        return {"status": 200, "headers": {}, "body": returned.value}
    facts = returned.value
    headers = {name: value.value for name, value in facts["headers"].items()}
    return {"status": int(facts["status_code"].value), "headers": headers, "body": facts["body"].value.decode()}


def _called(function: Function, call: dict[str, Any]) -> dict[str, Any]:
    if "queue" in call:
        return invoke_queue(function, call["queue"])
    if "timer" in call:
        return invoke_timer(function, past_due=bool(call["timer"].get("IsPastDue")))
    http = call["http"]
    query = urlencode(http.get("params", {}))
    url = http["url"] + ("&" if "?" in http["url"] else "?") * bool(query) + query
    body = http.get("body", "").encode()
    return invoke_http(function, http["method"], url, http.get("headers"), body, http.get("route"))


def main(folder: str, calls: list[dict[str, Any]]) -> dict[str, Any]:
    """What the runtime indexed, and what each call was answered."""
    functions = {function.name: function for function in index(folder)}
    return {
        "functions": [{"name": each.name, "bindings": each.bindings} for each in functions.values()],
        "answers": [_called(functions[call["function"]], call) for call in calls],
    }


if __name__ == "__main__":
    try:
        print(json.dumps(main(sys.argv[1], json.load(sys.stdin))))
    except IndexingError as error:
        sys.exit(f"the app was not indexed: {error}")
