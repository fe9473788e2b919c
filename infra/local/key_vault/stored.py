"""What a vault holds, and the file it may be kept in.

Duty: the shape of secrets and their versions, and saving them whole. What may happen to them, `vault` knows.
"""

import uuid
from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import BaseModel, Field


class Version(BaseModel):
    id: str = Field(default_factory=lambda: uuid.uuid4().hex)
    value: str = Field(repr=False)
    content_type: str | None = None
    tags: dict[str, str] | None = None
    enabled: bool = True
    not_before: int | None = None
    expires: int | None = None
    created: int
    updated: int


class State(StrEnum):
    LIVE = "live"
    DELETED = "deleted"
    PURGED = "purged"


class Secret(BaseModel):
    name: str
    versions: list[Version]
    """Oldest first; the last one is current."""
    state: State = State.LIVE
    deleted: int = 0
    settles: float = 0.0
    """Until then the latest change of state is still going on."""

    @property
    def current(self) -> Version:
        return self.versions[-1]


class Contents(BaseModel):
    secrets: dict[str, Secret] = {}
    """By name in small letters: names of secrets know no case."""

    @classmethod
    def load(cls, file: Path | None) -> Self:
        if file is None or not file.exists():
            return cls()
        return cls.model_validate_json(file.read_bytes())

    def save(self, file: Path) -> None:
        """All or nothing: whoever kills us in the middle finds the former file."""
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_name(f"{file.name}.new")
        new.touch(mode=0o600)
        new.write_text(self.model_dump_json(indent=1), encoding="utf-8")
        new.replace(file)
