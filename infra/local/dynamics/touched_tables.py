"""Which tables a request is about, before anything of it is carried out: what rules of faults are matched with."""

import re
from collections.abc import Iterable
from typing import Final

from infra.local.dynamics.addresses import below_root
from infra.local.dynamics.exchange import Request
from infra.local.dynamics.schema import Schema

_PART_LINE: Final = re.compile(rb"^[A-Z]+ (\S+) HTTP/1\.[01]\r?$", re.MULTILINE)
_HOST: Final = re.compile(r"^https?://[^/]+")


def touched_tables(schema: Schema, request: Request) -> set[str]:
    """Set names and logical names; those of all its parts for a $batch."""
    names = {set_name(target) for target in _targets(request)}
    return names | {schema.sets[name].name for name in names if name in schema.sets}


def _targets(request: Request) -> Iterable[str]:
    if request.below_root != "$batch":
        return [request.target]
    return [line.decode("latin-1") for line in _PART_LINE.findall(request.body)]


def set_name(target: str) -> str:
    """The first segment of an address, also of one that a part of a $batch has: relative, or with its host."""
    path = _HOST.sub("", target).partition("?")[0]
    below = below_root(path)
    return re.split(r"[(/]", path.lstrip("/") if below is None else below)[0]
