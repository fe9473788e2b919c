"""ETags of configuration: two editors never overwrite each other without being told.

An ETag holds a mark for each setting, so whoever comes late is told which ones somebody else has changed since. What
exists is changed on condition only: `If-Match` with the ETag that was read, or `*` by whoever means to overwrite
whatever stands there. https://www.rfc-editor.org/rfc/rfc9110#section-13.1 · https://www.rfc-editor.org/rfc/rfc6585
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header

from core.domain.capture import digest
from core.errors import InvalidInputError

_MARK = 4  # characters; the first part of an ETag compares the whole
_ETAG = re.compile(r'"(?P<whole>[0-9a-f]{16})-(?P<marks>[0-9a-f]*)"')

Settings = Mapping[str, Any]


def etag_of(settings: Settings) -> str:
    marks = "".join(digest(_text(settings[name]))[:_MARK] for name in sorted(settings))
    return f'"{digest(_text(settings))[:16]}-{marks}"'


def changed_since(etag: str, settings: Settings) -> list[str]:
    """Which settings are other ones than when this ETag was given."""
    found, now = _ETAG.fullmatch(etag), _ETAG.fullmatch(etag_of(settings))
    if not found or not now or len(found["marks"]) != len(now["marks"]):
        return []
    pairs = zip(_marks(found["marks"]), _marks(now["marks"]), sorted(settings), strict=True)
    return [name for then, is_, name in pairs if then != is_]


def _marks(text: str) -> list[str]:
    return [text[start : start + _MARK] for start in range(0, len(text), _MARK)]


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


@dataclass(frozen=True, slots=True)
class Precondition:
    """What the request says of what is stored."""

    if_match: Sequence[str]
    if_none_match: Sequence[str]

    @property
    def overwrites(self) -> bool:
        return "*" in self.if_match

    def check(self, what: str, current: Settings | None, wanted: Settings | None) -> None:
        """Raises InvalidInputError where it does not hold. `wanted` is None where it cannot be compared."""
        if current is None:
            if self.if_match:
                raise _failed(f"There is no {what}, so nothing of it can be changed.")
            return
        etag = etag_of(current)
        if "*" in self.if_none_match or etag in self.if_none_match:
            raise _failed(f"There is a {what} already. To change it, send `If-Match: {etag}`.", "If-None-Match")
        if self.if_match and not self.overwrites and etag not in self.if_match:
            raise _failed(_late(self.if_match[0], what, current))
        if not self.if_match and current != wanted:
            raise _required(what, etag, [] if wanted is None else _differing(current, wanted))


Repeats = Annotated[
    str | None,
    Header(
        alias="idempotency-key",
        max_length=200,
        description="With one, sending the same again is answered as the first time (201), not refused as taken (409).",
    ),
]


def check_free(what: str, current: Settings | None, wanted: Settings | None, key: str | None) -> None:
    """Raises InvalidInputError where the id is taken; but for the same again, by whoever said that he may repeat it."""
    if current is None or (key and current == wanted):
        return
    whats = "" if wanted is None else f" It differs in {', '.join(_differing(current, wanted)) or 'nothing'}."
    advice = "change it with PUT, choose another id, or send an Idempotency-Key to be able to repeat yourself"
    raise InvalidInputError(f"There is a {what} already.{whats} Here: {advice}.", field="id", status=409)


def _differing(current: Settings, wanted: Settings) -> list[str]:
    return sorted(name for name in current.keys() | wanted.keys() if current.get(name) != wanted.get(name))


def _late(said: str, what: str, current: Settings) -> str:
    """What is no ETag of ours has not been overtaken by anybody: it is a mistake, and told as one."""
    etag = etag_of(current)
    if _ETAG.fullmatch(said):
        return _told(what, changed_since(said, current), etag)
    weak = "A weak ETag (W/…) does not do" if said.startswith("W/") else "This is no ETag that was answered here"
    return f"{weak}: {said[:80]}. Nothing was saved. As the {what} stands now: `If-Match: {etag}`."


def _told(what: str, changed: list[str], etag: str) -> str:
    whats = f" ({', '.join(changed)})" if changed else ""
    return (
        f"Somebody else has changed the {what} since you read it{whats}. Nothing was saved: read it again, and send "
        f"your change with `If-Match: {etag}`."
    )


def _failed(message: str, header: str = "If-Match") -> InvalidInputError:
    return InvalidInputError(message, field=header, status=412)


def _required(what: str, etag: str, differing: list[str]) -> InvalidInputError:
    whats = f" It would change {', '.join(differing)}." if differing else ""
    message = (
        f"There is a {what} already.{whats} Send `If-Match: {etag}` to change it as it stands now, or `If-Match: *` to "
        "overwrite whatever stands there."
    )
    return InvalidInputError(message, field="If-Match", status=428)


def _precondition(
    if_match: Annotated[
        str | None, Header(max_length=1000, description="The ETag of what you read; `*` overwrites whatever is there.")
    ] = None,
    if_none_match: Annotated[
        str | None, Header(max_length=1000, description="`*`: only where there is none yet.")
    ] = None,
) -> Precondition:
    return Precondition(_listed(if_match), _listed(if_none_match))


def _listed(header: str | None) -> list[str]:
    return [each for part in (header or "").split(",") if (each := part.strip())]


Conditional = Annotated[Precondition, Depends(_precondition)]
