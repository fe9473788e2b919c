"""Captures go before bulk work: whether any is under way in this process. Somebody stands at the booth and waits."""

import contextlib
from collections.abc import Iterator


class Precedence:
    def __init__(self) -> None:
        self._under_way = 0

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """By a capture, while the block lasts."""
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    @property
    def is_taken(self) -> bool:
        return self._under_way > 0
