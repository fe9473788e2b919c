"""Lines of a CSV file as rows of cells: quoted cells may hold delimiters, quotes and line ends.

A quotation mark that is never closed costs its own line, not the rest of the file: what it would have swallowed is
read again without it.
"""

import csv
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from core.domain.sheet_lines import Line

ROW_MOST = 256 * 1024  # characters, as much as a capture may have
REREAD_MOST = 20  # unclosed marks in one file after which what they swallow is given up

_UNCLOSED = "A quotation mark in this line is never closed."


@dataclass(frozen=True, slots=True)
class SheetRow:
    line: int
    cells: tuple[str, ...] = ()
    error: str = ""
    raw: str = ""


class SheetRows:
    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        self._open: list[Line] = []
        self._size = 0
        self._rereads = 0

    def feed(self, lines: Iterable[Line]) -> list[SheetRow]:
        rows: list[SheetRow] = []
        waiting = deque(lines)
        while waiting:
            line = waiting.popleft()
            is_open = _leaves_open(line[1], self._delimiter, is_open=bool(self._open))
            self._open.append(line)
            self._size += len(line[1])
            if not is_open:
                rows.append(self._row(self._taken()))
            elif self._size > ROW_MOST:
                rows.append(self._given_up(waiting))
        return rows

    def end(self) -> list[SheetRow]:
        rows: list[SheetRow] = []
        while self._open:
            waiting: deque[Line] = deque()
            rows.append(self._given_up(waiting))
            rows += self.feed(waiting)
        return rows

    def _taken(self) -> list[Line]:
        lines, self._open, self._size = self._open, [], 0
        return lines

    def _given_up(self, waiting: deque[Line]) -> SheetRow:
        """The first of the open lines fails; the others are read again, as long as that does not go on for ever."""
        lines = self._taken()
        self._rereads += 1
        if self._rereads <= REREAD_MOST:
            waiting.extendleft(reversed(lines[1:]))
            return SheetRow(lines[0][0], error=_UNCLOSED, raw=lines[0][1])
        reason = f"{_UNCLOSED} The lines up to {lines[-1][0]} are lost with it."
        return SheetRow(lines[0][0], error=reason, raw="".join(text for _, text in lines))

    def _row(self, lines: list[Line]) -> SheetRow:
        number, text = lines[0][0], "".join(text for _, text in lines)
        if len(text) > ROW_MOST:
            return SheetRow(number, error=f"It is longer than {ROW_MOST // 1024} KiB.", raw=text)
        try:
            cells = next(csv.reader([text], delimiter=self._delimiter), [])
        except csv.Error as error:
            return SheetRow(number, error=f"It is not valid CSV: {error}.", raw=text)
        return SheetRow(number, tuple(cells), raw=text)


def _leaves_open(text: str, delimiter: str, *, is_open: bool) -> bool:
    """Whether a quoted cell goes on in the next line. A quotation mark within an unquoted cell is a character."""
    if '"' not in text:
        return is_open
    at = 0
    while True:
        if not is_open and text.startswith('"', at):
            at, is_open = at + 1, True
        if is_open:
            at = _closed(text, at)
            if at < 0:
                return True
        at = text.find(delimiter, at) + 1
        if not at:
            return False
        is_open = False


def _closed(text: str, at: int) -> int:
    """Behind the quotation mark that closes the cell; a doubled one is a character. -1: there is none."""
    while (quote := text.find('"', at)) >= 0:
        if not text.startswith('"', quote + 1):
            return quote + 1
        at = quote + 2
    return -1
