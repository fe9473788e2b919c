"""The promise: deliveries one after the other, nobody else there, nothing fails. Knows no claims, ETags or crashes."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from tests.protocol.bystanders import Bystander
from tests.protocol.captures import Delivery, Prospect
from tests.protocol.effect import Effect, View, effect_of, note_id
from tests.protocol.intent import Alias, Claim, Outcome, State, alias_key, prospect_key
from tests.protocol.rows import Row, difference, table_of
from tests.protocol.world import World


def after_delivery(world: World, delivery: Delivery) -> World:
    """One delivery, alone in the world."""
    alias = world.entities.get(alias_key(delivery), (0, None))[1]
    key = prospect_key(delivery, alias)
    known = world.entities.get(key, (0, Prospect()))[1]
    view = View(world.rows, world.notes, world.missing)
    effect = effect_of(delivery, known, view, prospect_key=key, new_id=delivery.id)
    left_out: list[str] = []
    world = _with_row(world, effect, left_out)
    world = _with_note(world, note_id(delivery, key), effect, left_out)
    world = _with_joins(world, effect, left_out)
    refused = {(join.name, join.row) for join in effect.joins if join.kind in left_out}
    person = effect.person._replace(joined=tuple(each for each in effect.person.joined if each not in refused))
    outcome = Outcome(effect.outcome, effect.row_id, tuple(left_out))
    entities = {**world.entities, key: (1, person), delivery.key: (1, State(outcome=outcome))}
    if alias_key(delivery):
        entities[alias_key(delivery)] = (1, Alias(key))
    return world._replace(entities=entities, clock=world.clock + 1)


def _with_row(world: World, effect: Effect, left_out: list[str]) -> World:
    row, rows = effect.row, dict(world.rows)
    if row is None:
        return world
    before = rows.get(effect.row_id)
    if effect.account and "account" in world.refused:
        left_out.append("account")
        row = row._replace(account=before.account if before else "")
    elif effect.account:
        rows[effect.account] = world.stored(Row(name=effect.person.company.value))
    if before is None or difference(before, row):
        rows[effect.row_id] = world.stored(row)
    return world._replace(rows=rows)


def _with_note(world: World, name: str, effect: Effect, left_out: list[str]) -> World:
    if effect.note is None:
        return world
    if "note" in world.refused:
        left_out.append("note")
        return world
    return world._replace(notes={**world.notes, name: effect.note})


def _with_joins(world: World, effect: Effect, left_out: list[str]) -> World:
    left_out += [join.kind for join in effect.joins if join.kind in world.refused]
    joined = {join.id: join for join in effect.joins if join.kind not in world.refused}
    return world._replace(joins={**joined, **world.joins})


def results(
    world: World, deliveries: tuple[Delivery, ...], bystanders: tuple[Bystander, ...], *, in_order: bool
) -> set[Any]:
    """What every one-at-a-time order ends in."""
    orders: Iterable[tuple[Delivery | Bystander, ...]] = itertools.permutations((*deliveries, *bystanders))
    if in_order:
        orders = (order for order in orders if tuple(step for step in order if step in bystanders) == bystanders)
    return {visible(_after(world, order), deliveries) for order in orders}


def _after(world: World, order: Iterable[Delivery | Bystander]) -> World:
    for step in order:
        world = after_delivery(world, step) if isinstance(step, Delivery) else step.apply(world)[0]
    return world


def visible(world: World, deliveries: Iterable[Delivery]) -> Any:
    """What people see: rows without the ids of new ones, each with what is its own and who says it went there."""
    outcomes = {each.id: world.entities[each.key][1].outcome for each in deliveries}
    rows = tuple(sorted(_shown(world, row_id, outcomes) for row_id in world.rows))
    nowhere = ((i, said.kind, said.left_out) for i, said in outcomes.items() if said and said.row_id not in world.rows)
    return rows, tuple(sorted(nowhere)), sum(said is None for said in outcomes.values())


def _shown(world: World, row_id: str, outcomes: dict[str, Outcome | None]) -> tuple[Any, ...]:
    row = world.rows[row_id]
    account = world.rows.get(row.account)
    values = (row.email, row.email2, row.name, row.title, row.remarks, account.name if account else "", row.is_active)
    notes = sorted(note.text for note in world.notes.values() if note.row == row_id)
    joins = sorted((join.kind, join.name) for join in world.joins.values() if join.row == row_id)
    went = sorted((i, said.kind, said.left_out) for i, said in outcomes.items() if said and said.row_id == row_id)
    is_old = "old" in row_id
    return table_of(row_id), row_id if is_old else "", values, tuple(notes), tuple(joins), tuple(went)


def leftovers(world: World) -> Iterator[str]:
    """Claims that nobody holds any more."""
    for key, (_, fields) in world.entities.items():
        if key.startswith("row|") or (isinstance(fields, Prospect | Claim) and fields.claimed_by):
            yield key
