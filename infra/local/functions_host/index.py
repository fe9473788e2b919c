"""Finds the functions of an app, and refuses the app where the Functions host would.

All or nothing, as there: one function that cannot be had makes an app without functions.
"""

import importlib
import re
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import azure.functions as func

from infra.local.functions_host.app_settings import is_disabled, resolved
from infra.local.functions_host.errors import HostError
from infra.local.functions_host.functions import HTTP, QUEUE, RETURNED, TIMER, Binding, Function
from infra.local.functions_host.signatures import signature_problems

_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,127}")
_QUEUE_NAME = re.compile(r"(?=.{3,63}\Z)[a-z0-9]+(?:-[a-z0-9]+)*")
_RESERVED_ROUTES = ("admin", "runtime")
_CARRIED_OUT = {HTTP, QUEUE, TIMER, "http", "queue"}
_CHECKOUT = Path(__file__).resolve().parents[3]


def index(folder: Path) -> list[Function]:
    """The enabled functions of the app in this folder. Raises HostError.

    Called inside the running loop, where Azure's worker imports the app as well.
    """
    # Of the checkout the app sees its own folder only, so that what its package lacks is missed here already. It comes
    # last, as on Azure: a module of the app that is named like an installed one is never found.
    sys.path[:] = [*(path for path in sys.path if Path(path).resolve() not in {_CHECKOUT, folder}), str(folder)]
    functions = [_function(each) for each in _built(folder)]
    for problem in _problems(functions):
        raise HostError(problem)
    return [function for function in functions if not is_disabled(function.name)]


def _built(folder: Path) -> list[Any]:
    try:
        module = importlib.import_module("function_app")
        apps = [value for value in vars(module).values() if isinstance(value, func.FunctionRegister)]
        built: list[Any] = apps[0].get_functions() if len(apps) == 1 else []
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, it is the app's
        raise HostError(f"function_app.py cannot be indexed: {_told(error, folder)}") from None
    if len(apps) != 1:
        raise HostError(
            f"function_app.py must have one FunctionApp at its top level; it has {len(apps)}, names counted."
        )
    return built


def _told(error: BaseException, folder: Path) -> str:
    """The error and the line of the app that it comes from."""
    text = f"{type(error).__name__}: {error}"
    lines = [
        frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(folder)
    ]
    return f"{text} ({Path(lines[-1].filename).relative_to(folder)}, line {lines[-1].lineno})" if lines else text


def _function(built: Any) -> Function:
    trigger = built.get_trigger()
    bindings = [_binding(binding) for binding in built.get_bindings() if binding is not trigger]
    return Function(built.get_function_name(), built.get_user_function(), _binding(trigger), tuple(bindings))


def _binding(given: Any) -> Binding:
    described = given.get_dict_repr()
    texts = {name: resolved(value) if isinstance(value, str) else value for name, value in described.items()}
    return Binding(texts["type"], given.name, texts)


def _problems(functions: list[Function]) -> Iterator[str]:
    taken: dict[tuple[str, str], str] = {}
    for function in functions:
        if not _NAME.fullmatch(function.name) or function.name.lower() == "host":
            yield f"{function.name!r} cannot be a function's name."
        for binding in (function.trigger, *function.outputs):
            if binding.kind not in _CARRIED_OUT:
                yield f"{function.name} has a {binding.kind} binding, which this host does not carry out."
            if binding.kind in {QUEUE, "queue"} and not _QUEUE_NAME.fullmatch(binding.queue_name):
                yield f"{function.name}: {binding.queue_name!r} cannot be a queue's name."
        yield from (f"{function.name}: {problem}" for problem in signature_problems(function))
        if function.trigger.kind == HTTP:
            yield from _route_problems(function, taken)


def _route_problems(function: Function, taken: dict[tuple[str, str], str]) -> Iterator[str]:
    route = function.route.lower()
    if route.startswith(_RESERVED_ROUTES):
        yield f"{function.name}: a route may not begin with admin or runtime."
    for method in function.methods:
        other = taken.setdefault((route, method), function.name)
        if other != function.name:
            yield f"{function.name} and {other} have the same route {function.route} for {method}."
    if function.returns is None and not any(output.kind == "http" for output in function.outputs):
        yield f"{function.name} has no {RETURNED} to answer with."
