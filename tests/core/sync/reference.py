"""The product's rules once more, written to be obviously right instead of fast (product.md, sections 3, 4 and 6).

Duty: what one delivery after the other makes of plain lists and dicts of rows. Written from the product's text and
not from the engine: of `core` it uses nothing but the models that hold captures, actions and mappings. Everything a
person has said is kept and gone through each time; all texts are short, and every template joins its parts by blanks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.domain.action import SyncAction
from core.domain.capture import Capture
from core.domain.mapping import MappingRow
from tests.core.sync.reference_columns import (
    EMAILS,
    Columns,
    Key,
    Wanted,
    addresses_in,
    content_after,
    full_name_in,
    put_emails,
)
from tests.core.sync.reference_person import Note, Person, Saying
from tests.core.sync.reference_submissions import Delivered, Submissions, Told
from tests.core.sync.reference_words import address, lowered, name_of

TABLES = {
    "leads": ["lead"],
    "contacts": ["contact"],
    "contacts_then_leads": ["contact", "lead"],
    "leads_then_contacts": ["lead", "contact"],
    "off": [],
}


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
    aliases: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)  # whose a submission was before
    submissions: Submissions = field(default_factory=Submissions)
    new_ids: Mapping[str, str] = field(default_factory=dict)  # of the rows that deliveries make; else after their names
    clock: int = 0

    def deliver(self, name: str, capture: Capture, action: SyncAction, received_at: datetime) -> Told:
        """The same delivery, the same answer; a new one has its turn, and whatever it ends is ended."""
        self.receive(name, capture, action, received_at)
        for each in self.waiting():
            self.carry_out(each)
        return self.told(name)

    def receive(self, name: str, capture: Capture, action: SyncAction, received_at: datetime) -> None:
        self.submissions.receive(Delivered(name, capture, action, received_at))

    def waiting(self) -> list[str]:
        """Deliveries that have not been carried out."""
        return [each.name for each in self.submissions.delivered.values() if each.told is None]

    def carry_out(self, name: str) -> None:
        delivered = self.submissions.delivered[name]
        delivered.told = self._turn(delivered)

    def told(self, name: str) -> Told:
        told = self.submissions.delivered[self.submissions.answered_by[name]].told
        assert told is not None
        return told

    def _turn(self, delivered: Delivered) -> Told:
        if delivered.is_withdrawal or delivered.ending:
            return Told(delivered.ending or "withdrawn")
        if delivered.is_held:
            return Told("held")
        capture, action = delivered.capture, delivered.action
        if not action.enabled:
            return Told("skipped")
        if action.filter.all and not self._is_for(delivered):
            return Told("skipped")
        person = self._person(delivered)
        is_late = any(at > delivered.said_at for at, _ in person.heard)
        person.heard.append((delivered.said_at, lowered(capture.prospect.fields)))
        return self._sync(Saying(person, capture, delivered.name, delivered.said_at), action, is_late=is_late)

    def _is_for(self, delivered: Delivered) -> bool:
        """The one filter of these stories: a part of the company's name. Who is left out is not remembered."""
        known = self.people.get(self._identity(delivered), Person())
        heard = [*known.heard, (delivered.said_at, lowered(delivered.capture.prospect.fields))]
        saying = Saying(Person(heard), delivered.capture, delivered.name, delivered.said_at)
        return str(delivered.action.filter.all[0].contains) in name_of(saying.company())

    def _person(self, delivered: Delivered) -> Person:
        """Whose the submission was before, also under another action, unless Captello's id says who it is."""
        identity = self._identity(delivered)
        if alias := _alias(delivered):
            self.aliases[alias] = identity
        return self.people.setdefault(identity, Person())

    def _identity(self, delivered: Delivered) -> tuple[str, ...]:
        alias = _alias(delivered)
        return self.aliases.get(alias, delivered.identity) if alias else delivered.identity

    def links(self, name: str) -> dict[str, str]:
        """The rows that the person of a delivery is known to be, by table."""
        return self.people.get(self._identity(self.submissions.delivered[name]), Person()).links

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

    def _sync(self, saying: Saying, action: SyncAction, *, is_late: bool) -> Told:
        emails = saying.emails(self.mappings)
        full_names = saying.full_names(self.mappings) if action.match.by == "email_or_name" else set()
        found = self._found(saying.person, emails, full_names, action)
        if found is None:
            return self._not_found(saying, action, has_key=bool(emails or full_names))
        if action.on_match == "update" and found.key[0] not in self.mappings:
            return Told("failed")
        is_changed = action.on_match == "update" and self._update(saying, found, action, is_late=is_late)
        _link(saying.person, found.key, by_name=found.by_name)
        return Told("updated" if is_changed else "unchanged", *found.key)

    def _update(self, saying: Saying, found: Found, action: SyncAction, *, is_late: bool) -> bool:
        """Whether anything was written. An address that finds no column goes to the note."""
        row, homeless = self._after(saying, found, is_late=is_late)
        homeless = [*self._fill_links(row, saying, found.key[0], action), *homeless]
        before = self.rows[found.key]
        changes = {name: row[name] for name in row if (row[name] or "") != (before.get(name) or "")}
        if changes:
            self.write(found.key, changes)
        return self._add_beside(saying, found.key, action, homeless) or bool(changes)

    def _not_found(self, saying: Saying, action: SyncAction, *, has_key: bool) -> Told:
        is_searched = action.match.tables != "off"
        if action.create == "none" or (is_searched and not has_key and action.match.without_key == "skip"):
            return Told("skipped")
        if action.create not in self.mappings:
            return Told("failed")
        key = (action.create, self.new_ids.get(saying.name, f"{saying.name}-1"))
        self.rows[key] = {"statecode": 0, "merged": False}
        row = {column: text for column, text, _ in self._wanted(saying, action.create) if text is not None}
        homeless = self._fill_links(row, saying, action.create, action)
        self.write(key, row)
        self.rows[key]["createdon"] = self.rows[key]["modifiedon"]
        self._add_beside(saying, key, action, homeless)
        _link(saying.person, key, by_name=False)
        return Told("created", *key)

    def _fill_links(self, row: Columns, saying: Saying, table: str, action: SyncAction) -> list[str]:
        """Company and source campaign, where the row has none yet. A company that is missing is made, where the action
        says so; of two with one name none is taken. Lines about what a new company did not take.
        """
        homeless: list[str] = []
        company = saying.company() if action.account and not row.get("account") else ""
        known = [name for name in self.accounts if name_of(name) == name_of(company)]
        if company and action.account and not known and action.account.on_missing == "create":
            self.accounts.append(company)
            known, homeless = [company], self._no_addresses(saying, "account")
        if company and len(known) == 1:
            row["account"] = name_of(company)
        for rule in action.campaigns:
            if rule.added_as == "source" and table == "lead" and rule.name in self.campaigns:
                row["campaign"] = row.get("campaign") or rule.name
        return homeless

    def _add_beside(self, saying: Saying, key: Key, action: SyncAction, homeless: list[str]) -> bool:
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

    def _note(self, saying: Saying, key: Key, homeless: list[str]) -> bool:
        """What no column took. An edit of the submission changes its note, an older one does not; one that says the
        same is its last word all the same.
        """
        lines = [*saying.unasked_answers(self.mappings[key[0]]), *self._no_addresses(saying, key[0]), *homeless]
        text = "\n".join(lines)
        which = (*saying.submission(), key[0])
        before = saying.person.notes.get(which)
        if not text or (before and before.said_at > saying.said_at):
            return False
        saying.person.notes[which] = Note(text, key, saying.said_at)
        return before is None or (before.text, before.row) != (text, key)

    def _wanted(self, saying: Saying, table: str) -> list[Wanted]:
        """What the mapping gives, without what is no address in an e-mail column."""
        given = [wanted for row in self.mappings[table] for wanted in saying.wanted(row)]
        return [each for each in given if each[0] not in EMAILS or each[1] is None or address(each[1])]

    def _no_addresses(self, saying: Saying, table: str) -> list[str]:
        """Lines for what was meant for an e-mail column and is no address."""
        rows = [row for row in self.mappings.get(table, ()) if row.column in EMAILS]
        given = [(row.source or "constant", text) for row in rows for _, text, _ in saying.wanted(row)]
        return [f"{source}: {text}" for source, text in given if text is not None and not address(text)]

    def _after(self, saying: Saying, found: Found, *, is_late: bool) -> tuple[Columns, list[str]]:
        """The row after this capture, open again where it was closed, unless that is late; and lines about addresses
        without a column.
        """
        row = dict(self.rows[found.key]) | ({} if is_late else {"statecode": 0})
        wanted = self._wanted(saying, found.key[0])
        for column, text, policy in wanted:
            if column not in EMAILS:
                row[column] = content_after(row.get(column), text, policy, is_late=is_late)
        emails = [each for each in wanted if each[0] in EMAILS]
        return row, put_emails(row, emails, by_name=found.by_name, is_late=is_late)

    # --- Which row it is --------------------------------------------------------------------------------------------

    def _found(
        self, person: Person, emails: set[str], full_names: set[tuple[str, str]], action: SyncAction
    ) -> Found | None:
        """The link, then e-mails through the tables in their order, only then names through the tables."""
        searched, own = TABLES[action.match.tables], _own_tables(action)
        for table in [table for table in own if table in searched or table == action.create]:
            linked = self._end((table, person.links.get(table, "")), own, action)
            if linked:
                return Found(linked, by_name=table in person.linked_by_name)
        for by_name in (False, True):
            hits = [
                key
                for key, row in self.rows.items()
                if (full_name_in(row) in full_names if by_name else emails & addresses_in(row))
            ]
            ends = [
                [end for key in hits if key[0] == table and (end := self._end(key, own, action))] for table in searched
            ]
            active = [[end for end in each if self.rows[end]["statecode"] == 0] for each in ends]
            closed = [[end for end in each if self.rows[end]["statecode"] != 0] for each in ends]
            if candidates := next(filter(None, [*active, *closed]), None):
                return Found(self._best(candidates, action.on_duplicate), by_name)
        return None

    def _end(self, key: Key, tables: Sequence[str], action: SyncAction) -> Key | None:
        """Where a row leads: a merged one to its survivor, a qualified lead to its contact; None if that is closed and
        stays so. A closed row is opened again where the action says so, but none that was merged or qualified.
        """
        seen = []
        while key in self.rows and key[0] in tables and key not in seen:
            seen.append(key)
            row = self.rows[key]
            if row.get("merged") and row.get("_masterid_value"):
                key = (key[0], row["_masterid_value"])
            elif key[0] == "lead" and row["statecode"] == 1 and row.get("_parentcontactid_value"):
                key = ("contact", row["_parentcontactid_value"])
            else:
                is_over = row.get("merged") or (key[0] == "lead" and row["statecode"] == 1)
                may_open = action.match.inactive == "reactivate"
                return None if is_over or (row["statecode"] != 0 and not may_open) else key
        return None

    def _best(self, keys: Sequence[Key], on_duplicate: str) -> Key:
        """By the date that the rule names; of equal dates the lowest id."""
        most_or_least, _, what = on_duplicate.split("_")
        column = {"created": "createdon", "updated": "modifiedon"}[what]
        dates = [self.rows[key][column] for key in keys]
        date = max(dates) if most_or_least == "most" else min(dates)
        return min(key for key in keys if self.rows[key][column] == date)


# --- People -----------------------------------------------------------------------------------------------------------


def _link(person: Person, key: Key, *, by_name: bool) -> None:
    table, row_id = key
    person.links[table] = row_id
    person.linked_by_name.discard(table)
    if by_name:
        person.linked_by_name.add(table)


def _own_tables(action: SyncAction) -> list[str]:
    """Where the person's row may be: in a table that is searched, then in the one that rows are made in. What a
    submission made with match off is its own also when it has become a contact.
    """
    others = [action.create, "contact"] if action.match.tables == "off" else [action.create]
    return list(dict.fromkeys([*TABLES[action.match.tables], *(table for table in others if table != "none")]))


def _alias(delivered: Delivered) -> tuple[str, str] | None:
    """The name of a submission that has to say whose it is."""
    capture = delivered.capture
    if delivered.identity[0] == "id" or not capture.submission.activity_id or delivered.action.match.tables == "off":
        return None
    return capture.form.id or "", capture.submission.activity_id
