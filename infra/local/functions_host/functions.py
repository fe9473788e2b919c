"""The app's functions, as its decorators describe them.

Duty: say what the Functions host needs to know of one function. Finding them is `index`'s, calling them `invocation`'s.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from azure.functions import meta

HTTP, QUEUE, TIMER = "httpTrigger", "queueTrigger", "timerTrigger"
RETURNED = "$return"
_ALL_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT")


@dataclass(frozen=True, slots=True)
class Binding:
    """A trigger or an output: its kind, the parameter it fills, and what the decorator says besides."""

    kind: str
    name: str
    settings: Mapping[str, Any]

    def text(self, setting: str) -> str:
        """An enumeration's member counts as its value."""
        value = self.settings.get(setting)
        return "" if value is None else str(getattr(value, "value", value))

    @property
    def queue_name(self) -> str:
        """The host takes capital letters, which no queue's name has, for small ones."""
        return self.text("queueName").lower()

    @property
    def converter(self) -> Any:
        """What `azure.functions` turns values of this kind with."""
        return meta.get_binding_registry().get(self.kind)  # type: ignore[no-untyped-call]  # the library's own


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    call: Callable[..., Any]
    trigger: Binding
    outputs: tuple[Binding, ...]

    @property
    def route(self) -> str:
        return (self.trigger.text("route") or self.name).strip("/")

    @property
    def methods(self) -> tuple[str, ...]:
        given = self.trigger.settings.get("methods") or _ALL_METHODS
        return tuple(str(getattr(method, "value", method)).upper() for method in given)

    @property
    def auth_level(self) -> str:
        return (self.trigger.text("authLevel") or "function").lower()

    @property
    def returns(self) -> Binding | None:
        """What the returned value goes to."""
        return next((output for output in self.outputs if output.name == RETURNED), None)
