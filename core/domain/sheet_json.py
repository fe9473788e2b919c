"""Captures in JSON, as the text comes in: one document a line, an array, or an array under `prospects`.

A line that cannot be read costs itself. Within an array nobody can tell where the next capture begins, so reading ends
there, and says at which line and character. Documents may follow each other, so files can be joined.
"""

import json
import re
from collections.abc import Iterator
from typing import Literal

from core.domain.bulk_batch import Record
from core.domain.sheet_envelope import CAPTURES, KEY, envelope
from core.domain.sheet_lines import Line, SheetLines
from core.domain.sheet_record import record_of, unreadable

VALUE_MOST = 1024 * 1024  # characters of one value within an array or beside it
_SPACE = re.compile(r"\s*")
_decoder = json.JSONDecoder()


class JsonLines:
    """One document a line."""

    def __init__(self) -> None:
        self._lines = SheetLines()

    def feed(self, text: str) -> list[Record]:
        return [record for line in self._lines.feed(text) for record in _records(line)]

    def end(self) -> list[Record]:
        return [record for line in self._lines.end() for record in _records(line)]


def _records(line: Line) -> list[Record]:
    number, text = line
    if not text.strip():
        return []
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        return [unreadable(number, f"It is not valid JSON: {_said(error)}.", text)]
    return [record_of(number, each, text) for each in _captures(document)]


def _captures(document: object) -> list[object]:
    if isinstance(document, dict) and isinstance(document.get(CAPTURES), list):
        return list(document[CAPTURES])
    return document if isinstance(document, list) else [document]


def _said(error: Exception) -> str:
    place = f", at character {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
    return _fault(error) + place


def _fault(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return error.msg
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:100]


class JsonDocuments:
    """Documents over several lines: arrays of captures, alone or under `prospects`."""

    def __init__(self) -> None:
        self._text = ""
        self._at = 0
        self._line = 1
        self._column = 1
        self._within: Literal["top", "array", "object", "broken"] = "top"
        self._is_wrapped = False  # the array stands in an object
        self._is_end = False

    def feed(self, text: str) -> list[Record]:
        self._text, self._at = self._text[self._at :] + text, 0
        return list(self._read())

    def end(self) -> list[Record]:
        self._is_end = True
        return list(self._read())

    def _read(self) -> Iterator[Record]:
        while self._within != "broken" and self._on_to(_SPACE.match(self._text, self._at)):
            read = self._step()
            if read is None:  # more of the text is needed
                return
            yield from read
        if self._is_end and self._within in ("array", "object"):
            yield from self._broken("It ends in the middle", self._at)

    def _on_to(self, match: re.Match[str] | None) -> bool:
        """Behind the match; whether there is anything more."""
        if match:
            self._go(match.end())
        return self._at < len(self._text)

    def _go(self, at: int) -> None:
        self._line, self._column = self._place(at)
        self._at = at

    def _place(self, at: int) -> tuple[int, int]:
        """Line and character of what stands there."""
        line_end = self._text.rfind("\n", self._at, at)
        column = at - line_end if line_end >= 0 else self._column + at - self._at
        return self._line + self._text.count("\n", self._at, at), column

    def _step(self) -> list[Record] | None:
        sign = self._text[self._at]
        match self._within, sign:
            case "top", "[":
                return self._enter("array")
            case "top", "{":
                return self._object()
            case ("array", "]") | ("object", "}"):
                return self._leave()
            case (("array" | "object"), ","):
                self._go(self._at + 1)
                return []
            case "array", _:
                return self._value(is_capture=True)
            case "object", '"':
                return self._member()
            case _:
                return self._broken(f"{sign!r} is not expected there", self._at)

    def _enter(self, what: Literal["array", "object"]) -> list[Record]:
        self._within = what
        self._go(self._at + 1)
        return []

    def _leave(self) -> list[Record]:
        is_inner = self._within == "array" and self._is_wrapped
        self._within = "object" if is_inner else "top"
        self._is_wrapped = False
        self._go(self._at + 1)
        return []

    def _object(self) -> list[Record] | None:
        """A capture. One with captures in it, or of which no end is seen, is gone through member by member."""
        found = envelope(self._text, self._at).is_one
        is_endless = found is None and not self._is_end and not self._may_wait()
        return self._enter("object") if found or is_endless else self._value(is_capture=True)

    def _member(self) -> list[Record] | None:
        """One name of the object: the captures begin behind `prospects`; anything else is passed over."""
        key = KEY.match(self._text, self._at)
        if key is None or key.end() == len(self._text):
            return None if self._may_wait() else self._broken("A name and a colon are expected there", self._at)
        if key[1] == CAPTURES and self._text[key.end()] == "[":
            self._go(key.end())
            self._is_wrapped = True
            return self._enter("array")
        before = self._at, self._line, self._column
        self._go(key.end())
        read = self._value(is_capture=False)
        if read is None:
            self._at, self._line, self._column = before
        return read

    def _value(self, *, is_capture: bool) -> list[Record] | None:
        line, start = self._line, self._at
        try:
            value, end = _decoder.raw_decode(self._text, self._at)
        except (ValueError, RecursionError) as error:
            at = error.pos if isinstance(error, json.JSONDecodeError) else self._at
            return None if self._may_wait() else self._broken(_fault(error), at)
        if end == len(self._text) and not self._is_end and not isinstance(value, dict):
            return None  # a number may go on
        self._go(end)
        return [record_of(line, value, self._text[start:end])] if is_capture else []

    def _may_wait(self) -> bool:
        return not self._is_end and len(self._text) - self._at <= VALUE_MOST

    def _broken(self, what: str, at: int) -> list[Record]:
        (line, column), raw = self._place(at), self._text[self._at :]
        self._within, self._text, self._at = "broken", "", 0
        return [unreadable(line, f"From here on the JSON cannot be read: {what}, at character {column}.", raw)]
