"""Scenarios of a few deliveries about overlapping people, run by workers in a world where anything may come between
any two steps, and compared with every one-at-a-time order of the same deliveries.
"""

import asyncio
import itertools
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from core.domain.action import SyncAction
from core.domain.capture import Capture
from core.domain.connection import Connection
from core.domain.delivery import Delivery
from core.domain.mapping import FieldMapping, MappingRow, Policy
from core.domain.table import Column
from core.sync.ports import ConnectionSetup
from tests.core.sync.worlds import NOON, ORGANIZATION, Scheduler, Worker, World

LIST = "22222222-2222-4222-8222-222222222222"
GUID = "11111111-1111-4111-8111-111111111111"
CONNECTION = Connection(
    id="contoso",
    name="c",
    url="https://c.crm.dynamics.com",
    tenant_id=GUID,
    client_id=GUID,
    organization_id=ORGANIZATION,
)
ROWS = (
    MappingRow(column="firstname", source="FirstName"),
    MappingRow(column="lastname", source="LastName"),
    MappingRow(column="emailaddress1", source="Email"),
    MappingRow(column="jobtitle", source="Title"),
    MappingRow(column="description", source="Remark", policy=Policy.APPEND),
)
SECOND_EMAIL = MappingRow(column="emailaddress2", source="Email2")
CLEARED_EMAIL = MappingRow(column="emailaddress3", source="Email2", policy=Policy.CLEAR_IF_BLANK)


def _setup(*rows: MappingRow) -> ConnectionSetup:
    columns = {row.column: Column(name=row.column, type="String", max_length=500) for row in rows}
    mappings = {
        table: FieldMapping(table=table, version=1, rows=rows, columns=columns) for table in ("lead", "contact")
    }
    return ConnectionSetup(CONNECTION, mappings, None)


SETUPS = {
    "one e-mail": _setup(*ROWS),
    "two e-mails": _setup(*ROWS, SECOND_EMAIL),
    "an e-mail that is cleared": _setup(*ROWS, CLEARED_EMAIL),
}


def _action(number: int, **settings: Any) -> SyncAction:
    usual = {"connection": "contoso", "match": {"tables": "contacts_then_leads", "by": "email"}, "create": "lead"}
    return SyncAction.model_validate({"id": f"a{number}", **usual, **settings})


BESIDE = [{"name": "Expo", "as": "response"}, {"name": LIST, "as": "list"}, {"name": "Expo", "as": "source"}]
ACTIONS = {
    action.id: action
    for action in (
        _action(0),
        _action(1, match={"tables": "contacts_then_leads", "by": "email_or_name"}),
        _action(2, match={"tables": "leads", "by": "email_or_name"}, on_duplicate="least_recently_updated"),
        _action(3, match={"tables": "leads_then_contacts", "by": "email"}, create="contact"),
        _action(4, create="none"),
        _action(5, match={"tables": "off"}),
        _action(6, match={"tables": "contacts_then_leads", "by": "email_or_name"}, on_match="none"),
        _action(7, match={"tables": "contacts", "by": "email", "without_key": "skip"}, create="contact"),
        _action(8, account={"on_missing": "create"}, campaigns=BESIDE),
        _action(9, match={"tables": "contacts", "by": "email_or_name"}, create="contact", account={}, campaigns=BESIDE),
        _action(
            10, match={"tables": "leads", "by": "email", "inactive": "reactivate"}, account={"on_missing": "leave"}
        ),
    )
}


@dataclass(frozen=True)
class Scenario:
    deliveries: tuple[Delivery, ...]
    rows: tuple[tuple[str, str, dict[str, Any]], ...]
    mapped: str = "one e-mail"

    @property
    def setup(self) -> ConnectionSetup:
        return SETUPS[self.mapped]

    def world(self, *, stored: bool = True) -> World:
        world = World()
        for delivery in self.deliveries if stored else ():
            world.entities[delivery.key] = (world.tick(), delivery)
        for table, row_id, columns in self.rows:
            world.seed(table, row_id, **columns)
        world.seed("campaign", "expo", name="Expo")
        return world


def delivery(
    number: int, action: str, prospect: int | None, said: int, *, event: str = "captured", **more: Any
) -> Delivery:
    """`more` are parts of the capture, and the person's fields under their names."""
    submission = {"activity_id": more.pop("activity"), "hold_request_id": 5 if more.pop("held") else None}
    capture = {
        "event": event,
        "occurred_at": (NOON + timedelta(minutes=said)).isoformat(),
        "submission": submission,
        "answers": [{"id": 1, "title": "Wishes", "value": more.pop("wishes")}],
        "prospect": {"id": prospect, "fields": more},
    }
    return Delivery(
        id=f"d{number}",
        organization=ORGANIZATION,
        connection="contoso",
        action=action,
        capture=Capture.model_validate(capture),
        received_at=NOON + timedelta(hours=1),
        due_at=NOON,
    )


