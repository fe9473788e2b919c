"""What bulk actions need of the outside world, beside `ports`. Adapters fit these by shape."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from core.domain.bulk_batch import Batch, Chunk, Source
from core.domain.prospect import Prospect
from core.sync.ports import Change, EntityT, Versioned


@dataclass(frozen=True, slots=True)
class Whole:
    """A batch with all its parts."""

    batch: Versioned[Batch]
    sources: Sequence[Versioned[Source]]
    chunks: Sequence[Versioned[Chunk]]
    alive: Mapping[str, datetime]  # by `alive_key`


@dataclass(frozen=True, slots=True)
class BlobFacts:
    version: str
    size: int
    content_type: str


class Batches(Protocol):
    async def enlist(self, batch: Batch) -> None:
        """Among all batches, and among those that are open; before the batch itself is stored."""
        ...

    async def close(self, batch_id: str) -> None: ...

    async def read(self, batch_id: str, key: str, kind: type[EntityT]) -> Versioned[EntityT] | None: ...

    async def commit(self, batch_id: str, changes: Sequence[Change]) -> tuple[str, ...] | None: ...

    async def whole(self, batch_id: str) -> Whole | None: ...

    async def open_ids(self) -> dict[str, datetime]:
        """With when each was asked for."""
        ...


class Contents(Protocol):
    async def save(self, name: str, content: bytes) -> None: ...

    async def facts(self, name: str) -> BlobFacts | None: ...

    def stream(self, name: str, *, version: str = "") -> AsyncIterator[bytes]: ...

    async def sizes(self, prefix: str) -> dict[str, int]: ...


class BulkQueue(Protocol):
    async def send(self, message: Mapping[str, Any], *, after: float = 0.0) -> None:
        """To be read after so many seconds."""
        ...


class Stored(Protocol):
    """The prospects that are here already."""

    async def some(self, organization: str, *, most: int, after: str) -> list[tuple[str, Prospect]]:
        """The next ones by name, with their names."""
        ...


class BatchLog(Protocol):
    async def outcomes(
        self, connection: str, batch: str, *, since: datetime, until: datetime
    ) -> tuple[Counter[str], set[str]]:
        """How many rows of the batch, received in that time, ended how; and which deliveries they are of."""
        ...
