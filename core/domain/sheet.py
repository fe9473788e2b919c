"""Files of people, read as their bytes come in: one JSON document a line."""

import json
from collections.abc import Sequence

from core.domain.bulk_batch import ReadAs, Record
from core.domain.sheet_record import record_of, unreadable


class Sheet:
    def __init__(self, content_type: str = "", fields: Sequence[str] = ()) -> None:  # noqa: ARG002  # in the next step
        self.read_as = ReadAs(format="ndjson", encoding="utf-8")
        self.warnings: tuple[str, ...] = ()
        self._line = 0
        self._rest = b""

    def feed(self, block: bytes) -> list[Record]:
        *lines, self._rest = (self._rest + block).split(b"\n")
        return self._records(lines)

    def end(self) -> list[Record]:
        rest, self._rest = self._rest, b""
        return self._records([rest])

    def _records(self, lines: Sequence[bytes]) -> list[Record]:
        records: list[Record] = []
        for line in lines:
            self._line += 1
            if line.strip():
                records.append(_record(self._line, line))
        return records


def _record(number: int, line: bytes) -> Record:
    text = line.decode("utf-8", "replace")
    try:
        return record_of(number, json.loads(text), text)
    except (ValueError, RecursionError) as error:
        return unreadable(number, f"It is not valid JSON: {str(error)[:120]}.", text)
