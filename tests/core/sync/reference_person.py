"""A person, and what one capture says of them: with everything that was heard before, as a mapping asks for it.

All texts are short, and every template joins its parts by blanks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.domain.capture import Capture
from core.domain.mapping import MappingRow
from tests.core.sync.reference_columns import EMAILS, Key, Wanted
from tests.core.sync.reference_words import address, is_blank, is_missing, lowered, name_of, names_in, text_of


@dataclass
class Person:
    """Everything that was heard of a prospect, in the order of arrival, where the prospect went, and what was done
    beside: the notes of the person's submissions, the campaigns answered, the lists that a row was put on.
    """

    heard: list[tuple[datetime, dict[str, Any]]] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    linked_by_name: set[str] = field(default_factory=set)
    notes: dict[tuple[str, ...], "Note"] = field(default_factory=dict)  # by submission and table
    responses: dict[str, Key] = field(default_factory=dict)  # by campaign
    listed: set[tuple[str, Key]] = field(default_factory=set)


@dataclass(frozen=True)
class Note:
    """One for each submission on each row, as of when it was said."""

    text: str
    row: Key
    said_at: datetime


class Saying:
    """One capture of a person, with everything that was heard of them, this capture included."""

    def __init__(self, person: Person, capture: Capture, name: str, said_at: datetime) -> None:
        self.person = person
        self.name = name
        self.said_at = said_at
        self._capture = capture
        self._here = lowered(capture.prospect.fields)
        for answer in capture.answers:
            self._here[f"q.{answer.id}"] = answer.value

    def wanted(self, row: MappingRow) -> Iterator[Wanted]:
        """What a row of the mapping asks for; nothing where nothing was said."""
        if row.source is None:
            yield row.column, text_of(row.constant), row.policy
            return
        value = self._value(row.source)
        default = None if row.default is None else text_of(row.default)
        is_taken_back = row.policy == "clear_if_blank" and all(map(self._ends_blank, names_in(row.source)))
        if is_taken_back and all(map(self._is_blank_here, names_in(row.source))):
            yield row.column, default, row.policy
        elif not is_taken_back and not is_missing(value):
            yield (
                row.column,
                _short(text_of(value), row),
                row.policy if self._is_said_here(row.source) else _filling(row.policy),
            )
        elif default is not None:
            yield row.column, default, _filling(row.policy)

    def emails(self, mappings: Mapping[str, Sequence[MappingRow]]) -> set[str]:
        """`Email`, and whatever is mapped to an e-mail column of a person; a company's address is nobody's."""
        rows = [row for table in ("lead", "contact") for row in mappings.get(table, ())]
        sources = [row.source for row in rows if row.column in EMAILS and row.source]
        values = [self._value(source) for source in ("Email", *sources)]
        return {address(text_of(value)) for value in values if not is_missing(value)} - {""}

    def full_names(self, mappings: Mapping[str, Sequence[MappingRow]]) -> set[tuple[str, str]]:
        """As they are said, and as they are written; both parts or none."""
        first, last = self._newest("firstname"), self._newest("lastname")
        if is_missing(first) or is_missing(last):
            return set()
        rows = [row for table in ("lead", "contact") for row in mappings.get(table, ()) if row.column == "firstname"]
        said, family = text_of(first), name_of(text_of(last))
        return {(name_of(each), family) for each in (said, *(_short(said, row) for row in rows))}

    def company(self) -> str:
        value = self._one("Company")
        return "" if is_missing(value) else text_of(value)

    def submission(self) -> tuple[str, ...]:
        """A delivery without an activity id is a submission of its own."""
        activity = self._capture.submission.activity_id
        return (self._capture.form.id or "", activity) if activity else ("", "", self.name)

    def unasked_answers(self, rows: Sequence[MappingRow]) -> list[str]:
        """A line for each answer that no column asks for."""
        asked = [name.lower() for row in rows if row.source for name in names_in(row.source)]
        said = [answer for answer in self._capture.answers if not is_missing(answer.value)]
        return [f"{each.title or each.id}: {text_of(each.value)}" for each in said if f"q.{each.id}" not in asked]

    def _value(self, source: str) -> Any:
        values = [self._one(name) for name in names_in(source)]
        said = [text_of(value) for value in values if not is_missing(value)]
        return " ".join(said) if source.startswith("{") else values[0]

    def _one(self, name: str) -> Any:
        newest = self._newest(name.lower())
        return self._here.get(name.lower()) if newest is None else newest

    def _newest(self, name: str) -> Any:
        """What was said last of a field; of the same moment, what came in last. What is missing is no word."""
        said = [(at, fields[name]) for at, fields in self.person.heard if name in fields]
        values = [(at, value) for at, value in said if not is_missing(value)]
        last = max((at for at, _ in values), default=None)
        return [value for at, value in values if at == last][-1] if values else None

    def _ends_blank(self, name: str) -> bool:
        """Whether a blank is the last word; a value of the very same moment stands."""
        said = [(at, fields[name.lower()]) for at, fields in self.person.heard if name.lower() in fields]
        if not said:
            return is_blank(self._here.get(name.lower()))
        blanks = [at for at, value in said if is_blank(value)]
        return bool(blanks) and all(max(blanks) > at for at, value in said if not is_missing(value))

    def _is_said_here(self, source: str) -> bool:
        """Whether this capture says a part of it; what was said before is known, and Dynamics may know better."""
        return any(not is_missing(self._here.get(name.lower())) for name in names_in(source))

    def _is_blank_here(self, name: str) -> bool:
        """A hidden question is not a blank."""
        return name.lower() in self._here and is_blank(self._here[name.lower()])


def _short(text: str, row: MappingRow) -> str:
    """The one transform of these stories."""
    return text.split(maxsplit=1)[0] if row.transform else text


def _filling(policy: str) -> str:
    """What nobody says now only fills what is empty."""
    return "create_only" if policy == "create_only" else "fill_if_empty"
