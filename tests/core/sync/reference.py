"""The product's rules once more, written to be obviously right instead of fast (product.md, sections 3, 4 and 6).

Duty: what one delivery after the other makes of plain lists and dicts of rows. Written from the product's text and
not from the engine: of `core` it uses nothing but the models that hold captures, actions and mappings. Everything a
person has said is kept and gone through each time; all texts are short, and every template joins its parts by blanks.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.domain.action import SyncAction
from core.domain.capture import Capture
from core.domain.mapping import MappingRow

Key = tuple[str, str]  # table, row id
Columns = dict[str, Any]
Wanted = tuple[str, str | None, str]  # column, text (None erases), policy

EMAILS = ("emailaddress1", "emailaddress2", "emailaddress3")
TABLES = {
    "leads": ["lead"],
    "contacts": ["contact"],
    "contacts_then_leads": ["contact", "lead"],
    "leads_then_contacts": ["lead", "contact"],
    "off": [],
}


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


@dataclass(frozen=True)
class Told:
    """What is told of a delivery: its outcome, and the row it went to."""

    outcome: str
    table: str = ""
    row_id: str = ""


@dataclass(frozen=True)
class Found:
    """The row that is the person; `by_name` when nothing but a name says so."""

    key: Key
    by_name: bool


@dataclass
class Organization:
    """One Dynamics environment, its mappings, and the people who were heard of. `clock` dates the rows.

    A row's company stands in its column `account` by name, a lead's source campaign in `campaign`.
    """

    mappings: Mapping[str, Sequence[MappingRow]]
    rows: dict[Key, Columns] = field(default_factory=dict)
    accounts: list[str] = field(default_factory=list)  # their names
    campaigns: set[str] = field(default_factory=set)
    lists: dict[str, str] = field(default_factory=dict)  # static lists, and the table of their members
    people: dict[tuple[str, ...], Person] = field(default_factory=dict)
    submissions: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    told: dict[str, Told] = field(default_factory=dict)
    new_ids: Mapping[str, str] = field(default_factory=dict)  # of the rows that deliveries make; else after their names
    clock: int = 0

    def deliver(self, name: str, capture: Capture, action: SyncAction, received_at: datetime) -> Told:
        """The same delivery, the same answer; a new one has its turn."""
        if name not in self.told:
            self.told[name] = self._turn(name, capture, action, received_at)
        return self.told[name]

    def _turn(self, name: str, capture: Capture, action: SyncAction, received_at: datetime) -> Told:
        if capture.event == "withdrawn":
            return Told("withdrawn")
        if capture.submission.hold_request_id and capture.event != "released":
            return Told("held")
        if not action.enabled:
            return Told("skipped")
        person = self.person(name, capture, action)
        said_at = min(capture.occurred_at or received_at, received_at)
        is_late = any(at > said_at for at, _ in person.heard)
        person.heard.append((said_at, _lowered(capture.prospect.fields)))
        return self._sync(Saying(person, capture, name, said_at), action, is_late=is_late)

    def person(self, name: str, capture: Capture, action: SyncAction) -> Person:
        """By Captello's id, else whose the submission was before, else the e-mail, else the submission; with match off
        every submission is somebody new.
        """
        identity = _identity(name, capture, action)
        if not capture.prospect.id and capture.submission.activity_id and action.match.tables != "off":
            submission = (capture.form.id or "", capture.submission.activity_id)
            identity = self.submissions.setdefault(submission, identity)
        return self.people.setdefault(identity, Person())

    def write(self, key: Key, columns: Columns) -> None:
        """Any change of a row dates it."""
        self.clock += 1
        self.rows[key] |= columns | {"modifiedon": f"2027 {self.clock:09}"}

    def beside(self) -> dict[str, list[Any]]:
        """Companies, notes with the row they are on, the rows that responded and those on lists."""
        people = self.people.values()
        return {
            "accounts": sorted(self.accounts),
            "notes": sorted((note.row[1], note.text) for person in people for note in person.notes.values()),
            "responses": sorted(row_id for person in people for _, row_id in person.responses.values()),
            "members": sorted({row_id for person in people for _, (_, row_id) in person.listed}),
        }

    # --- What is done -----------------------------------------------------------------------------------------------

    def _sync(self, saying: "Saying", action: SyncAction, *, is_late: bool) -> Told:
        emails = saying.emails(self.mappings)
        full_name = saying.full_name() if action.match.by == "email_or_name" else None
        found = self._found(saying.person, emails, full_name, action)
        if found is None:
            return self._not_found(saying, action, has_key=bool(emails or full_name))
        if found.key[0] not in self.mappings:
            return Told("failed")
        is_changed = action.on_match == "update" and self._update(saying, found, action, is_late=is_late)
        _link(saying.person, found.key, by_name=found.by_name)
        return Told("updated" if is_changed else "unchanged", *found.key)

    def _update(self, saying: "Saying", found: Found, action: SyncAction, *, is_late: bool) -> bool:
        """Whether anything was written. An address that finds no column goes to the note."""
        row, homeless = self._after(saying, found, is_late=is_late)
        self._fill_links(row, saying, found.key[0], action)
        before = self.rows[found.key]
        changes = {name: row[name] for name in row if (row[name] or "") != (before.get(name) or "")}
        if changes:
            self.write(found.key, changes)
        return self._add_beside(saying, found.key, action, homeless) or bool(changes)

    def _not_found(self, saying: "Saying", action: SyncAction, *, has_key: bool) -> Told:
        is_searched = action.match.tables != "off"
        if action.create == "none" or (is_searched and not has_key and action.match.without_key == "skip"):
            return Told("skipped")
        if action.create not in self.mappings:
            return Told("failed")
        key = (action.create, self.new_ids.get(saying.name, f"{saying.name}-1"))
        self.rows[key] = {"statecode": 0, "merged": False}
        row = {column: text for column, text, _ in self._wanted(saying, action.create) if text is not None}
        self._fill_links(row, saying, action.create, action)
        self.write(key, row)
        self.rows[key]["createdon"] = self.rows[key]["modifiedon"]
        self._add_beside(saying, key, action, [])
        _link(saying.person, key, by_name=False)
        return Told("created", *key)

    def _fill_links(self, row: Columns, saying: "Saying", table: str, action: SyncAction) -> None:
        """Company and source campaign, where the row has none yet. A company that is missing is made, where the action
        says so; of two with one name none is taken.
        """
        company = saying.company() if action.account and not row.get("account") else ""
        known = [name for name in self.accounts if _name(name) == _name(company)]
        if company and action.account and not known and action.account.on_missing == "create":
            self.accounts.append(company)
            known = [company]
        if company and len(known) == 1:
            row["account"] = _name(company)
        for rule in action.campaigns:
            if rule.added_as == "source" and table == "lead" and rule.name in self.campaigns:
                row["campaign"] = row.get("campaign") or rule.name

    def _add_beside(self, saying: "Saying", key: Key, action: SyncAction, homeless: list[str]) -> bool:
        """Note, responses, memberships, each once; whether there was anything new."""
        person, is_new = saying.person, action.note and self._note(saying, key, homeless)
        for rule in action.campaigns:
            if rule.added_as == "response" and rule.name in self.campaigns and rule.name not in person.responses:
                person.responses[rule.name] = key
                is_new = True
            is_member = (rule.name, key) in person.listed
            if rule.added_as == "list" and self.lists.get(rule.name) == key[0] and not is_member:
                person.listed.add((rule.name, key))
                is_new = True
        return is_new

    def _note(self, saying: "Saying", key: Key, homeless: list[str]) -> bool:
        """What no column took. An edit of the submission changes its note, an older one does not."""
        lines = [*saying.unasked_answers(self.mappings[key[0]]), *self._no_addresses(saying, key[0]), *homeless]
        text = "\n".join(lines)
        which = (*saying.submission(), key[0])
        before = saying.person.notes.get(which)
        if not text or (before and (before.said_at > saying.said_at or (before.text, before.row) == (text, key))):
            return False
        saying.person.notes[which] = Note(text, key, saying.said_at)
        return True

    def _wanted(self, saying: "Saying", table: str) -> list[Wanted]:
        """What the mapping gives, without what is no address in an e-mail column."""
        given = [wanted for row in self.mappings[table] for wanted in saying.wanted(row)]
        return [each for each in given if each[0] not in EMAILS or each[1] is None or address(each[1])]

    def _no_addresses(self, saying: "Saying", table: str) -> list[str]:
        """Lines for what was meant for an e-mail column and is no address."""
        rows = [row for row in self.mappings[table] if row.column in EMAILS]
        given = [(row.source or "constant", text) for row in rows for _, text, _ in saying.wanted(row)]
        return [f"{source}: {text}" for source, text in given if text is not None and not address(text)]

    def _after(self, saying: "Saying", found: Found, *, is_late: bool) -> tuple[Columns, list[str]]:
        """The row after this capture, open again where it was closed; and lines about addresses without a column."""
        row = dict(self.rows[found.key]) | {"statecode": 0}
        wanted = self._wanted(saying, found.key[0])
        for column, text, policy in wanted:
            if column not in EMAILS:
                row[column] = _after(row.get(column), text, policy, is_late=is_late)
        emails = [each for each in wanted if each[0] in EMAILS]
        return row, _put_emails(row, emails, by_name=found.by_name, is_late=is_late)

    # --- Which row it is --------------------------------------------------------------------------------------------

    def _found(
        self, person: Person, emails: set[str], full_name: tuple[str, str] | None, action: SyncAction
    ) -> Found | None:
        """The link, then e-mails through the tables in their order, only then names through the tables."""
        is_off = action.match.tables == "off"
        tables = [action.create] if is_off else TABLES[action.match.tables]
        for table in tables:
            key = (table, person.links.get(table, ""))
            linked = self._end(key, tables) or (key if self._can_open(key, action) else None)
            if linked:
                return Found(linked, by_name=table in person.linked_by_name)
        if is_off:
            return None
        for by_name in (False, True):
            hits = [
                key
                for key, row in self.rows.items()
                if (full_name is not None and _names(row) == full_name if by_name else emails & _addresses(row))
            ]
            active = [[end for key in hits if key[0] == table and (end := self._end(key, tables))] for table in tables]
            closed = [[key for key in hits if key[0] == table and self._can_open(key, action)] for table in tables]
            if candidates := next(filter(None, [*active, *closed]), None):
                return Found(self._best(candidates, action.on_duplicate), by_name)
        return None

    def _can_open(self, key: Key, action: SyncAction) -> bool:
        """A closed row is opened again where the action says so, but none that was merged or qualified."""
        row = self.rows.get(key, {"statecode": 0})
        is_over = row.get("merged") or (key[0] == "lead" and row["statecode"] == 1)
        return action.match.inactive == "reactivate" and row["statecode"] != 0 and not is_over

    def _end(self, key: Key, tables: Sequence[str]) -> Key | None:
        """Where a row leads: a merged one to its survivor, a qualified lead to its contact; None if that is closed."""
        seen = []
        while key in self.rows and key[0] in tables and key not in seen:
            seen.append(key)
            row = self.rows[key]
            if row.get("merged") and row.get("_masterid_value"):
                key = (key[0], row["_masterid_value"])
            elif key[0] == "lead" and row["statecode"] == 1 and row.get("_parentcontactid_value"):
                key = ("contact", row["_parentcontactid_value"])
            else:
                return key if row["statecode"] == 0 and not row.get("merged") else None
        return None

    def _best(self, keys: Sequence[Key], on_duplicate: str) -> Key:
        """By the date that the rule names; of equal dates the lowest id."""
        most_or_least, _, what = on_duplicate.split("_")
        column = {"created": "createdon", "updated": "modifiedon"}[what]
        dates = [self.rows[key][column] for key in keys]
        date = max(dates) if most_or_least == "most" else min(dates)
        return min(key for key in keys if self.rows[key][column] == date)


class Saying:
    """One capture of a person, with everything that was heard of them, this capture included."""

    def __init__(self, person: Person, capture: Capture, name: str, said_at: datetime) -> None:
        self.person = person
        self.name = name
        self.said_at = said_at
        self._capture = capture
        self._here = _lowered(capture.prospect.fields)
        for answer in capture.answers:
            self._here[f"q.{answer.id}"] = answer.value

    def wanted(self, row: MappingRow) -> Iterator[Wanted]:
        """What a row of the mapping asks for; nothing where nothing was said."""
        if row.source is None:
            yield row.column, text_of(row.constant), row.policy
            return
        value = self._value(row.source)
        default = None if row.default is None else text_of(row.default)
        is_taken_back = row.policy == "clear_if_blank" and all(map(self._ends_blank, _names_in(row.source)))
        if is_taken_back and all(map(self._is_blank_here, _names_in(row.source))):
            yield row.column, default, row.policy
        elif not is_taken_back and not is_missing(value):
            yield row.column, text_of(value), row.policy if self._is_said_here(row.source) else _filling(row.policy)
        elif default is not None:
            yield row.column, default, _filling(row.policy)

    def emails(self, mappings: Mapping[str, Sequence[MappingRow]]) -> set[str]:
        """`Email`, and whatever is mapped to an e-mail column."""
        sources = [row.source for rows in mappings.values() for row in rows if row.column in EMAILS and row.source]
        values = [self._value(source) for source in ("Email", *sources)]
        return {address(text_of(value)) for value in values if not is_missing(value)} - {""}

    def full_name(self) -> tuple[str, str] | None:
        """Both parts or none."""
        first, last = self._newest("firstname"), self._newest("lastname")
        return None if is_missing(first) or is_missing(last) else (_name(text_of(first)), _name(text_of(last)))

    def company(self) -> str:
        value = self._one("Company")
        return "" if is_missing(value) else text_of(value)

    def submission(self) -> tuple[str, ...]:
        """A delivery without an activity id is a submission of its own."""
        activity = self._capture.submission.activity_id
        return (self._capture.form.id or "", activity) if activity else ("", "", self.name)

    def unasked_answers(self, rows: Sequence[MappingRow]) -> list[str]:
        """A line for each answer that no column asks for."""
        asked = [name.lower() for row in rows if row.source for name in _names_in(row.source)]
        said = [answer for answer in self._capture.answers if not is_missing(answer.value)]
        return [f"{each.title or each.id}: {text_of(each.value)}" for each in said if f"q.{each.id}" not in asked]

    def _value(self, source: str) -> Any:
        values = [self._one(name) for name in _names_in(source)]
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
        return any(not is_missing(self._here.get(name.lower())) for name in _names_in(source))

    def _is_blank_here(self, name: str) -> bool:
        """A hidden question is not a blank."""
        return name.lower() in self._here and is_blank(self._here[name.lower()])


# --- Rows -------------------------------------------------------------------------------------------------------------


def _filling(policy: str) -> str:
    """What nobody says now only fills what is empty."""
    return "create_only" if policy == "create_only" else "fill_if_empty"


def _link(person: Person, key: Key, *, by_name: bool) -> None:
    table, row_id = key
    person.links[table] = row_id
    person.linked_by_name.discard(table)
    if by_name:
        person.linked_by_name.add(table)


def _after(before: str | None, text: str | None, policy: str, *, is_late: bool) -> str | None:
    """What a column holds afterwards. What comes late only fills blanks; appending takes nothing away."""
    if policy == "create_only":
        return before
    if text is None:
        return before if is_late else None
    if not before:
        return text
    if policy == "append":
        return before if text in before.split("\n") else f"{before}\n{text}"
    return before if is_late or policy == "fill_if_empty" else text


def _put_emails(row: Columns, wanted: Sequence[Wanted], *, by_name: bool, is_late: bool) -> list[str]:
    """An address that stands in one of the columns already goes to no other. A row that is known by name only, or is
    ahead of this capture, keeps its own: the other address goes to an empty column, if there is one, unless all it
    was to do was to fill a column that is empty. Answers with lines about those that found no column.
    """
    homeless = []
    keeps = by_name or is_late
    for _ in EMAILS:  # an address can make room for another
        for column, text, policy in wanted:
            is_kept = keeps and row.get(column)
            if not is_kept and (text is None or address(text) not in _addresses(row)):
                row[column] = _after(row.get(column), text, policy, is_late=is_late)
    for column, text, policy in wanted:
        is_moving = policy != "create_only" and (by_name or policy != "fill_if_empty")
        if not (keeps and is_moving) or text is None or address(text) in _addresses(row):
            continue
        if empty := [name for name in EMAILS if not row.get(name)]:
            row[empty[0]] = text
        else:
            homeless.append(f"{column}: {text}")
    return homeless


def _addresses(row: Columns) -> set[str]:
    return {address(row.get(column) or "") for column in EMAILS} - {""}


def _names(row: Columns) -> tuple[str, str]:
    return _name(row.get("firstname") or ""), _name(row.get("lastname") or "")


# --- Words ------------------------------------------------------------------------------------------------------------


def _identity(name: str, capture: Capture, action: SyncAction) -> tuple[str, ...]:
    email = _lowered(capture.prospect.fields).get("email")
    if capture.prospect.id and action.match.tables != "off":
        return "id", capture.prospect.id
    if isinstance(email, str) and "@" in email and action.match.tables != "off":
        return "email", email.strip().lower()
    if capture.submission.activity_id:
        return "submission", capture.form.id or "", capture.submission.activity_id
    return "delivery", name


def _lowered(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in fields.items()}


def _names_in(source: str) -> list[str]:
    return re.findall(r"{(.+?)}", source) or [source]


def _name(text: str) -> str:
    return text.strip().lower()


def address(text: str) -> str:
    """An address as it is compared; "" for what is none."""
    text = text.strip().lower()
    return text if re.fullmatch(r"[^@ ]+@[^@ ]+", text) else ""


def is_blank(value: Any) -> bool:
    """Nothing was said; zero and false say something."""
    return value is None or value == [] or (isinstance(value, str) and not value.strip())


def is_missing(value: Any) -> bool:
    """A blank, or what only stands where a value should."""
    placeholder = r"scanned|anonymous|{{.*}}|\[.*\]|%.*%"
    return is_blank(value) or (isinstance(value, str) and bool(re.fullmatch(placeholder, value.strip().lower())))


def text_of(value: Any) -> str:
    """A value as people write it."""
    if isinstance(value, list):
        return "; ".join(value)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value).strip()
