"""The protocol up to the claim: read the keys, search, save the intent while claiming, all in single requests."""

from typing import NamedTuple

from tests.protocol.captures import Delivery, Prospect
from tests.protocol.decision import (
    Group,
    People,
    Subject,
    account_keys,
    decided,
    heard,
    keys_of,
    searches,
)
from tests.protocol.dynamics import Find, Found, Search
from tests.protocol.effect import View, note_id
from tests.protocol.intent import Alias, Claim, Intent, State, alias_key, delivery_key, prospect_key, row_claim
from tests.protocol.landing import CarryOut
from tests.protocol.program import Ending, Next, Steps
from tests.protocol.rows import table_of
from tests.protocol.safeguards import Safeguard, Without
from tests.protocol.storage import Change, Read, Transact
from tests.protocol.world import ABSENT, ANY, Entity


class Turn(NamedTuple):
    """Deliveries of one message that share a key; mostly just one."""

    deliveries: tuple[Delivery, ...]

    def steps(self, without: Without) -> Steps[Next]:
        taken = yield from take(self.deliveries, without)
        return taken


def take(deliveries: tuple[Delivery, ...], without: Without) -> Steps[Next]:
    """From `received` to the saved intent, which is then to be carried out."""
    entities = yield Read(tuple(delivery.key for delivery in deliveries))
    found = [(each, etag, state) for each, (etag, state) in zip(deliveries, entities, strict=True)]
    if holder := _at_work(found, without):
        return (yield from help_out(holder))
    still_open = [each for each in found if not each[2].outcome]
    if not still_open:
        return Ending.DONE
    return (yield from _decide_and_claim(still_open, without))


def _at_work(found: list[tuple[Delivery, int, State]], without: Without) -> str:
    """The delivery whose saved intent has to be carried out first."""
    if Safeguard.SAVED_INTENT in without:
        return ""
    holders = (each.id if state.intent else state.leader for each, _, state in found if not state.outcome)
    return next(filter(None, holders), "")


def help_out(delivery_id: str) -> Steps[Next]:
    """Carries out the intent of whoever holds a claim."""
    [(etag, state)] = yield Read((delivery_key(delivery_id),))
    if state.leader and not state.outcome:
        [(etag, state)] = yield Read((delivery_key(state.leader),))
    if state.intent:
        return CarryOut(state.intent, etag, state)
    return Ending.AGAIN


def _decide_and_claim(found: list[tuple[Delivery, int, State]], without: Without) -> Steps[Next]:
    aliases = yield from _aliases([delivery for delivery, _, _ in found], without)
    group = tuple(Subject(each, prospect_key(each, aliases.get(alias_key(each))), s, etag) for each, etag, s in found)
    people, read = yield from _people(group)
    if Safeguard.KEYS_BEFORE_SEARCH not in without:
        read |= yield from _keys(group, people, without)
        if (holder := _claimant(read, group, without)) and Safeguard.HELPING not in without:
            return (yield from help_out(holder))
    view = yield from _search(group, people)
    if Safeguard.KEYS_BEFORE_SEARCH in without:
        read |= yield from _keys(group, people, without)
        if holder := _claimant(read, group, without):
            return (yield from help_out(holder))
    intent = decided(group, people, view, without)
    new_aliases = {alias_key(s.delivery): s.prospect_key for s in group if alias_key(s.delivery)}
    new_aliases = {key: name for key, name in new_aliases.items() if key not in aliases}
    return (yield from _claim(intent, group, read, {} if Safeguard.ALIAS in without else new_aliases, without))


def _aliases(deliveries: list[Delivery], without: Without) -> Steps[dict[str, Alias]]:
    keys = tuple(dict.fromkeys(filter(None, map(alias_key, deliveries))))
    if not keys or Safeguard.ALIAS in without:
        return {}
    entities = yield Read(keys)
    return {key: alias for key, (_, alias) in zip(keys, entities, strict=True) if alias}


def _people(group: Group) -> Steps[tuple[People, dict[str, Entity]]]:
    names = tuple(dict.fromkeys(subject.prospect_key for subject in group))
    entities = yield Read(names)
    read = dict(zip(names, entities, strict=True))
    return {name: fields or Prospect() for name, (_, fields) in read.items()}, read


