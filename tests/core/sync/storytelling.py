"""Tells a story to the engine and to the reference model, and compares what both make of it.

A story is an organisation with rows and mappings, and deliveries that come one after the other, with changes by hand
in between.
"""

import asyncio
import random
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from core.domain.action import SyncAction
from core.domain.capture import Capture
from core.domain.connection import Connection
from core.domain.delivery import Delivery
from core.domain.mapping import FieldMapping, MappingRow
from core.domain.subject import subject_alias, subject_key
from core.domain.table import Column
from core.sync.intake import Intake
from core.sync.ports import ConnectionSetup
from tests.builders import NOON, ORGANIZATION
from tests.core.sync.reference import Organization
from tests.core.sync.reference_columns import Key
from tests.core.sync.reference_submissions import Told
from tests.core.sync.worlds import Scheduler, Worker, World

GUID = "11111111-1111-4111-8111-111111111111"
CONNECTION = Connection(
    id="contoso",
    name="c",
    url="https://c.crm.dynamics.com",
    tenant_id=GUID,
    client_id=GUID,
    organization_id=ORGANIZATION,
)
EMAILS = ("emailaddress1", "emailaddress2", "emailaddress3")
TEXTS = ("firstname", "lastname", "jobtitle", "description", "companyname")
SHOWN = (*TEXTS, *EMAILS, "statecode", "merged", "account", "campaign")
ACCOUNT_COLUMNS = {"lead": "_parentaccountid_value", "contact": "_parentcustomerid_value"}

T = TypeVar("T")
Mappings = dict[str, tuple[MappingRow, ...]]


@dataclass(frozen=True)
class Said:
    """A delivery, by an action of the story."""

    action: int
    capture: dict[str, Any]


@dataclass(frozen=True)
class Edited:
    """The delivery of an earlier step, said at another time, with other words in some places."""

    step: int
    occurred_at: Any
    ids: dict[str, Any]  # of the prospect
    fields: dict[str, Any]


@dataclass(frozen=True)
class Repeated:
    """The delivery of an earlier step, once more."""

    step: int


@dataclass(frozen=True)
class ByHand:
    """Somebody in Dynamics changes a row, or deletes it; rows are counted in the order of their keys."""

    row: int
    columns: dict[str, Any] | None


Step = Said | Edited | Repeated | ByHand


@dataclass(frozen=True)
class Story:
    steps: tuple[Step, ...]
    rows: dict[Key, dict[str, Any]] = field(default_factory=dict)
    mappings: Mappings = field(default_factory=dict)
    actions: tuple[SyncAction, ...] = ()
    accounts: tuple[str, ...] = ()


EXPO, FANS = "Expo 26", "Fans"
PEOPLE = ("lead", "contact")


