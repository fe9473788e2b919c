"""How SQL Server compares texts: no case, no accents, no trailing blanks; and its LIKE.

Duty: `fold` (two texts are equal when their folds are) and `matches`. The database calls both.
"""

import functools
import re
import unicodedata


def fold(text: str | None) -> str | None:
    if text is None:
        return None
    return _folded(text).rstrip(" ")


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    # Twice: some letters are capitals only once decomposed.
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text.casefold()).casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def matches(text: str | None, pattern: str) -> bool | None:
    """`pattern` is T-SQL's: % any text, _ one character, [..] one of these, [^..] none of these."""
    if text is None:
        return None
    return _compiled(pattern).fullmatch(_folded(text)) is not None


@functools.lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = re.findall(r"%|_|\[\^?[^\]]*\]|.", _folded(pattern), re.DOTALL)
    return re.compile("".join(map(_regular, parts)), re.DOTALL)


def _regular(part: str) -> str:
    if part in {"%", "_"}:
        return ".*" if part == "%" else "."
    return _one_of(part) if len(part) > 1 else re.escape(part)


def _one_of(part: str) -> str:
    """`[..]` or `[^..]`; an empty set, or a range that runs backwards, holds no character."""
    negated = part.startswith("[^")
    ranges = re.findall(r"(.)-(.)|(.)", part[1:-1].removeprefix("^"), re.DOTALL)
    pairs = [(first or one, last or one) for first, last, one in ranges if (first or one) <= (last or one)]
    if not pairs:
        return "." if negated else "(?!)"
    members = "".join(f"{re.escape(first)}-{re.escape(last)}" for first, last in pairs)
    return f"[{'^' if negated else ''}{members}]"
