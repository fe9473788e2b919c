"""A bulk action as it is stored: the batch, the sources it is read from, and the chunks that these are split into.

A source says where people come from: uploaded content, a blob, prospects that are here already. Reading it once gives
chunks of normalised records; from then on a chunk is the unit of work, and can be done again without harm.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.domain.capture import Capture, digest
from core.domain.criteria import Criteria
from core.domain.delivery import Trigger

CHUNK_RECORDS = 500
CHUNK_BYTES = 4 * 1024 * 1024
BATCH_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$"

BatchId = Annotated[str, Field(pattern=BATCH_PATTERN)]
SourceKind = Literal["content", "prospects", "filter"]


class _Entity(BaseModel):
    model_config = ConfigDict(frozen=True)


class Batch(_Entity):
    id: str
    action: str
    connection: str
    organization: str  # whose prospects are meant, and where the deliveries stand
    trigger: Trigger = "bulk"
    asked_at: datetime
    asked_by: str = ""
    told: str  # a digest of what was asked: the same again is the same batch
    next_at: datetime  # when the first line of the next source counts as received
    cancelled_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def key(self) -> str:
        return BATCH_KEY


class ReadAs(_Entity):
    """What was made of a file: shown, so that a wrong guess is seen."""

    format: str = ""
    encoding: str = ""
    delimiter: str = ""
    columns: dict[str, str] = Field(default_factory=dict)


class Source(_Entity):
    """`key` is empty for what the batch was begun with, else the id of the message that added it."""

    key: str = ""
    kind: SourceKind
    blobs: tuple[str, ...] = ()  # read one after the other, as one stream
    version: str = ""  # the ETag of a blob of somebody else's when reading began: it may not change meanwhile
    content_type: str = ""
    criteria: Criteria | None = None
    received_at: datetime  # of its first record; each later one counts as a microsecond later
    records: int = 0
    chunks: int = 0
    position: str = ""  # up to where prospects have been gone through
    is_split: bool = False
    refused: str = ""  # why reading it ended
    read_as: ReadAs = ReadAs()
    warnings: tuple[str, ...] = ()
    sent_at: datetime  # when a message was last sent for it
    sent: int = 1

    @property
    def entity_key(self) -> str:
        return source_key(self.key)


class Chunk(_Entity):
    """`waiting` until all its deliveries are durable, `over` once each of them has its row in the log."""

    source: str
    number: int
    received_at: datetime
    records: int
    unreadable: int = 0
    may_repeat: bool = False  # its sender gave ids of his own, so some may have been delivered before
    state: Literal["waiting", "taken", "over"] = "waiting"
    outcomes: dict[str, int] = Field(default_factory=dict)  # of its rows in the log, when they were last counted
    repeats: int = 0  # answered by a delivery that came in before
    not_taken: int = 0  # the batch was cancelled first
    counted_at: datetime | None = None
    moved_at: datetime | None = None  # when it last came any further
    sent_at: datetime  # when a message was last sent for it
    sent: int = 1

    @property
    def key(self) -> str:
        return chunk_key(self.source, self.number)

    @property
    def finished(self) -> int:
        return sum(self.outcomes.values()) + self.repeats + self.not_taken

    @property
    def last_received_at(self) -> datetime:
        return self.received_at + timedelta(microseconds=max(self.records - 1, 0))


class Alive(_Entity):
    """Somebody was at work on a source or chunk then. It saves doing the same beside him, and promises nothing."""

    at: datetime


class Record(_Entity):
    """One line as it was read: a capture, or why there is none, with the line itself."""

    line: int
    capture: Capture | None = None
    error: str = ""
    raw: str = ""


def with_identity(record: Record, batch: str, source: str, number: int) -> Record:
    """Who gave no id of his own gets one that follows from batch and place: a chunk taken twice is delivered once,
    and an upload made again is a new one. The place counts records: several of them may stand on one line.
    """
    capture = record.capture or Capture()
    if capture.delivery_id and not record.error:
        return record
    name = ":".join(filter(None, (batch, source, str(number))))
    return record.model_copy(update={"capture": capture.model_copy(update={"delivery_id": name})})


def told_of(*parts: str) -> str:
    return digest(*parts)


def moved_at(batch: Batch, sources: Iterable[Source], chunks: Iterable[Chunk]) -> datetime:
    """When the batch last came any further: something was added to it, read, taken in or finished."""
    moves = [each.moved_at for each in chunks]
    return max([batch.asked_at, *(each.received_at for each in sources), *filter(None, moves)])


BATCH_KEY = "batch"


def source_key(key: str) -> str:
    return f"source|{key}"


def chunk_key(source: str, number: int) -> str:
    return f"chunk|{source}|{number:06d}"


def alive_key(key: str) -> str:
    return f"alive|{key}"


def chunk_blob(batch: str, chunk: Chunk) -> str:
    return f"batches/{batch}/chunks/{chunk.source or 'own'}/{chunk.number:06d}.ndjson"


def total(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    """All of them together."""
    every: dict[str, int] = {}
    for count in counts:
        for name, number in count.items():
            every[name] = every.get(name, 0) + number
    return every