async def _run(
    scenario: Scenario, choice: random.Random, names: Sequence[str], kind: type[Worker], *, troubles: int
) -> Scheduler:
    """Every named worker (`d0`, `d0'`) runs its delivery, all at once."""
    scheduler = Scheduler(scenario.world(), choice, troubles=troubles)
    workers = [kind(name, scheduler, ACTIONS, scenario.setup) for name in names]
    tasks = [asyncio.create_task(worker.turn(worker.name.rstrip("'"))) for worker in workers]
    await scheduler.run(tasks)
    for task in tasks:
        task.result()
    return scheduler


async def _one_at_a_time(scenario: Scenario, order: Iterable[Delivery], kind: type[Worker]) -> World:
    scheduler = Scheduler(scenario.world(), random.Random(0), troubles=0)
    for delivery in order:
        worker = kind(delivery.id, scheduler, ACTIONS, scenario.setup)
        task = asyncio.create_task(worker.turn(delivery.id))
        await scheduler.run([task])
        task.result()
    return scheduler.world


SHOWN = ("firstname", "lastname", "emailaddress1", "emailaddress2", "emailaddress3", "jobtitle", "description")


def _visible(world: World, scenario: Scenario) -> Any:
    """What people see: rows without the ids and dates of new ones, each with the deliveries that say they went there.

    `updated` and `unchanged` are one: where a reply was lost, another delivery may have written equal values.
    """
    results = {each.id: world.entities[each.key][1].result for each in scenario.deliveries}
    known = {(table, row_id) for table, row_id, _ in scenario.rows}
    rows = []
    for (table, row_id), columns in world.rows.items():
        if table not in ("lead", "contact"):
            continue
        went = sorted((d, _kind(r)) for d, r in results.items() if (r.table, r.row_id) == (table, row_id))
        old = row_id if (table, row_id) in known else ""
        shown = tuple(columns.get(name) or "" for name in SHOWN)
        rows.append((table, old, shown, _beside(world, row_id, columns), tuple(went)))
    nowhere = sorted((d, _kind(r)) for d, r in results.items() if not r.row_id)
    accounts = sorted(str(columns["name"]).lower() for (table, _), columns in world.rows.items() if table == "account")
    return tuple(sorted(rows)), tuple(nowhere), tuple(accounts)


def _beside(world: World, row_id: str, columns: dict[str, Any]) -> tuple[Any, ...]:
    """The row's company and source campaign, its notes, how many responses it gave, on how many lists it is."""
    account = columns.get("_parentaccountid_value") or columns.get("_parentcustomerid_value")
    company = str(world.rows["account", account]["name"]).lower() if account else ""
    notes = sorted(
        _text(row) for (table, _), row in world.rows.items() if table == "annotation" and _is_of(row, row_id)
    )
    responses = [row for (table, _), row in world.rows.items() if table == "campaignresponse" and row_id in repr(row)]
    lists = [member for member in world.members if member[1] == row_id]
    return company, columns.get("_campaignid_value") or "", tuple(notes), len(responses), len(lists)


def _is_of(note: dict[str, Any], row_id: str) -> bool:
    return bool(note["_objectid_value"] == row_id)


def _text(note: dict[str, Any]) -> str:
    return str(note["notetext"])


def _kind(result: Any) -> str:
    return "matched" if result.outcome.value in ("updated", "unchanged") else str(result.outcome.value)


async def ends_as_some_order_would(scenario: Scenario, seed: int, kind: type[Worker] = Worker) -> World:
    """Two workers for each delivery, five kills and lost replies: one of the sequential results, and no claim left."""
    names = [each.id + "'" * copy for each in scenario.deliveries for copy in range(2)]
    ended = await _run(scenario, random.Random(seed), names, kind, troubles=5)
    await _agrees(ended, scenario, seed)
    return ended.world


async def ends_so_together_too(scenario: Scenario, seed: int, *, stored: bool) -> World:
    """Two workers run all deliveries together; where they are stored, others run each of them alone beside."""
    scheduler = Scheduler(scenario.world(stored=stored), random.Random(seed), troubles=4)
    together = [Worker(f"all{number}", scheduler, ACTIONS, scenario.setup) for number in range(2)]
    alone = [Worker(each.id, scheduler, ACTIONS, scenario.setup) for each in scenario.deliveries if stored]
    tasks = [asyncio.create_task(worker.turns_together(scenario.deliveries)) for worker in together]
    tasks += [asyncio.create_task(_alone(worker)) for worker in alone]
    await scheduler.run(tasks)
    for task in tasks:
        task.result()
    await _agrees(scheduler, scenario, seed)
    return scheduler.world


