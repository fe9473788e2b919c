"""What a worker runs: a generator of requests, which ends with what its worker does next."""

from collections.abc import Generator
from enum import Enum, auto
from typing import Any, Protocol, TypeVar

from tests.protocol.safeguards import Without
from tests.protocol.world import Request

T = TypeVar("T")
Steps = Generator[Request, Any, T]


class Ending(Enum):
    DONE = auto()
    AGAIN = auto()  # from nothing but what is stored


class Task(Protocol):
    """Something a worker does. All it remembers is in its fields and in the replies it got."""

    def steps(self, without: Without) -> "Steps[Ending | Task]": ...


Next = Ending | Task
