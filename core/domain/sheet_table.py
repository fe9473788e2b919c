"""A table of people, as its text comes in: the first row names the columns, each other row is a capture."""

import re
from collections import Counter
from collections.abc import Sequence

from core.domain.bulk_batch import Record
from core.domain.sheet_header import Columns, columns_of
from core.domain.sheet_lines import Line, SheetLines
from core.domain.sheet_record import record_of, unreadable
from core.domain.sheet_rows import SheetRow, SheetRows

_DELIMITERS = ",;\t|"
_QUOTED = re.compile(r'"(?:[^"]|"")*"?')
_TOLD = re.compile(r"sep=(.)[\r\n]*", re.IGNORECASE)  # Excel's own way of telling it


class Table:
    def __init__(self, mapped: Sequence[str] = ()) -> None:
        self._mapped = mapped
        self._lines = SheetLines()
        self._rows: SheetRows | None = None
        self._heading: tuple[str, ...] = ()
        self._columns: Columns | None = None
        self.delimiter = ""

    @property
    def shown(self) -> dict[str, str]:
        return dict(self._columns.shown) if self._columns else {}

    @property
    def warnings(self) -> tuple[str, ...]:
        return self._columns.warnings if self._columns else ()

    def feed(self, text: str) -> list[Record]:
        """Raises InvalidInputError where the first row is no heading."""
        return self._of_lines(self._lines.feed(text))

    def end(self) -> list[Record]:
        records = self._of_lines(self._lines.end())
        return records + (self._of_rows(self._rows.end()) if self._rows else [])

    def _of_lines(self, lines: list[Line]) -> list[Record]:
        while lines and self._rows is None:
            self._begin(lines[0][1])
            if self._rows is None:
                lines = lines[1:]
        return self._of_rows(self._rows.feed(lines)) if self._rows else []

    def _begin(self, line: str) -> None:
        """With the first line that is not empty; one that only tells the delimiter is passed over."""
        if told := _TOLD.fullmatch(line):
            self.delimiter = told[1]
        elif line.strip():
            self.delimiter = self.delimiter or _delimiter(line)
            self._rows = SheetRows(self.delimiter)

    def _of_rows(self, rows: Sequence[SheetRow]) -> list[Record]:
        records: list[Record] = []
        for row in rows:
            if self._columns is None:
                self._heading, self._columns = row.cells, columns_of(row.cells, self._mapped)
            elif row.error or (any(map(str.strip, row.cells)) and row.cells != self._heading):
                records.append(self._record(row, self._columns))
        return records

    def _record(self, row: SheetRow, columns: Columns) -> Record:
        if row.error:
            return unreadable(row.line, row.error, row.raw)
        if any(map(str.strip, row.cells[len(columns.paths) :])):
            told = f"It holds {len(row.cells)} values, but the first row names {len(columns.paths)} columns."
            return unreadable(row.line, f"{told} Put values that hold {_NAMES[self.delimiter]} in quotes.", row.raw)
        return record_of(row.line, columns.document(row.cells), row.raw)


def rows_of(text: str) -> list[SheetRow]:
    """The rows of a table that is here as a whole, with its heading; empty ones are left out."""
    lines = SheetLines()
    read = [*lines.feed(text), *lines.end()]
    filled = [line for line in read if line[1].strip()]
    told = _TOLD.fullmatch(filled[0][1]) if filled else None
    filled = filled[1:] if told else filled
    if not filled:
        return []
    rows = SheetRows(told[1] if told else _delimiter(filled[0][1]))
    return [*rows.feed(filled), *rows.end()]


_NAMES = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}


def _delimiter(heading: str) -> str:
    """Whichever stands most often between the names; a table of one column has none."""
    counted = Counter(_QUOTED.sub("", heading))
    return max(_DELIMITERS, key=lambda sign: counted[sign])