async def ends_so_folded_too(
    scenario: Scenario, seed: int, kind: type[Worker] = Worker, *, alone: type[Worker] = Worker
) -> World:
    """Two workers run all but the last as bulk work does; nobody has stored them. The last one is run by itself.
    `alone`: who says what would be right.
    """
    scheduler = Scheduler(scenario.world(stored=False), random.Random(seed), troubles=4)
    workers = [kind(f"all{number}", scheduler, ACTIONS, scenario.setup) for number in range(2)]
    *folded, other = scenario.deliveries
    scheduler.world.entities[other.key] = (scheduler.world.tick(), other)
    tasks = [asyncio.create_task(worker.turns_together(folded, in_order=True)) for worker in workers]
    tasks.append(asyncio.create_task(_alone(kind(other.id, scheduler, ACTIONS, scenario.setup))))
    await scheduler.run(tasks)
    for task in tasks:
        task.result()
    await _agrees(scheduler, scenario, seed, alone)
    return scheduler.world


async def _alone(worker: Worker) -> None:
    await worker.turn(worker.name)


async def _agrees(ended: Scheduler, scenario: Scenario, seed: int, alone: type[Worker] = Worker) -> None:
    allowed = {
        repr(_visible(await _one_at_a_time(scenario, order, alone), scenario))
        for order in itertools.permutations(scenario.deliveries)
    }
    seen = repr(_visible(ended.world, scenario))
    told = "\n".join(
        [f"seed {seed}, {scenario.mapped}", *map(repr, scenario.deliveries), *map(repr, scenario.rows), *ended.history]
    )
    assert seen in allowed, f"{told}\nseen    {seen}\nallowed {chr(10).join(sorted(allowed))}"
    held = [key for key, (_, entity) in ended.world.entities.items() if getattr(entity, "claimed_by", "")]
    assert not held, f"{told}\nstill claimed: {held}"
    assert not [key for key in ended.world.entities if key.startswith("row|")], told


# --- Random ones ------------------------------------------------------------------------------------------------------


def random_scenario(choice: random.Random) -> Scenario:
    times = choice.sample(range(9), choice.randint(2, 3))
    deliveries = tuple(_random_delivery(choice, number, said) for number, said in enumerate(times))
    rows = tuple(
        (choice.choice(["lead", "contact"]), f"old{number}", _person(choice)) for number in range(choice.randrange(4))
    )
    return Scenario(deliveries, rows, choice.choice(list(SETUPS)))


def one_person_scenario(choice: random.Random) -> Scenario:
    """Of one action, most of them by one prospect: what bulk work folds. The last comes alone."""
    action = choice.choice(list(ACTIONS))
    times = choice.sample(range(9), choice.randint(3, 4))
    deliveries = [_random_delivery(choice, number, said) for number, said in enumerate(times)]
    own = [each.model_copy(update={"action": action, "capture": _of_one(choice, each.capture)}) for each in deliveries]
    rows = tuple(
        (choice.choice(["lead", "contact"]), f"old{number}", _person(choice)) for number in range(choice.randrange(3))
    )
    return Scenario(tuple(own), rows, choice.choice(list(SETUPS)))


def _of_one(choice: random.Random, capture: Capture) -> Capture:
    prospect = capture.prospect.model_copy(update={"id": choice.choice(["1", "1", "1", "1", "2"])})
    return capture.model_copy(update={"prospect": prospect})


def _random_delivery(choice: random.Random, number: int, said: int) -> Delivery:
    fields = {
        "Email": choice.choice(["a@x.example", "b@x.example", ""]),
        "FirstName": choice.choice(["Ann", ""]),
        "LastName": choice.choice(["N", "M"]),
        "Title": choice.choice(["", f"t{number}"]),
        "Remark": choice.choice(["", f"r{number}"]),
        "Company": choice.choice(["", "Acme", "ACME "]),
    }
    second = choice.choice([None, "", "a@x.example", "b@x.example", "c@x.example"])
    return delivery(
        number,
        choice.choice(list(ACTIONS)),
        choice.choice([1, 1, 2, None]),
        said,
        event=choice.choice([*["captured"] * 8, "released", "withdrawn"]),
        held=choice.random() < 0.1,
        activity=choice.choice([1, number + 1]),
        wishes=choice.choice(["", f"w{number}"]),
        **fields if second is None else fields | {"Email2": second},
    )


def _person(choice: random.Random) -> dict[str, Any]:
    return {
        "emailaddress1": choice.choice(["a@x.example", "b@x.example", "z@x.example"]),
        "emailaddress2": choice.choice([None, None, "b@x.example", "y@x.example"]),
        "firstname": "Ann",
        "lastname": choice.choice(["N", "M", "O"]),
        **choice.choice([{}, {}, {}, *_closed(choice)]),
    }


def _closed(choice: random.Random) -> list[dict[str, Any]]:
    """Inactive, qualified to a contact, merged into another row; either may be there, be closed itself, or not."""
    other = f"old{choice.randrange(3)}"
    qualified = {"statecode": 1, "_parentcontactid_value": other}
    merged = {"statecode": 2, "merged": True, "_masterid_value": other}
    return [{"statecode": 2}, qualified, merged]
