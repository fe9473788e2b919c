"""The time as an environment sees it; tests set it, stop it and move it."""

from datetime import UTC, datetime, timedelta


class Clock:
    def __init__(self) -> None:
        self._offset = timedelta()
        self._stopped_at: datetime | None = None

    def now(self) -> datetime:
        return self._stopped_at or datetime.now(UTC) + self._offset

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
