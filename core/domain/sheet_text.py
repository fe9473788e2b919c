"""The bytes of a file as text, whatever program wrote it: UTF-8 with or without a mark, UTF-16, Windows' code page.

Without a mark or a declared charset, each line that is not UTF-8 is taken for Windows-1252, as with single captures.
"""

import codecs
import re

from core.errors import InvalidInputError

_SAMPLE = 512  # bytes that tell the encoding
_UNBROKEN_MOST = 64 * 1024  # of a line without an end, before it is read on
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_NO_TEXT = {
    b"PK\x03\x04": "This is a workbook or a zip archive. In Excel, save it as CSV UTF-8.",
    b"\xd0\xcf\x11\xe0": "This is an old Excel workbook. Save it as CSV UTF-8.",
    b"\x1f\x8b": "This is packed with gzip. Send it unpacked.",
    b"%PDF": "This is a PDF document. Send a table as CSV, or JSON.",
}
# The charsets that a sender may declare: those of text files.
_DECLARED = re.compile(
    r"utf-?(8|16|32)([-_]?[lb]e)?|us-ascii|ascii|latin-?1|iso-?8859-\d{1,2}|windows-125\d|cp\d{3,4}|mac-?roman|macintosh"
    r"|shift[-_]?jis|euc-(jp|kr)|gb(k|2312|18030)|big5|koi8-[ru]"
)
_WHOLE_LINES = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


class SheetText:
    def __init__(self, charset: str = "") -> None:
        """Raises InvalidInputError for a charset that is none of text files."""
        self._charset = _usable(charset)
        self._decoder: codecs.IncrementalDecoder | None = None
        self._rest = b""
        self._is_begun = False
        self.encoding = ""
        self.has_other_lines = False  # some were not UTF-8

    def feed(self, block: bytes) -> str:
        """Raises InvalidInputError for what is no text."""
        self._rest += block
        return _unmarked(self._decoded(is_end=False)) if self._begin(is_end=False) else ""

    def end(self) -> str:
        self._begin(is_end=True)
        return _unmarked(self._decoded(is_end=True))

    def _begin(self, *, is_end: bool) -> bool:
        if self._is_begun:
            return True
        if len(self._rest) < _SAMPLE and not is_end:
            return False
        for mark, advice in _NO_TEXT.items():
            if self._rest.startswith(mark):
                raise InvalidInputError(advice, field="body", status=415)
        mark = next((mark for mark in _MARKS if self._rest.startswith(mark)), b"")
        self._rest = self._rest[len(mark) :]
        self.encoding = _MARKS.get(mark) or self._charset or _guessed(self._rest[:_SAMPLE])
        if self.encoding != "utf-8":
            self._decoder = codecs.getincrementaldecoder(self.encoding)("replace")
        self._is_begun = True
        return True

    def _decoded(self, *, is_end: bool) -> str:
        if self._decoder:
            text = self._decoder.decode(self._rest, is_end)
            self._rest = b""
            return text
        cut = len(self._rest) if is_end else self._cut()
        piece, self._rest = self._rest[:cut], self._rest[cut:]
        return self._by_lines(piece)

    def _cut(self) -> int:
        """Up to the end of the last line; within a long one, up to the end of a character."""
        cut = max(self._rest.rfind(b"\n"), self._rest.rfind(b"\r")) + 1
        if cut or len(self._rest) < _UNBROKEN_MOST:
            return cut
        tail = next((size for size in (1, 2, 3) if self._rest[-size] >= 0xC0), 0)  # noqa: PLR2004  # begins a character
        return len(self._rest) - tail

    def _by_lines(self, piece: bytes) -> str:
        try:
            return piece.decode()
        except UnicodeDecodeError:
            return "".join(self._line(line) for line in _WHOLE_LINES.findall(piece))

    def _line(self, line: bytes) -> str:
        try:
            return line.decode()
        except UnicodeDecodeError:
            self.has_other_lines = True
            return line.decode("cp1252", "replace")


def _unmarked(text: str) -> str:
    """Files that were joined have marks within."""
    return text.replace("\ufeff", "")


def _usable(charset: str) -> str:
    name = charset.strip().strip("\"'").lower()
    if not name:
        return ""
    if _DECLARED.fullmatch(name):
        try:
            return codecs.lookup(name).name
        except LookupError:
            pass
    message = f"The charset {charset[:40]!r} is not known here: send UTF-8."
    raise InvalidInputError(message, field="content-type", status=415)


def _guessed(sample: bytes) -> str:
    """UTF-16 without a mark shows by its zeros, one in every letter."""
    pairs = len(sample) // 2
    if pairs and sample[1::2].count(0) > pairs * 0.4 and sample[::2].count(0) < pairs * 0.1:
        return "utf-16-le"
    if pairs and sample[::2].count(0) > pairs * 0.4 and sample[1::2].count(0) < pairs * 0.1:
        return "utf-16-be"
    return "utf-8"
