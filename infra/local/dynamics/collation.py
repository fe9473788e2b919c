"""How the server compares text: case, accents and trailing blanks do not count ([D] for case, [K] for the rest)."""

import unicodedata
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=50_000)
def folded(text: str) -> str:
    """Two texts are equal to the server when these are."""
    if text.isascii():
        return text.rstrip(" ").lower()
    decomposed = unicodedata.normalize("NFKD", text.rstrip(" "))
    return "".join(each for each in decomposed if not unicodedata.combining(each)).casefold()


def fold(value: Any) -> Any:
    """The same as SQLite calls it: what is no text stays."""
    return folded(value) if isinstance(value, str) else value
