"""The time as an environment sees it; tests set it, stop it and move it."""

from datetime import UTC, datetime, timedelta


class Clock:
    def __init__(self) -> None:
        self._offset = timedelta()
        self._stopped_at: datetime | None = None
        self._step = timedelta()

    def now(self) -> datetime:
        return self._stopped_at or datetime.now(UTC) + self._offset

    def next(self) -> datetime:
        """The time of the next write: later than the last one's by the ordered step."""
        self.advance(self._step)
        return self.now()

    def step(self, by: timedelta) -> None:
        """From now on, writes lie at least this far apart: rows keep no more than seconds."""
        self._step = by

    def set(self, moment: datetime, *, stopped: bool) -> None:
        self._offset = moment - datetime.now(UTC)
        self._stopped_at = moment if stopped else None

    def advance(self, by: timedelta) -> None:
        self._offset += by
        if self._stopped_at is not None:
            self._stopped_at += by

    def reset(self) -> None:
        self._offset = timedelta()
        self._stopped_at = None
        self._step = timedelta()
