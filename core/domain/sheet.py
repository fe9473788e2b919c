"""Files of people, read as their bytes come in, whatever they are: JSON, a document a line, or a table.

Whatever is sent becomes records, each a capture or the reason why not; only what is no such file at all is refused.
Memory holds a block and the entry that it ends in.
"""

import json
import re
from collections.abc import Sequence
from typing import Literal

from core.domain.bulk_batch import ReadAs, Record
from core.domain.sheet_envelope import CAPTURES, envelope
from core.domain.sheet_json import VALUE_MOST, JsonDocuments, JsonLines
from core.domain.sheet_table import Table
from core.domain.sheet_text import SheetText

Format = Literal["", "csv", "json", "ndjson"]

_CHARSET = re.compile(r";\s*charset=([^;]+)", re.IGNORECASE)


class Sheet:
    def __init__(self, content_type: str = "", mapped: Sequence[str] = ()) -> None:
        """`mapped`: what mappings call the fields. Raises InvalidInputError for a charset that is not known."""
        self._text = _text(content_type)
        self._is_ndjson = any(name in content_type.lower() for name in ("ndjson", "jsonl", "json-seq"))
        self._mapped = mapped
        self._reader: Table | JsonLines | JsonDocuments | None = None
        self._held = ""

    def feed(self, block: bytes) -> list[Record]:
        """Raises InvalidInputError for what is no such file."""
        return self._fed(self._text.feed(block), is_end=False)

    def end(self) -> list[Record]:
        records = self._fed(self._text.end(), is_end=True)
        return records + (self._reader.end() if self._reader else [])

    @property
    def read_as(self) -> ReadAs:
        encoding = self._text.encoding
        match self._reader:
            case Table():
                table = self._reader
                return ReadAs(format="csv", encoding=encoding, delimiter=table.delimiter, columns=table.shown)
            case JsonLines():
                return ReadAs(format="ndjson", encoding=encoding)
            case JsonDocuments():
                return ReadAs(format="json", encoding=encoding)
            case None:
                return ReadAs(encoding=encoding)

    @property
    def warnings(self) -> tuple[str, ...]:
        warnings = self._reader.warnings if isinstance(self._reader, Table) else ()
        if self._text.has_other_lines:
            return (*warnings, "Some lines are not UTF-8. They were read as Windows-1252.")
        return warnings

    def _fed(self, text: str, *, is_end: bool) -> list[Record]:
        if self._reader is None:
            self._held += text
            self._reader = self._chosen(is_end=is_end)
            text, self._held = (self._held, "") if self._reader else ("", self._held)
        return self._reader.feed(text) if self._reader else []

    def _chosen(self, *, is_end: bool) -> Table | JsonLines | JsonDocuments | None:
        """None: it cannot be told yet."""
        begins = self._held.lstrip("\ufeff \t\r\n")
        if not begins:
            return None
        if self._is_ndjson:  # whatever its first line is: that one may be what cannot be read
            return JsonLines()
        if begins[0] not in "{[":
            return Table(self._mapped)
        line, end, _ = begins.partition("\n")
        if not end and not is_end and len(begins) <= VALUE_MOST:
            return None
        return JsonLines() if _is_one_document(line.strip()) else JsonDocuments()


def text_of(content: bytes, content_type: str = "") -> str:
    """All of a file, as it is read. Raises InvalidInputError for what is no text."""
    text = _text(content_type)
    return text.feed(content) + text.end()


def _text(content_type: str) -> SheetText:
    charset = _CHARSET.search(content_type)
    return SheetText(charset[1] if charset else "")


def _is_one_document(line: str) -> bool:
    """Whether every line is one; a first line that cannot be read, but looks like one, counts."""
    if len(line) > VALUE_MOST:
        return False
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return line.startswith("{") and line.endswith("}") and not envelope(line).is_one
    return isinstance(document, dict) and CAPTURES not in document
