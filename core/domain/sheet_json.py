"""Captures in JSON, as the text comes in: one document a line, an array, or an array under `prospects`.

A line that cannot be read costs itself. Within an array nobody can tell where the next capture begins, so reading ends
there, and says at which line. Documents may follow each other, so files can be joined.
"""

import json
import re
from collections.abc import Iterator
from typing import Literal

from core.domain.bulk_batch import Record
from core.domain.sheet_lines import Line, SheetLines
from core.domain.sheet_record import record_of, unreadable

VALUE_MOST = 1024 * 1024  # characters of one value within an array or beside it
_KEY = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:\s*')
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
    if isinstance(document, dict) and isinstance(document.get("prospects"), list):
        return list(document["prospects"])
    return document if isinstance(document, list) else [document]


def _said(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg}, at character {error.colno}"
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:100]


class JsonDocuments:
    """Documents over several lines: arrays of captures, alone or under `prospects`."""

    def __init__(self) -> None:
        self._text = ""
        self._at = 0
        self._line = 1
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
            yield from self._broken("It ends in the middle")

    def _on_to(self, match: re.Match[str] | None) -> bool:
        """Behind the match; whether there is anything more."""
        if match:
            self._go(match.end())
        return self._at < len(self._text)

    def _go(self, at: int) -> None:
        self._line += self._text.count("\n", self._at, at)
        self._at = at

    def _step(self) -> list[Record] | None:
        sign = self._text[self._at]
        match self._within, sign:
            case "top", "[":
                return self._enter("array")
            case "top", "{":
                return self._whole_object()
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
                return self._broken(f"{sign!r} is not expected there")

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

    def _whole_object(self) -> list[Record] | None:
        """A capture, or a small object with captures in it; one that is larger is gone through member by member."""
        line, start = self._line, self._at
        try:
            document, end = _decoder.raw_decode(self._text, self._at)
        except (ValueError, RecursionError) as error:
            if not self._is_end and len(self._text) - self._at <= VALUE_MOST:
                return None
            return self._broken(_said(error)) if self._is_end else self._enter("object")
        self._go(end)
        return [record_of(line, each, self._text[start:end]) for each in _captures(document)]

    def _member(self) -> list[Record] | None:
        """One name of the object: the captures begin behind `prospects`; anything else is passed over."""
        key = _KEY.match(self._text, self._at)
        if key is None or key.end() == len(self._text):
            return None if self._may_wait() else self._broken("A name and a colon are expected there")
        if key[1] == "prospects" and self._text[key.end()] == "[":
            self._go(key.end())
            self._is_wrapped = True
            return self._enter("array")
        at, line = self._at, self._line
        self._go(key.end())
        read = self._value(is_capture=False)
        if read is None:
            self._at, self._line = at, line
        return read

    def _value(self, *, is_capture: bool) -> list[Record] | None:
        line, start = self._line, self._at
        try:
            value, end = _decoder.raw_decode(self._text, self._at)
        except (ValueError, RecursionError) as error:
            return None if self._may_wait() else self._broken(_said(error))
        if end == len(self._text) and not self._is_end and not isinstance(value, dict):
            return None  # a number may go on
        self._go(end)
        return [record_of(line, value, self._text[start:end])] if is_capture else []

    def _may_wait(self) -> bool:
        return not self._is_end and len(self._text) - self._at <= VALUE_MOST

    def _broken(self, what: str) -> list[Record]:
        line, raw = self._line, self._text[self._at :]
        self._within, self._text, self._at = "broken", "", 0
        return [unreadable(line, f"From here on the JSON cannot be read: {what}.", raw)]
