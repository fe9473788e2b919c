"""One entry of a file as a record: the capture it holds, or why it holds none, with the entry itself."""

from core.domain.bulk_batch import Record
from core.domain.capture_body import Unreadable, capture_of_document

RAW_MOST = 32_000  # of an entry that cannot be read, kept to be mended


def record_of(line: int, document: object, raw: str) -> Record:
    capture = capture_of_document(document)
    if isinstance(capture, Unreadable):
        return unreadable(line, capture.reason, raw)
    if capture.is_empty:
        return unreadable(line, "It holds no field.", raw)
    return Record(line=line, capture=capture)


def unreadable(line: int, reason: str, raw: str) -> Record:
    """What nothing behind us can store is replaced."""
    return Record(line=line, error=reason, raw=raw[:RAW_MOST].encode("utf-8", "replace").decode())
