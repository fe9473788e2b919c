"""From a group of deliveries and what was read to one intent. Groups of more than one are played in memory, in turn."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tests.protocol.captures import Delivery, Prospect, merged
from tests.protocol.dynamics import Search
from tests.protocol.effect import Effect, View, effect_of, note_id
from tests.protocol.intent import Intent, Outcome, State
from tests.protocol.rows import Note, Row, difference
from tests.protocol.safeguards import Safeguard, Without

NOW = 10**6  # rows changed in memory are newer than all others


class Subject(NamedTuple):
    """One delivery and where its prospect is kept."""

    delivery: Delivery
    prospect_key: str
    state: State
    etag: int


Group = tuple[Subject, ...]
People = Mapping[str, Prospect]


class Heard(NamedTuple):
    """One delivery's prospect before it, as it was known, and after it."""

    subject: Subject
    known: Prospect
    person: Prospect


def heard(group: Group, people: People) -> Iterator[Heard]:
    """Each prospect having heard its deliveries in turn."""
    told = dict(people)
    for subject in group:
        known = told[subject.prospect_key]
        told[subject.prospect_key] = merged(known, subject.delivery)
        yield Heard(subject, known, told[subject.prospect_key])


def keys_of(delivery: Delivery, person: Prospect, without: Without) -> tuple[str, ...]:
    """The e-mails and the name that a row may be given. Whoever writes one claims it, whether or not he searches by it:
    who did search by it, and found nothing, comes before him, and so must the dates of their rows say.
    """
    action = delivery.action
    claims_all = Safeguard.WRITERS_CLAIM not in without
    has_emails = (action.tables or claims_all) and Safeguard.EMAIL_KEY not in without
    has_name = ((action.tables and action.by_name) or claims_all) and Safeguard.NAME_KEY not in without
    emails = [f"key|email|{email}" for email in person.emails if has_emails]
    return (*emails, *([f"key|name|{person.name.value}"] if has_name and person.name.value else []))


def account_keys(delivery: Delivery, person: Prospect, without: Without) -> tuple[str, ...]:
    """Read by everyone who looks for an account; claimed by who creates it."""
    looks = delivery.action.account and person.company.value and Safeguard.ACCOUNT_KEY not in without
    return (f"key|account|{person.company.value}",) if looks else ()


def searches(group: Group, people: People) -> tuple[Search, ...]:
    """Linked rows by id, e-mails and names in every table of the rule; accounts by name."""
    wanted = [search for each in heard(group, people) for search in _searches(each)]
    return tuple(dict.fromkeys(wanted))


def _searches(each: Heard) -> Iterator[Search]:
    action, person = each.subject.delivery.action, each.person
    links = dict(each.known.links)
    for table in action.own_tables:
        ids, is_searched = (links[table],) if table in links else (), table in action.tables
        emails = person.emails if is_searched else ()
        name = person.name.value if action.by_name and is_searched else ""
        if ids or emails or name:
            yield Search(table, ids, emails, name)
    if action.account and person.company.value:
        yield Search("account", name=person.company.value)


def decided(group: Group, people: People, view: View, without: Without) -> Intent:
    """What the first deliveries that go to one row make of it. The others get a turn of their own."""
    rows, notes, told = dict(view.rows), dict(view.notes), dict(people)
    effects: list[tuple[Subject, Effect]] = []
    for subject in group:
        effect = _effect(subject, told[subject.prospect_key], View(rows, notes, view.missing))
        if effects and effect.row_id != effects[0][1].row_id:
            break
        effects.append((subject, effect))
        told[subject.prospect_key] = effect.person
        _play(subject, effect, rows, notes)
    return _intent(effects, view, rows, notes, without)


def _effect(subject: Subject, known: Prospect, view: View) -> Effect:
    """A new row's id is chosen for this one intent; any new one will do."""
    new_id = f"{subject.delivery.id}.{subject.etag}"
    return effect_of(subject.delivery, known, view, prospect_key=subject.prospect_key, new_id=new_id)


def _play(subject: Subject, effect: Effect, rows: dict[str, Row], notes: dict[str, Note]) -> None:
    if effect.account:
        rows[effect.account] = Row(name=effect.person.company.value)
    if effect.row:
        before = rows.get(effect.row_id)
        changed = before is None or difference(before, effect.row)
        rows[effect.row_id] = effect.row._replace(modified=NOW) if changed else effect.row
    if effect.note:
        notes[note_id(subject.delivery, subject.prospect_key)] = effect.note


def _intent(
    effects: list[tuple[Subject, Effect]],
    view: View,
    rows: Mapping[str, Row],
    notes: Mapping[str, Note],
    without: Without,
) -> Intent:
    row_id = effects[0][1].row_id
    before, after = view.rows.get(row_id), rows.get(row_id)
    created = after._replace(modified=0, etag=1) if after and before is None else None
    keys = [keys_of(subject.delivery, effect.person, without) for subject, effect in effects]
    keys += [account_keys(s.delivery, effect.person, without) for s, effect in effects if effect.account]
    return Intent(
        row_id=row_id,
        create=created,
        etag=before.etag if before else 0,
        changes=difference(before, after) if before and after else (),
        accounts=tuple((effect.account, rows[effect.account]) for _, effect in effects if effect.account),
        notes=tuple((note_id, note) for note_id, note in notes.items() if view.notes.get(note_id) != note),
        joins=tuple(dict.fromkeys(join for _, effect in effects for join in effect.joins)),
        keys=tuple(dict.fromkeys(key for each in keys for key in each)),
        people=tuple({s.prospect_key: effect.person._replace(claimed_by="") for s, effect in effects}.items()),
        asked=tuple(_asked(effect) for _, effect in effects),
        outcomes=tuple((s.delivery.id, Outcome(effect.outcome, effect.row_id)) for s, effect in effects),
    )


def _asked(effect: Effect) -> tuple[str, ...]:
    """Which kinds of extras are this delivery's, to say which were left out."""
    kinds = {"account": bool(effect.account), "note": bool(effect.note)}
    return (*(kind for kind, is_asked in kinds.items() if is_asked), *(join.kind for join in effect.joins))
