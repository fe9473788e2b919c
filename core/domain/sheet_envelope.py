"""The object that may stand around an array of captures: `{"action": "booth", "prospects": [...]}`."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

CAPTURES = "prospects"
KEY = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:\s*')

_MEMBER = re.compile(r"[{,]\s*" + KEY.pattern)
_SPACE = re.compile(r"\s*")
_decoder = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Envelope:
    """`members` stand before the captures. `is_one` None: the text ends or breaks before that can be told."""

    is_one: bool | None
    members: Mapping[str, object] = field(default_factory=dict)


def envelope(text: str, at: int = 0) -> Envelope:
    """Of the object that begins there, however little of it has come."""
    members: dict[str, object] = {}
    while member := _MEMBER.match(text, at):
        if member[1] == CAPTURES and text.startswith("[", member.end()):
            return Envelope(is_one=True, members=members)
        try:
            members[member[1]], end = _decoder.raw_decode(text, member.end())
        except (ValueError, RecursionError):
            return Envelope(is_one=None, members=members)
        at = _behind_space(text, end)
    return Envelope(is_one=False if text.startswith("}", at) else None, members=members)


def _behind_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at
