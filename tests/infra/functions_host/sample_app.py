"""A small app with every kind of trigger, for the host and for Microsoft's worker alike.

What its functions were given, queue and timer functions note in `noted.jsonl` beside it; HTTP functions answer it.
"""

import json
from pathlib import Path
from typing import Any

FUNCTION_APP = """
from __future__ import annotations

import asyncio
import json
import logging
import pathlib
import threading
import typing

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
LOOP = asyncio.get_running_loop()
print("printed while imported")


def note(**noted):
    with (pathlib.Path(__file__).parent / "noted.jsonl").open("a") as file:
        file.write(json.dumps(noted) + "\\n")


@app.route("echo/{kind:alpha}/{number:int?}", methods=["GET", "POST"])
async def echo(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    told = {
        "method": req.method, "url": req.url, "headers": dict(req.headers), "params": dict(req.params),
        "route": dict(req.route_params), "body": req.get_body().decode(), "function": context.function_name,
        "same_loop": asyncio.get_running_loop() is LOOP,
    }
    return func.HttpResponse(json.dumps(told), mimetype="application/json", headers={"x-kind": "echo"})


@app.route("rest/{*rest}", auth_level=func.AuthLevel.ANONYMOUS)
def rest(req: func.HttpRequest) -> str:
    logging.getLogger("sample").info("rest was asked")
    return req.route_params.get("rest", "nothing") + " " + str(threading.current_thread() is threading.main_thread())


@app.route("rest/literal", auth_level=func.AuthLevel.ANONYMOUS)
def literal(req: func.HttpRequest) -> str:
    return "the literal one"


@app.route("inner", auth_level=func.AuthLevel.ADMIN)
async def inner(req: func.HttpRequest) -> str:
    return "inner"


@app.route("answers", auth_level=func.AuthLevel.ANONYMOUS)
async def answers(req: func.HttpRequest) -> func.HttpResponse:
    kind = req.params["kind"]
    if kind == "cookies":
        response = func.HttpResponse("", status_code=201)
        response.headers.add("Set-Cookie", "a=1")
        response.headers.add("Set-Cookie", "b=2; Path=/")
        return response
    return {
        "raise": lambda: 1 / 0, "none": lambda: None, "dict": lambda: {}, "text": lambda: "text",
        "described": lambda: json.dumps({"statusCode": 418, "body": "short", "headers": {"x-pot": "tea"}}),
    }[kind]()


@app.route("off", auth_level=func.AuthLevel.ANONYMOUS)
async def off(req: func.HttpRequest) -> str:
    return "on"


@app.route("send", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@app.queue_output("out", queue_name="%OUT_QUEUE%", connection="AzureWebJobsStorage")
def send(req: func.HttpRequest, out: func.Out[typing.List[str]]) -> str:
    out.set(req.get_body() if req.params.get("raw") else req.get_body().decode())
    if req.params.get("fail"):
        raise ValueError("after all")
    return "sent"


@app.queue_trigger("message", queue_name="%IN_QUEUE%", connection="AzureWebJobsStorage")
async def receive(message: func.QueueMessage) -> None:
    body = message.get_body().decode()
    note(
        body=body, attempt=message.dequeue_count, id=message.id, receipt=bool(message.pop_receipt),
        inserted=str(message.insertion_time), expires=str(message.expiration_time),
        visible=str(message.time_next_visible), same_loop=asyncio.get_running_loop() is LOOP,
    )
    if body.startswith("fail"):
        raise ValueError("this one always fails")
    if body.startswith("hold"):
        while not (pathlib.Path(__file__).parent / "let_go").exists():
            await asyncio.sleep(0.01)


@app.timer_trigger("timer", schedule="%SCHEDULE%", run_on_startup=False)
def tick(timer: func.TimerRequest) -> None:
    note(past_due=timer.past_due, status=timer.schedule_status, schedule=timer.schedule)
"""


def write_app(folder: Path, *, code: str = FUNCTION_APP, queues: dict[str, Any] | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "function_app.py").write_text(code)
    settings = {"messageEncoding": "none", "maxPollingInterval": "00:00:00.05", **(queues or {})}
    (folder / "host.json").write_text(json.dumps({"version": "2.0", "extensions": {"queues": settings}}))
    return folder


def noted(folder: Path) -> list[dict[str, Any]]:
    """What queue and timer functions were given, in order; a line half written is left for the next look."""
    file = folder / "noted.jsonl"
    lines = file.read_text().splitlines(keepends=True) if file.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]