def _keys(group: Group, people: People, without: Without) -> Steps[dict[str, Entity]]:
    each_keys = (
        (
            *keys_of(each.subject.delivery, each.person, without),
            *account_keys(each.subject.delivery, each.person, without),
        )
        for each in heard(group, people)
    )
    keys = tuple(dict.fromkeys(key for keys in each_keys for key in keys))
    if not keys:
        return {}
    entities = yield Read(keys)
    return dict(zip(keys, entities, strict=True))


def _claimant(read: dict[str, Entity], group: Group, without: Without) -> str:
    ignored = {subject.delivery.id for subject in group} if Safeguard.SAVED_INTENT in without else set()
    holders = (fields.claimed_by for _, fields in read.values() if fields)
    return next((holder for holder in holders if holder and holder not in ignored), "")


def _search(group: Group, people: People) -> Steps[View]:
    """The rows the rules ask for, then those they redirect to; with the notes of the submissions."""
    notes = tuple(dict.fromkeys(filter(None, (note_id(s.delivery, s.prospect_key) for s in group))))
    found: Found = yield Find(searches(group, people), notes)
    rows, asked = dict(found[0]), set(dict(found[0]))
    while targets := sorted({row.goes_to for row in rows.values()} - asked - {""}):
        more: Found = yield Find(tuple(Search(table_of(target), (target,)) for target in targets))
        rows |= dict(more[0])
        asked |= set(targets)
    return View(rows, dict(found[1]), found[2])


def _claim(
    intent: Intent, group: Group, read: dict[str, Entity], aliases: dict[str, str], without: Without
) -> Steps[Next]:
    """One transaction, on condition that nothing changed since it was read. Without writes it is the end already."""
    changes = [Change(key, Alias(name), ABSENT) for key, name in aliases.items()]
    changes += _on_deliveries(intent, group)[
        : 1 if Safeguard.FOLLOWERS in without and not intent.writes_nothing else None
    ]
    changes += _on_people(intent, read, without)
    holder = "" if intent.writes_nothing else intent.leader
    validates = Safeguard.KEY_VALIDATION not in without
    changes += [Change(key, Claim(holder), read[key][0] if validates else ANY) for key in intent.keys]
    claims_row = bool(intent.changes) and Safeguard.ROW_CLAIM not in without
    if claims_row:
        changes.append(Change(row_claim(intent.row_id), Claim(holder), ABSENT))
    done = yield Transact("finish at once" if intent.writes_nothing else "claim", tuple(changes))
    if not done:
        return (yield from _row_holder(intent)) if claims_row else Ending.AGAIN
    if intent.writes_nothing:
        return Ending.DONE if len(intent.outcomes) == len(group) else Ending.AGAIN
    leader = group[0]
    return CarryOut(intent, leader.etag + 1, leader.state._replace(intent=intent))


def _on_deliveries(intent: Intent, group: Group) -> list[Change]:
    states = {subject.delivery.id: subject for subject in group}
    changes = []
    for number, (delivery_id, outcome) in enumerate(intent.outcomes):
        subject = states[delivery_id]
        if intent.writes_nothing:
            after = State(outcome=outcome)
        else:
            after = subject.state._replace(**({"leader": intent.leader} if number else {"intent": intent}))
        changes.append(Change(subject.delivery.key, after, subject.etag))
    return changes


def _on_people(intent: Intent, read: dict[str, Entity], without: Without) -> list[Change]:
    changes = []
    for name, person in intent.people:
        etag, known = read[name]
        claimed = (known or Prospect())._replace(claimed_by=intent.leader)
        condition = ANY if Safeguard.PROSPECT_VALIDATION in without else etag
        changes.append(Change(name, person if intent.writes_nothing else claimed, condition))
    return changes


def _row_holder(intent: Intent) -> Steps[Next]:
    """Another delivery may be about to change the same row."""
    [(_, claim)] = yield Read((row_claim(intent.row_id),))
    if claim and claim.claimed_by != intent.leader:
        return (yield from help_out(claim.claimed_by))
    return Ending.AGAIN
