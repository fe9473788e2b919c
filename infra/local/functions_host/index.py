"""The app's functions, read from its own decorators, and refused where the Functions host would refuse them."""

import asyncio
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.functions_host.settings import HostError, is_disabled, resolved

_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,127}")
_RESERVED_ROUTES = ("admin", "runtime")
_ALL_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")
_TRIGGERS = ("httpTrigger", "queueTrigger", "timerTrigger")


@dataclass(frozen=True, slots=True)
class Function:
    """One function with its trigger, as the decorators describe it."""

    name: str
    call: Callable[..., Any]
    trigger: dict[str, Any]

    @property
    def kind(self) -> str:
        return str(self.trigger["type"])

    @property
    def route(self) -> str:
        return str(self.trigger.get("route") or self.name).strip("/")

    @property
    def methods(self) -> tuple[str, ...]:
        given = self.trigger.get("methods") or _ALL_METHODS
        return tuple(str(getattr(method, "value", method)).upper() for method in given)

    @property
    def auth_level(self) -> str:
        level = self.trigger.get("authLevel", "function")
        return str(getattr(level, "value", level)).lower()

    async def invoke(self, value: object, *, context: object) -> Any:
        """Async functions share the loop; others get a thread. What the decorators bound, the function takes."""
        arguments = {self.trigger["name"]: value}
        if "context" in inspect.signature(self.call).parameters:
            arguments["context"] = context
        if asyncio.iscoroutinefunction(self.call):
            return await self.call(**arguments)
        return await asyncio.to_thread(self.call, **arguments)


def index(folder: Path) -> list[Function]:
    """The enabled functions of the app in this folder. Raises HostError.

    Called inside the running loop, where Azure's worker imports the app as well.
    """
    sys.path.insert(0, str(folder))
    try:
        app = importlib.import_module("function_app").app
        built = app.get_functions()
    except Exception as error:
        raise HostError(f"function_app.py cannot be indexed: {type(error).__name__}: {error}") from error
    functions = [_function(each) for each in built]
    for problem in _problems(functions):
        raise HostError(problem)
    return [function for function in functions if not is_disabled(function.name)]


def _function(built: Any) -> Function:
    trigger = built.get_trigger()
    described = trigger.get_dict_repr() if trigger else {"type": "no trigger"}
    texts = {name: resolved(value) if isinstance(value, str) else value for name, value in described.items()}
    return Function(built.get_function_name(), built.get_user_function(), texts)


def _problems(functions: list[Function]) -> Iterable[str]:
    taken: dict[tuple[str, str], str] = {}
    for function in functions:
        if not _NAME.fullmatch(function.name) or function.name.lower() == "host":
            yield f"{function.name!r} cannot be a function's name."
        if function.kind not in _TRIGGERS:
            yield f"{function.name} has {function.kind}, which this host does not carry out."
        if function.kind == "httpTrigger":
            yield from _route_problems(function, taken)


def _route_problems(function: Function, taken: dict[tuple[str, str], str]) -> Iterable[str]:
    route = function.route.lower()
    if route.startswith(_RESERVED_ROUTES):
        yield f"{function.name}: a route may not begin with admin or runtime."
    for method in function.methods:
        other = taken.setdefault((route, method), function.name)
        if other != function.name:
            yield f"{function.name} and {other} have the same route {function.route} for {method}."
