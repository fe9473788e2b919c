"""The steps that the code takes for the same story: the real `Turns`, in the world of tests/core/sync/worlds.py."""

import contextlib
import random
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

from typing_extensions import override

from core.domain.action import SyncAction
from core.domain.delivery import Delivery as CodeDelivery
from core.domain.delivery import Membership, RowWrite
from core.domain.matching import LookUp
from core.domain.references import Found, ReferenceQuery
from core.sync.ports import Change, EntityT, Versioned
from tests.core.sync.scenarios import LIST, SETUPS, delivery
from tests.core.sync.scenarios import Scenario as CodeScenario
from tests.core.sync.worlds import Scheduler, Worker, World
from tests.protocol.captures import Action, Delivery
from tests.protocol.rows import Row, table_of
from tests.protocol.scenario import Scenario
from tests.protocol.steps import SOUGHT, Step, in_a_row, kind_of_key, step

T = TypeVar("T")
READ_BY_NO_TURN = ("changed",)  # entries of the feed for automations: the model does not know them


class Stopped(BaseException):
    """The process ends here."""


class AtOnce(Scheduler):
    """Every request happens as soon as it is made."""

    @override
    async def request(self, worker: str, what: str, happen: Callable[[], T]) -> T:
        return happen()


class RecordingWorker(Worker):
    """Writes its requests down, and ends after so many that changed something; 0: never."""

    def __init__(self, world: World, actions: dict[str, SyncAction], name: str, changes_most: int) -> None:
        super().__init__(name, AtOnce(world, random.Random(0), troubles=0), actions, SETUPS["two e-mails"])
        self.steps: list[Step] = []
        self._left = changes_most

    @override
    async def read(self, organization: str, key: str, kind: type[EntityT]) -> Versioned[EntityT] | None:
        self.steps.append(step("read", [kind_of_key(key)]))
        return await super().read(organization, key, kind)

    @override
    async def commit(self, organization: str, changes: Sequence[Change]) -> tuple[str, ...] | None:
        claimed = (kind_of_key(change.key) for change in changes)
        self.steps.append(step("commit", (kind for kind in claimed if kind not in READ_BY_NO_TURN)))
        return self._changed(await super().commit(organization, changes))

    @override
    async def find(
        self, look_ups: Sequence[LookUp], columns: object, references: Collection[ReferenceQuery] = ()
    ) -> Found:
        tables = {each.table for each in look_ups} | {each.table for each in references}
        self.steps.append(step("find", tables & SOUGHT))
        return await super().find(look_ups, columns, references)

    @override
    async def write(self, writes: Sequence[RowWrite | Membership]) -> bool:
        self.steps.append(step("write", map(_kind, writes)))
        return self._changed(await super().write(writes))

    def _changed(self, reply: T) -> T:
        self._left -= bool(reply)
        if reply and self._left == 0:
            raise Stopped
        return reply


def _kind(write: RowWrite | Membership) -> str:
    if isinstance(write, Membership):
        return "membership"
    extras = {"annotation": "note", "campaignresponse": "response"}
    return extras.get(write.table) or f"{'create' if write.creates else 'update'} {write.table}"


async def steps_of_code(scenario: Scenario, runs: Sequence[tuple[Delivery, int]]) -> list[list[Step]]:
    """For each run its steps. A run stops after so many changes; 0: it goes to its end."""
    actions = {each.id: _action(each.id, each.action) for each in scenario.deliveries}
    world = _world(scenario)
    told: list[list[Step]] = []
    for each, changes_most in runs:
        worker = RecordingWorker(world, actions, f"{each.id}-{len(told)}", changes_most)
        with contextlib.suppress(Stopped):
            await worker.turn(each.id)
        told.append(in_a_row(worker.steps))
    return told


# --- The story in the code's words ------------------------------------------------------------------------------------


def _world(scenario: Scenario) -> World:
    deliveries = tuple(_delivery(number, each) for number, each in enumerate(scenario.deliveries, 1))
    rows = tuple((table_of(row_id), row_id, _columns(row_id, row)) for row_id, row in scenario.rows)
    return CodeScenario(deliveries, rows).world()


def _delivery(number: int, told: Delivery) -> CodeDelivery:
    """The number of its submission is the same wherever the submission is."""
    assert told.id == f"d{number}"
    person = {
        "Email": _address(told.email),
        "Email2": _address(told.email2),
        "FirstName": told.name and "Ann",
        "LastName": told.name,
        "Title": told.title,
        "Company": told.company,
        "Remark": told.remark,
    }
    prospect = int(told.prospect[1:]) if told.prospect else None
    activity = 1000 + ord(told.submission) if told.submission else number
    said = {name: value for name, value in person.items() if value}
    return delivery(number, told.id, prospect, told.said_at, activity=activity, held=False, wishes=told.answers, **said)


def _address(letter: str) -> str:
    return f"{letter}@x.example" if letter else ""


def _columns(row_id: str, row: Row) -> dict[str, Any]:
    if table_of(row_id) == "account":
        return {"name": row.name}
    closed: dict[str, Any] = {} if row.is_active else {"statecode": 2}
    if row.goes_to and table_of(row.goes_to) == table_of(row_id):
        closed |= {"merged": True, "_masterid_value": row.goes_to}
    elif row.goes_to:
        closed = {"statecode": 1, "_parentcontactid_value": row.goes_to}
    name = {"firstname": "Ann", "lastname": row.name} if row.name else {}
    emails = {"emailaddress1": _address(row.email), "emailaddress2": _address(row.email2)}
    return {**{column: text for column, text in emails.items() if text}, **name, **closed}


TABLES = {
    (): "off",
    ("lead",): "leads",
    ("contact",): "contacts",
    ("contact", "lead"): "contacts_then_leads",
    ("lead", "contact"): "leads_then_contacts",
}


def _action(name: str, told: Action) -> SyncAction:
    rule = {
        "tables": TABLES[told.tables],
        "by": "email_or_name" if told.by_name else "email",
        "inactive": "reactivate" if told.reactivates else "ignore",
        "without_key": "skip" if told.skips_without_key else "create",
    }
    campaigns = [{"name": "Expo", "as": "response"}] if told.campaign else []
    campaigns += [{"name": LIST, "as": "list"}] if told.marketing_list else []
    settings = {
        "id": name,
        "connection": "contoso",
        "match": rule,
        "create": told.create or "none",
        "on_duplicate": f"{'most' if told.newest_wins else 'least'}_recently_updated",
        "account": {"on_missing": told.account} if told.account else None,
        "campaigns": campaigns,
    }
    return SyncAction.model_validate(settings)
