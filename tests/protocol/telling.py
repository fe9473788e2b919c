"""A counterexample in words."""

from collections.abc import Iterator
from typing import Any

from tests.protocol.dynamics import Find, Write
from tests.protocol.explorer import Explorer, Step
from tests.protocol.storage import Read, Transact


def told(explorer: Explorer, way: list[Step]) -> str:
    """Step by step, then what stands in the end and what would have been allowed."""
    seen, allowed, held = explorer.ending(way[-1].after)
    lines = [f"  {step.who:10} {_request(step.request):90} -> {_reply(step.reply)}" for step in way]
    lines += [f"  in the end {seen}", f"  still held {held}"]
    return "\n".join([explorer.scenario.name, *lines, *(f"  allowed    {each}" for each in sorted(allowed, key=repr))])


def _request(request: Any) -> str:
    match request:
        case Read(keys):
            return f"read {' '.join(keys)}"
        case Transact(why, changes):
            return f"{why}: {' '.join(change.key for change in changes)}"
        case Find(searches, notes):
            return f"find {' '.join(_search(search) for search in searches)} {' '.join(notes)}"
        case Write(parts):
            return "write " + ", ".join(_part(part) for part in parts)
        case _:
            return repr(request)


def _search(search: Any) -> str:
    return f"{search.table}({','.join(filter(None, (*search.ids, *search.emails, search.name)))})"


def _part(part: Any) -> str:
    fields = (f"{name}={value}" for name, value in part._asdict().items() if name in ("id", "etag", "changes"))
    return f"{type(part).__name__}({' '.join(fields)})"


def _reply(reply: Any) -> str:
    return " ".join(_words(reply)) if isinstance(reply, tuple) else str(reply)


def _words(reply: tuple[Any, ...]) -> Iterator[str]:
    for each in reply:
        match each:
            case (int(etag), fields):
                yield f"{etag}{' claimed' if getattr(fields, 'claimed_by', '') else ''}"
            case tuple():
                yield "[" + " ".join(str(name) for name, _ in each) + "]"
