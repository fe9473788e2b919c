"""Every request that was served, for tests and people: what was asked, by whom, and how it was answered."""

import contextlib
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from infra.local.dynamics.touched_tables import set_name

_KEPT: Final = 100_000


@dataclass(slots=True)
class Part:
    """One operation of a $batch."""

    method: str
    path: str
    status: int


@dataclass(slots=True)
class Entry:
    """Never holds a token or a body."""

    method: str
    path: str
    user: str | None = None
    status: int = 0
    milliseconds: float = 0.0
    held_back_ms: float = 0.0
    """So much of them was ordered."""
    fault: str | None = None
    refused: str | None = None
    """The service protection limit that it met."""
    affinity: bool = False
    """It brought back the cookie that ties a client to one server."""
    beside: list[str] = field(default_factory=list)
    """The paths of what the same user had in flight already when it was let in."""
    parts: list[Part] = field(default_factory=list)
    number: int = 0
    """Its place since the last reset, from 1 on."""


class RequestLog:
    """The newest 100,000; the counters count all."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self._counters: Counter[str] = Counter()
        self._operations: Counter[tuple[str, str]] = Counter()
        self._in_flight: list[Entry] = []

    @contextlib.contextmanager
    def in_flight(self, entry: Entry) -> Iterator[None]:
        """While the block lasts the request is carried out."""
        entry.beside = [each.path for each in self._in_flight if each.user == entry.user]
        self._in_flight.append(entry)
        try:
            yield
        finally:
            self._in_flight = [each for each in self._in_flight if each is not entry]

    def add(self, entry: Entry, *, rows_read: int, rows_written: int) -> None:
        entry.number = self._counters["requests"] + 1
        self._entries.append(entry)
        self._counters.update(
            requests=1, operations=len(entry.parts) or 1, rows_read=rows_read, rows_written=rows_written
        )
        self._counters[f"status_{entry.status}"] += 1
        self._operations.update((set_name(part.path), part.method) for part in entry.parts or (entry,))

    def entries(self, *, since: int = 0) -> list[dict[str, Any]]:
        """Those after the one with the number `since`."""
        return [asdict(entry) for entry in self._entries if entry.number > since]

    def counters(self) -> dict[str, int]:
        return dict(self._counters)

    def operations(self) -> dict[str, dict[str, int]]:
        """How often each method was used on each set (or function), parts of a $batch for themselves."""
        totals: dict[str, dict[str, int]] = {}
        for (name, method), count in sorted(self._operations.items()):
            totals.setdefault(name, {})[method] = count
        return totals

    def reset(self) -> None:
        self._entries.clear()
        self._counters.clear()
        self._operations.clear()
