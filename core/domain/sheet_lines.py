"""Text as lines with their numbers, each with its end as it was written: a line feed, a return, or both."""

import re

LINE_MOST = 1024 * 1024  # characters

_LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)")

Line = tuple[int, str]


class SheetLines:
    def __init__(self, first: int = 1) -> None:
        self._next = first
        self._rest = ""

    def feed(self, text: str) -> list[Line]:
        """A return at the very end waits for what follows it. A line beyond all measure is cut into several."""
        self._rest += text
        whole = self._rest.removesuffix("\r")
        end = max(whole.rfind("\n"), whole.rfind("\r")) + 1
        lines = _LINES.findall(whole[:end])
        self._rest = self._rest[end:]
        if len(self._rest) > LINE_MOST:
            lines.append(self._rest)
            self._rest = ""
        return self._numbered(lines)

    def end(self) -> list[Line]:
        rest, self._rest = self._rest, ""
        return self._numbered([rest] if rest else [])

    def _numbered(self, lines: list[str]) -> list[Line]:
        first = self._next
        self._next += len(lines)
        return list(zip(range(first, self._next), lines, strict=True))
