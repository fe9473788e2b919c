"""What was tried for a delivery: each attempt, and each call that it made. Holds nothing of the person."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

ATTEMPTS_MOST = 10
CALLS_MOST = 40


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Call(_Part):
    """One request to Dynamics. What stands behind a `?`, and keys that are no ids, are left out of the path."""

    method: str
    path: str
    status: int = 0  # 0: no answer came
    code: str = ""
    request_id: str = ""
    ms: int = 0
    parts: tuple[str, ...] = ()  # of a batch, each with its status

    @property
    def is_refused(self) -> bool:
        """Whether Dynamics refused it, or a part of it."""
        return bool(self.code) or any(part.rpartition(" ")[2][:1] in ("4", "5") for part in self.parts)


class Attempt(_Part):
    """One attempt at a delivery; `happened` is for people."""

    at: datetime
    happened: str
    words: str = ""  # Dynamics' own, masked
    code: str = ""
    request_id: str = ""
    calls: tuple[Call, ...] = ()


class Trail(_Part):
    """What a drill-down shows beside the row of the log."""

    explain: dict[str, Any] = {}
    attempts: tuple[Attempt, ...] = ()


def with_attempt(attempts: tuple[Attempt, ...], attempt: Attempt) -> tuple[Attempt, ...]:
    """The first one, which tells how it began, and the last ones."""
    every = (*attempts, attempt)
    return every if len(every) <= ATTEMPTS_MOST else (every[0], *every[-(ATTEMPTS_MOST - 1) :])