class Telling:
    """Both worlds, after the steps so far."""

    def __init__(self, story: Story) -> None:
        self._actions = {action.id: action for action in story.actions}
        self.world = World(rows={key: row | {"@odata.etag": "0"} for key, row in story.rows.items()})
        self._scheduler = Scheduler(self.world, random.Random(0), troubles=0)
        self._setup = ConnectionSetup(CONNECTION, {t: _mapping(t, rows) for t, rows in story.mappings.items()}, None)
        self._reference = Organization(story.mappings, {key: dict(row) for key, row in story.rows.items()})
        self._reference.accounts = list(story.accounts)
        self._reference.campaigns, self._reference.lists = {EXPO}, {FANS: "lead"}
        self._seed_others(story)
        self._deliveries: dict[int, Delivery] = {}

    def _seed_others(self, story: Story) -> None:
        self.world.seed("campaign", "expo", name=EXPO)
        self.world.seed("list", "fans", listname=FANS, type=False, createdfromcode=4)
        for number, name in enumerate(story.accounts):
            self.world.seed("account", f"account{number}", name=name)

    async def take(self, number: int, step: Step) -> None:
        match step:
            case Said():
                await self._deliver(self._received(number, step))
            case Edited(earlier) if earlier in self._deliveries:
                await self._deliver(self._received(number, self._edited(step)))
            case Repeated(earlier) if earlier in self._deliveries:
                await self._deliver(self._deliveries[earlier])
            case ByHand(row, columns) if people := self.people():
                self._change(sorted(people)[row % len(people)], columns)
            case _:
                pass

    def _edited(self, edit: Edited) -> Said:
        first = self._deliveries[edit.step]
        capture = first.capture.model_dump(mode="json") | {"occurred_at": edit.occurred_at}
        prospect = capture["prospect"]
        capture["prospect"] = prospect | edit.ids | {"fields": prospect["fields"] | edit.fields}
        return Said(list(self._actions).index(first.action), capture)

    def _received(self, number: int, said: Said) -> Delivery:
        received_at = NOON + timedelta(hours=1, minutes=number)
        delivery = Delivery(
            id=f"d{number}",
            organization=ORGANIZATION,
            connection="contoso",
            action=list(self._actions)[said.action % len(self._actions)],
            capture=Capture.model_validate(said.capture),
            received_at=received_at,
            due_at=received_at,
        )
        self._deliveries[number] = delivery
        return delivery

    async def _deliver(self, delivery: Delivery) -> None:
        """Received, then carried out with whatever else that leaves to be done."""
        receipt = await self._run(self._receive(delivery))
        for each in self._open():
            await self._run(self._worker(each).turn(each))
        action = self._actions[delivery.action]
        expected = self._reference.deliver(delivery.id, delivery.capture, action, delivery.received_at)
        assert receipt == self._reference.submissions.answered_by[delivery.id]
        assert _told(self._stored()[receipt]) == expected

    async def _receive(self, delivery: Delivery) -> str:
        found, _ = await Intake(ledger=self._worker("intake")).receive(delivery)
        return found.entity.id

    async def _run(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.create_task(work)
        await self._scheduler.run([task])
        return task.result()

    def _worker(self, name: str) -> Worker:
        return Worker(name, self._scheduler, self._actions, self._setup)

    def _stored(self) -> dict[str, Delivery]:
        entities = (entity for _, entity in self.world.entities.values())
        return {each.id: each for each in entities if isinstance(each, Delivery)}

    def _open(self) -> list[str]:
        return [each.id for each in self._stored().values() if each.state != "done"]

    def _change(self, key: Key, columns: dict[str, Any] | None) -> None:
        if columns is None:
            del self.world.rows[key], self._reference.rows[key]
            return
        self.world.update(*key, columns)
        self._reference.write(key, columns)

    def people(self) -> dict[Key, dict[str, Any]]:
        """The rows of people, with what they are linked to under its name."""
        rows = self.world.rows
        return {key: row | self._links_of(key[0], row) for key, row in rows.items() if key[0] in PEOPLE}

    def _links_of(self, table: str, row: dict[str, Any]) -> dict[str, str | None]:
        account = row.get(ACCOUNT_COLUMNS[table])
        name = self.world.rows["account", account]["name"].strip().lower() if account else None
        return {"account": name, "campaign": EXPO if row.get("_campaignid_value") else None}

    def compare(self) -> None:
        """Every row with its values and what it is linked to, what stands beside, and every person's links."""
        assert _shown(self.people()) == _shown(self._reference.rows)
        assert self._beside() == self._reference.beside()
        stored = self._stored()
        assert {name: _told(each) for name, each in stored.items()} == {
            name: each.told for name, each in self._reference.submissions.delivered.items()
        }
        for name, delivery in stored.items():
            assert self._links(delivery, self._actions[delivery.action]) == self._reference.links(name)

    def _beside(self) -> dict[str, list[Any]]:
        """Companies, notes with the row they are on, responses and memberships."""
        rows = self.world.rows
        notes = [row for (table, _), row in rows.items() if table == "annotation"]
        responses = [row for (table, _), row in rows.items() if table == "campaignresponse"]
        parties = [party for row in responses for party in row["campaignresponse_activity_parties"]]
        return {
            "accounts": sorted(row["name"] for (table, _), row in rows.items() if table == "account"),
            "notes": sorted((row["_objectid_value"], row["notetext"]) for row in notes),
            "responses": sorted(_responding(party) for party in parties),
            "members": sorted(row_id for _, row_id in self.world.members),
        }

    def _links(self, delivery: Delivery, action: SyncAction) -> dict[str, str]:
        """The rows that the person's entity leads to; another submission's words may have named it."""
        _, alias = self.world.entities.get(subject_alias(delivery, action) or "", (0, None))
        key = alias.prospect_key if alias else subject_key(delivery, action)
        _, entity = self.world.entities.get(key, (0, None))
        links: dict[str, str] = entity.links if entity else {}
        return links


def _told(delivery: Delivery) -> Told:
    assert delivery.result is not None
    return Told(delivery.result.outcome, delivery.result.table, delivery.result.row_id)


def _responding(party: dict[str, Any]) -> str:
    """The id of the row that a response is of."""
    (bind,) = (value for name, value in party.items() if name.startswith("partyid"))
    return str(bind).partition("(")[2].rstrip(")")


def _mapping(table: str, rows: tuple[MappingRow, ...]) -> FieldMapping:
    columns = {row.column: Column(name=row.column, type="String", max_length=4000) for row in rows}
    return FieldMapping(table=table, version=1, rows=rows, columns=columns)


def _shown(rows: dict[Key, dict[str, Any]]) -> dict[Key, dict[str, Any]]:
    return {key: {name: row.get(name) or None for name in SHOWN} for key, row in rows.items()}


def tell(story: Story) -> None:
    """Fails at the first step after which the engine and the reference differ."""

    async def told() -> None:
        telling = Telling(story)
        for number, step in enumerate(story.steps):
            await telling.take(number, step)
            telling.compare()

    asyncio.run(told())
