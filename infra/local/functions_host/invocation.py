"""Calls a function as Microsoft's worker does: values in and out through the converters of `azure.functions`.

Async functions share the loop; others get a thread. Whatever fails here, the invocation has failed.
"""

import asyncio
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import azure.functions as func
from azure.functions.meta import Datum
from typing_extensions import override

from infra.local.functions_host.context import Context, TraceContext, new_trace
from infra.local.functions_host.functions import RETURNED, Binding, Function
from infra.local.functions_host.signatures import CONTEXT, takes_bare_value, takes_context


@dataclass(frozen=True, slots=True)
class Output:
    """What a function gave to one of its bindings."""

    binding: Binding
    value: Datum


class _Out(func.Out[Any]):
    """The parameter of an output."""

    def __init__(self) -> None:
        self._value: Any = None

    @override
    def set(self, val: Any) -> None:
        self._value = val

    @override
    def get(self) -> Any:
        return self._value


async def invoke(
    function: Function, value: Datum, *, metadata: Mapping[str, Datum] | None = None, trace: TraceContext | None = None
) -> list[Output]:
    """Whatever the function raises, and TypeError for what it may not return."""
    arguments: dict[str, Any] = {function.trigger.name: _decoded(function, value, metadata or {})}
    outs = {binding.name: _Out() for binding in function.outputs if binding.name != RETURNED}
    arguments.update(outs)
    if takes_context(function):
        folder = str(Path(inspect.getfile(function.call)).parent)
        arguments[CONTEXT] = Context(function.name, folder, trace or new_trace())
    returned = await _called(function, arguments)
    if returned is not None and function.returns is None:
        raise TypeError(f"{function.name} returned a value, but has no {RETURNED} binding.")
    given = [(binding, outs[binding.name].get()) for binding in function.outputs if binding.name in outs]
    outputs = [Output(binding, _encoded(binding, each)) for binding, each in given if each is not None]
    return (
        outputs
        if function.returns is None
        else [*outputs, Output(function.returns, _encoded(function.returns, returned))]
    )


async def _called(function: Function, arguments: dict[str, Any]) -> Any:
    """A function that exits, or that is cancelled by its own doing, has failed: it does not end what called it."""
    try:
        if inspect.iscoroutinefunction(function.call):
            return await function.call(**arguments)
        return await asyncio.to_thread(_called_in_thread, function.call, arguments)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task and task.cancelling():
            raise
        raise RuntimeError(f"{function.name} was cancelled, by nobody but itself.") from None
    except SystemExit as error:
        raise RuntimeError(f"{function.name} asked for the exit of its process.") from error


def _called_in_thread(call: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    try:
        return call(**arguments)
    except StopIteration as error:  # which no future takes; before Python 3.12 the caller would wait for ever
        raise RuntimeError("The function raised StopIteration.") from error


def _decoded(function: Function, value: Datum, metadata: Mapping[str, Datum]) -> Any:
    if takes_bare_value(function):
        return value.value
    return function.trigger.converter.decode(value, trigger_metadata=metadata)


def _encoded(binding: Binding, value: Any) -> Datum:
    try:
        encoded: Datum = binding.converter.encode(value, expected_type=None)
    except NotImplementedError:
        raise TypeError(f"A {binding.kind} output does not take a {type(value).__name__}.") from None
    return encoded
