"""Runs an app through Microsoft's own worker runtime (`azure-functions-runtime`, Python 3.13 and newer).

    python tests/worker_runtime.py APP_FOLDER < calls.json

Initialises and indexes as production's worker does, invokes what standard input lists, one after the other, and prints
what was answered as JSON. It stands alone: the interpreter it runs under holds what ships and nothing else. The
runtime's entry points are private, so requirements.txt pins its version.

A call is `{"function": name, "http": {"method", "url", "headers", "params", "route", "body"}}`,
`{"function": name, "queue": text}` or `{"function": name, "timer": {"IsPastDue": false}}`.
"""

import asyncio
import json
import sys
from types import SimpleNamespace
from typing import Any


class _Message:
    """Stands where the worker uses a protobuf class; the runtime only makes them and reads what it has set."""

    Success, Failure = "success", "failure"
    undefined, inout, out = 0, 2, 1

    def __init__(self, **facts: Any) -> None:
        self.__dict__.update(facts)


class _Protos:
    def __getattr__(self, name: str) -> type[_Message]:
        return _Message


async def run(folder: str, calls: list[dict[str, Any]]) -> dict[str, Any]:
    """What the runtime indexed, and what each call was answered."""
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
        raise SystemExit(f"the app was not indexed: {answer.result.exception.message}")
    indexed = (await handle_event.functions_metadata_request(request)).function_metadata_results
    ids = {each.name: each.function_id for each in indexed}
    return {
        "functions": [_described(each) for each in indexed],
        "answers": [await _invoke(ids, call) for call in calls],
    }


def _described(function: Any) -> dict[str, Any]:
    bindings = [json.loads(text) for text in function.raw_bindings]
    return {"name": function.name, "bindings": bindings}


async def _invoke(ids: dict[str, str], call: dict[str, Any]) -> dict[str, Any]:
    from azure_functions_runtime.native_invocation import invocation_request_native

    name, datum = _datum(call)
    ok, returned, _, problem, trace = await invocation_request_native("1", ids[call["function"]], [(name, datum)], {})
    if not ok:
        return {"ok": False, "problem": problem, "trace": trace}
    return {"ok": True, **(_http_answer(returned) if returned is not None else {})}


def _datum(call: dict[str, Any]) -> tuple[str, Any]:
    """The parameter's name and its value, as the host would send it."""
    from azure_functions_runtime.bindings.datumdef import Datum

    if "queue" in call:
        return "message", Datum(call["queue"], "string")
    if "timer" in call:
        return "timer", Datum(json.dumps({"Schedule": {}, "ScheduleStatus": None, **call["timer"]}), "json")
    http = call["http"]
    facts = {
        "method": Datum(http["method"], "string"),
        "url": Datum(http["url"], "string"),
        "headers": {name.lower(): Datum(value, "string") for name, value in http.get("headers", {}).items()},
        "params": {name: Datum(value, "string") for name, value in http.get("route", {}).items()},
        "query": {name: Datum(value, "string") for name, value in http.get("params", {}).items()},
        "body": Datum(http.get("body", "").encode(), "bytes"),
    }
    return "req", Datum(facts, "http")


def _http_answer(returned: Any) -> dict[str, Any]:
    facts = returned.value
    return {"status": int(facts["status_code"].value), "body": facts["body"].value.decode()}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(sys.argv[1], json.load(sys.stdin)))))
