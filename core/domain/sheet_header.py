"""The first row of a table: what each column means.

Names are compared in any case, with or without blanks and signs. First come the parts of a capture (`form.name`,
`q.12`), then what the connection's mappings call a field, then the contract's flat names (`activity_id`), then
Captello's standard fields and their usual names. Any other column is a field of that name; a row that holds none of
those names is no heading.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.domain.capture import Event
from core.domain.capture_body import FLAT_NAMES
from core.domain.prospect import field_name
from core.domain.sheet_cells import unprotected
from core.domain.standard_fields import FIELD_BY_NAME
from core.errors import InvalidInputError

FAILED = "failed."  # begins the columns that say why a row failed; they are passed over when it is sent again
COLUMNS_MOST = 1_000

_PARTS = ("form", "submission", "prospect")
_FIELDS = ("prospect", "fields")
_EVENTS = frozenset(Event)
_NAMED_MOST = 20
_ADDRESS = re.compile(r"[^@\s]+@[^@\s.]+\.[^@\s]+")
_NUMBERED = re.compile(r"(\d+): (.+)", re.DOTALL)

Path = tuple[str, ...]
ANSWER = "answer"


def plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


_FLAT: Mapping[str, Path] = {plain(name): path for name, path in FLAT_NAMES.items()}


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the cells of a row go, by position; `shown` maps headings to what they were taken for."""

    paths: tuple[Path | None, ...]
    shown: Mapping[str, str]
    warnings: tuple[str, ...]

    def document(self, cells: Sequence[str]) -> dict[str, object]:
        """The row as a capture in the nested form. An empty cell says nothing: it is no blank that could erase."""
        document: dict[str, object] = {"form": {}, "submission": {}, "prospect": {"fields": {}}, "answers": []}
        for path, cell in zip(self.paths, cells, strict=False):
            if path and cell.strip():
                _put(document, _by_content(path, cell), unprotected(cell))
        return document


def columns_of(heading: Sequence[str], mapped: Sequence[str] = ()) -> Columns:
    """Raises InvalidInputError where the row is no heading."""
    names = [unprotected(name).strip() for name in heading]
    if len(names) > COLUMNS_MOST:
        raise InvalidInputError(f"The first row has more than {COLUMNS_MOST} columns.", field="body")
    if not _is_heading(names, mapped):
        message = "The first row has to name the columns, such as FirstName, LastName, Email, Company."
        raise InvalidInputError(message, field="body")
    paths = _paths(names, mapped)
    shown = {name: _shown(path) for name, path in zip(names, paths, strict=True) if path and name}
    twice = [name for name, path in zip(names, paths, strict=True) if name and path is None and not _is_ours(name)]
    warnings = [f"The column {name!r} stands there twice; the first one counts." for name in twice]
    return Columns(tuple(paths), shown, (*warnings, *_unmapped(paths, mapped)))


def meaning(name: str) -> Path | None:
    """What a heading is taken for where no mapping says otherwise."""
    return next(iter(_meanings(name.strip(), ())), None)


def _paths(names: Sequence[str], mapped: Sequence[str]) -> list[Path | None]:
    """No two columns go to one place: who is called like it has it, and the other keeps its own name."""
    meanings = [_meanings(name, mapped) for name in names]
    paths: list[Path | None] = [None] * len(names)
    taken: set[Path] = set()
    for number in sorted(range(len(names)), key=lambda each: not _is_called_so(names[each], meanings[each])):
        paths[number] = next((path for path in meanings[number] if _place(path) not in taken), None)
        taken |= {_place(path) for path in [paths[number]] if path}
    return paths


def _place(path: Path) -> Path:
    return (*path[:-1], path[-1].lower())


def _is_called_so(name: str, meanings: Sequence[Path]) -> bool:
    return bool(meanings) and plain(meanings[0][-1]) == plain(name)


def _is_heading(names: Sequence[str], mapped: Sequence[str]) -> bool:
    """Nobody calls a column like an address; but what somebody sent as a field's name comes back under it."""
    if any(map(_is_ours, names)):
        return True
    return not any(map(_ADDRESS.fullmatch, names)) and any(_is_known(name, mapped) for name in names)


def _is_known(name: str, mapped: Sequence[str]) -> bool:
    """Whether it can be told from a cell: a first row of nothing but other words is somebody's data."""
    return len(_meanings(name, mapped)) > 1


def _unmapped(paths: Sequence[Path | None], mapped: Sequence[str]) -> list[str]:
    """What no mapping takes, in a sentence; nothing where no mappings are known."""
    taken = {field_name(field) for field in mapped}
    fields = [path[-1] for path in paths if path and path[:-1] == _FIELDS]
    names = [repr(field[:60]) for field in fields if field_name(field) not in taken]
    if not mapped or not names:
        return []
    told = ", ".join(names[:_NAMED_MOST]) + (", …" if names[_NAMED_MOST:] else "")
    return [f"No mapping takes {told}: kept with the person, and written to no column."]


def _is_ours(name: str) -> bool:
    return name.lower().startswith(FAILED)


def _meanings(name: str, mapped: Sequence[str]) -> list[Path]:
    """What the heading may mean, the likeliest first."""
    if not name or _is_ours(name):
        return []
    lower, short = name.lower(), plain(name)
    by_name = [(*_FIELDS, field) for field in mapped if field_name(field) == field_name(name)]
    by_sound = [(*_FIELDS, field) for field in mapped if plain(field) == short]
    dotted, flat = ([path] if path else [] for path in (_dotted(name, lower), _FLAT.get(short)))
    standard = [(*_FIELDS, FIELD_BY_NAME[short])] if short in FIELD_BY_NAME else []
    return [*dotted, *by_name, *flat, *by_sound, *standard, (*_FIELDS, name)]


def _dotted(name: str, lower: str) -> Path | None:
    if lower.startswith("q.") and len(name) > len("q."):
        both = _NUMBERED.fullmatch(name[2:])
        return (ANSWER, both[1], both[2]) if both else (ANSWER, name[2:])
    if lower.startswith("prospect.fields.") and name[16:]:
        return (*_FIELDS, name[16:])
    part, _, rest = name.partition(".")
    is_part = part.lower() in _PARTS and rest and rest.lower() != "fields"
    return (part.lower(), rest.lower() if rest.replace("_", "").isalpha() else rest) if is_part else None


def _shown(path: Path) -> str:
    match path:
        case ("prospect", "fields", field):
            return field
        case (part, name, *_) if part == ANSWER:
            return f"q.{name}"
        case _:
            return ".".join(path)


def _by_content(path: Path, cell: str) -> Path:
    """In a table, a column called Event says which trade show more often than what kind of delivery."""
    is_kind = path != ("event",) or cell.strip().lower() in _EVENTS
    return path if is_kind else ("form", "event")


def _put(document: dict[str, object], path: Path, text: str) -> None:
    if path[0] == ANSWER:
        answers = document["answers"]
        assert isinstance(answers, list)
        answers.append({"id": path[1], "title": path[2] if path[2:] else None, "value": text})
        return
    part = document
    for name in path[:-1]:
        inner = part[name]
        assert isinstance(inner, dict)
        part = inner
    part.setdefault(path[-1], text)
