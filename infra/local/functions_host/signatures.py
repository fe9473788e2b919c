"""What Microsoft's worker refuses in a function's signature: parameters without bindings, annotations that do not fit.

The converters of `azure.functions` say which types they take; `str` and `bytes` are taken everywhere but from HTTP.
"""

import inspect
import types
import typing
from collections.abc import Iterator
from typing import Any

import azure.functions as func

from infra.local.functions_host.functions import HTTP, RETURNED, Binding, Function

CONTEXT = "context"
_BARE = (str, bytes)


def takes_context(function: Function) -> bool:
    return CONTEXT in inspect.signature(function.call).parameters and CONTEXT not in _bound(function)


def takes_bare_value(function: Function) -> bool:
    """Whether it asks for text or bytes rather than for the library's object."""
    return typing.get_type_hints(function.call).get(function.trigger.name) in _BARE


def signature_problems(function: Function) -> Iterator[str]:
    parameters = set(inspect.signature(function.call).parameters)
    if takes_context(function):
        parameters.discard(CONTEXT)
    bound = _bound(function)
    if unbound := parameters - bound.keys():
        yield f"no binding fills {', '.join(sorted(unbound))}."
    if absent := bound.keys() - parameters:
        yield f"it has no parameter for {', '.join(sorted(absent))}."
    yield from _annotation_problems(function, bound)


def _bound(function: Function) -> dict[str, Binding]:
    bindings = (function.trigger, *function.outputs)
    return {binding.name: binding for binding in bindings if binding.name != RETURNED}


def _annotation_problems(function: Function, bound: dict[str, Binding]) -> Iterator[str]:
    try:
        annotations = typing.get_type_hints(function.call)
    except (NameError, TypeError) as error:
        yield f"its annotations cannot be read: {error}"
        return
    for name, binding in bound.items():
        annotation = annotations.get(name)
        if annotation is None:
            continue
        fits = _fits_trigger if binding is function.trigger else _fits_output
        if not fits(binding, annotation):
            yield f"the annotation of {name} does not fit its {binding.kind}: {annotation}."


def _fits_trigger(trigger: Binding, annotation: Any) -> bool:
    if annotation in _BARE:
        return trigger.kind != HTTP
    return isinstance(annotation, type) and bool(trigger.converter.check_input_type_annotation(annotation))


def _fits_output(output: Binding, annotation: Any) -> bool:
    """`Out[typing.List[str]]` fits, `Out[list[str]]` does not: the worker takes it for no type at all."""
    if typing.get_origin(annotation) is not func.Out:
        return False
    (value,) = typing.get_args(annotation)
    if isinstance(value, types.GenericAlias | types.UnionType):
        return False
    return bool(output.converter.check_output_type_annotation(value))
