"""A piece of SQL together with the values for its marks, so that the two never drift apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Sql:
    text: str
    values: tuple[Any, ...] = ()

    def wrapped(self, before: str, after: str) -> "Sql":
        return Sql(f"{before}{self.text}{after}", self.values)


def joined(separator: str, parts: Sequence[Sql]) -> Sql:
    """Each part in parentheses, except a leading `FROM … WHERE …`."""
    texts = [part.text if part.text.startswith("FROM ") else f"({part.text})" for part in parts]
    return Sql(separator.join(texts), tuple(value for part in parts for value in part.values))
