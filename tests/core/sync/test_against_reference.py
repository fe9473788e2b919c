"""The engine against the product's rules written plainly: the real turn and `reference`, told the same story.

A story is an organisation with rows and mappings, and deliveries that come one after the other, with changes by
hand in between. Names, addresses, prospects and moments are few, so that they collide all the time. After each step
both must say the same of every row, outcome and link.
"""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.action import SyncAction
from core.domain.capture import Capture
from core.domain.connection import Connection
from core.domain.delivery import Delivery
from core.domain.mapping import FieldMapping, MappingRow
from core.domain.subject import subject_alias, subject_key
from core.domain.table import Column
from core.sync.ports import ConnectionSetup
from tests.builders import NOON, ORGANIZATION
from tests.core.sync.reference import Key, Organization, Told
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

Mappings = dict[str, tuple[MappingRow, ...]]


@dataclass(frozen=True)
class Said:
    """A delivery, by an action of the story."""

    action: int
    capture: dict[str, Any]


@dataclass(frozen=True)
class Repeated:
    """The delivery of an earlier step, once more."""

    step: int


@dataclass(frozen=True)
class ByHand:
    """Somebody in Dynamics changes a row, or deletes it; rows are counted in the order of their keys."""

    row: int
    columns: dict[str, Any] | None


Step = Said | Repeated | ByHand


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
        self._world = World(rows={key: row | {"@odata.etag": "0"} for key, row in story.rows.items()})
        self._scheduler = Scheduler(self._world, random.Random(0), troubles=0)
        self._setup = ConnectionSetup(CONNECTION, {t: _mapping(t, rows) for t, rows in story.mappings.items()}, None)
        self._reference = Organization(story.mappings, {key: dict(row) for key, row in story.rows.items()})
        self._reference.accounts = list(story.accounts)
        self._reference.campaigns, self._reference.lists = {EXPO}, {FANS: "lead"}
        self._seed_others(story)
        self._deliveries: dict[int, Delivery] = {}

    def _seed_others(self, story: Story) -> None:
        self._world.seed("campaign", "expo", name=EXPO)
        self._world.seed("list", "fans", listname=FANS, type=False, createdfromcode=4)
        for number, name in enumerate(story.accounts):
            self._world.seed("account", f"account{number}", name=name)

    async def take(self, number: int, step: Step) -> None:
        match step:
            case Said():
                await self._deliver(self._received(number, step))
            case Repeated(earlier) if earlier in self._deliveries:
                await self._deliver(self._deliveries[earlier])
            case ByHand(row, columns) if people := self._people():
                self._change(sorted(people)[row % len(people)], columns)
            case _:
                pass

    def _received(self, number: int, said: Said) -> Delivery:
        delivery = Delivery(
            id=f"d{number}",
            organization=ORGANIZATION,
            connection="contoso",
            action=list(self._actions)[said.action % len(self._actions)],
            capture=Capture.model_validate(said.capture),
            received_at=NOON + timedelta(hours=1, minutes=number),
            due_at=NOON,
        )
        self._deliveries[number] = delivery
        self._world.entities[delivery.key] = (self._world.tick(), delivery)
        return delivery

    async def _deliver(self, delivery: Delivery) -> None:
        worker = Worker(delivery.id, self._scheduler, self._actions, self._setup)
        task = asyncio.create_task(worker.turn(delivery.id))
        await self._scheduler.run([task])
        result = task.result().result
        assert result is not None
        action = self._actions[delivery.action]
        expected = self._reference.deliver(delivery.id, delivery.capture, action, delivery.received_at)
        assert Told(result.outcome, result.table, result.row_id) == expected

    def _change(self, key: Key, columns: dict[str, Any] | None) -> None:
        if columns is None:
            del self._world.rows[key], self._reference.rows[key]
            return
        self._world.update(*key, columns)
        self._reference.write(key, columns)

    def _people(self) -> dict[Key, dict[str, Any]]:
        """The rows of people, with what they are linked to under its name."""
        rows = self._world.rows
        return {key: row | self._links_of(key[0], row) for key, row in rows.items() if key[0] in PEOPLE}

    def _links_of(self, table: str, row: dict[str, Any]) -> dict[str, str | None]:
        account = row.get(ACCOUNT_COLUMNS[table])
        name = self._world.rows["account", account]["name"].strip().lower() if account else None
        return {"account": name, "campaign": EXPO if row.get("_campaignid_value") else None}

    def compare(self) -> None:
        """Every row with its values and what it is linked to, what stands beside, and every person's links."""
        assert _shown(self._people()) == _shown(self._reference.rows)
        assert self._beside() == self._reference.beside()
        for delivery in self._deliveries.values():
            action = self._actions[delivery.action]
            links = self._reference.person(delivery.id, delivery.capture, action).links
            assert self._links(delivery, action) == links

    def _beside(self) -> dict[str, list[Any]]:
        """Companies, notes with the row they are on, responses and memberships."""
        rows = self._world.rows
        notes = [row for (table, _), row in rows.items() if table == "annotation"]
        responses = [row for (table, _), row in rows.items() if table == "campaignresponse"]
        parties = [party for row in responses for party in row["campaignresponse_activity_parties"]]
        return {
            "accounts": sorted(row["name"] for (table, _), row in rows.items() if table == "account"),
            "notes": sorted((row["_objectid_value"], row["notetext"]) for row in notes),
            "responses": sorted(_responding(party) for party in parties),
            "members": sorted(row_id for _, row_id in self._world.members),
        }

    def _links(self, delivery: Delivery, action: SyncAction) -> dict[str, str]:
        """The rows that the person's entity leads to; another submission's words may have named it."""
        _, alias = self._world.entities.get(subject_alias(delivery, action) or "", (0, None))
        key = alias.prospect_key if alias else subject_key(delivery, action)
        _, entity = self._world.entities.get(key, (0, None))
        links: dict[str, str] = entity.links if entity else {}
        return links


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


# --- Stories ----------------------------------------------------------------------------------------------------------

ADDRESSES = st.sampled_from([*"aaabbcde", " A", "B"]).map(lambda letter: f"{letter}@X.example ")
NOTHING = st.sampled_from(["", "  ", None, "Scanned", " anonymous", "{{Email}}", "[Email]", "%Email%"])
SAID_ADDRESSES = ADDRESSES | ADDRESSES | ADDRESSES | ADDRESSES | NOTHING | st.sampled_from(["no address", ""])
FIRST = st.sampled_from(["Ann", "Ann", "Ann", "ANN ", "Bob", "", "Scanned"])
LAST = st.sampled_from(["Lee", "Lee", "Lee", " lee", "Ray", None, "[LastName]"])
WORDS = st.sampled_from(["r1", "r2", "r3", "r1", "r2", "", " ", None, 0, False, ["A", "B"], "Scanned", "{{Title}}"])
ROW_IDS = ["r1", "r2", "r3"]


def row_of(
    table: str,
    *,
    statecode: int = 0,
    survivor: str | None = None,
    contact: str | None = None,
    created: int = 1,
    modified: int = 1,
    **columns: Any,
) -> dict[str, Any]:
    """A row as it stands before the story."""
    states = {"statecode": statecode, "merged": survivor is not None, "_masterid_value": survivor}
    qualified = {"_parentcontactid_value": contact} if table == "lead" else {}
    dates = {"createdon": f"2026-01-0{created}T08:00:00Z", "modifiedon": f"2026-02-0{modified}T08:00:00Z"}
    return {**states, **qualified, **dates, **columns}


@st.composite
def seeded(draw: st.DrawFn) -> dict[Key, dict[str, Any]]:
    """A few rows of both tables, in any state, some of them leading to others."""
    every = st.tuples(st.sampled_from(["lead", "contact"]), st.sampled_from(ROW_IDS))
    keys = draw(st.lists(every, unique=True, min_size=2))
    return {key: draw(_row(key[0])) for key in keys}


def _row(table: str) -> st.SearchStrategy[dict[str, Any]]:
    open_mostly = st.sampled_from([0, 0, 0, 0, 0, 0, 1, 2] if table == "lead" else [0, 0, 0, 0, 0, 1])
    held = st.sampled_from(["a@x.example", "b@x.example", "C@X.example", "y@x.example", "z@x.example", ""])
    return st.builds(
        row_of,
        st.just(table),
        statecode=open_mostly,
        survivor=st.sampled_from([*[None] * 20, *ROW_IDS]),
        contact=st.sampled_from([None, *ROW_IDS]),
        created=st.integers(1, 3),
        modified=st.integers(1, 3),
        firstname=st.sampled_from(["Ann", "Ann", "ann", "Bob", None]),
        lastname=st.sampled_from(["Lee", "Lee", "LEE ", "Ray", ""]),
        jobtitle=st.sampled_from([None, "", "old", "r1"]),
        description=st.sampled_from([None, "old", "r1\nr2"]),
        emailaddress1=held,
        emailaddress2=st.none() | held,
        emailaddress3=st.none() | held,
    )


POLICIES = st.sampled_from(["overwrite", "fill_if_empty", "append", "create_only", "clear_if_blank", "clear_if_blank"])
EMAIL_POLICIES = st.sampled_from(["overwrite", "overwrite", "fill_if_empty", "create_only", "clear_if_blank"])


@st.composite
def mapping_rows(draw: st.DrawFn) -> tuple[MappingRow, ...]:
    """Each column once: names as a rule plainly, e-mail columns and texts in any way, in any order."""
    rows = [{"column": "firstname", "source": "FirstName"}, {"column": "lastname", "source": "LastName"}]
    rows += draw(st.lists(_text_row(), unique_by=_column, min_size=1, max_size=3))
    rows += draw(st.lists(_email_row(), unique_by=_column, min_size=1, max_size=3))
    return tuple(MappingRow.model_validate(row) for row in draw(st.permutations(rows)))


def _column(row: dict[str, Any]) -> str:
    return str(row["column"])


def _text_row() -> st.SearchStrategy[dict[str, Any]]:
    columns = {"column": st.sampled_from(TEXTS[2:]), "policy": POLICIES}
    defaults = {"default": st.sampled_from([None, None, None, "usual", 0])}
    sources = {"source": st.sampled_from(["Title", "Title", "Remark", "q.7", "{FirstName} {Title}", "{Title} {Nick}"])}
    said = st.fixed_dictionaries({**columns, **sources, **defaults})
    return said | said | st.fixed_dictionaries({**columns, "constant": st.sampled_from(["Expo", 0])})


def _email_row() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "column": st.sampled_from(EMAILS),
            "source": st.sampled_from(["Email", "Email", "Email", "Email2", "q.7"]),
            "policy": EMAIL_POLICIES,
            "default": st.sampled_from([None, None, None, "info@x.example", "a@x.example"]),
        }
    )


COMPANIES = st.sampled_from(["Acme", " ACME", "Globex", "Globex", "", "Scanned", None])
CAMPAIGNS = st.sampled_from(
    [
        {"name": EXPO, "as": "response"},
        {"name": EXPO, "as": "source"},
        {"name": FANS, "as": "list"},
        {"name": "Nobody knows it", "as": "response"},
    ]
)


@st.composite
def actions(draw: st.DrawFn) -> SyncAction:
    both = ["contacts_then_leads", "leads_then_contacts"]
    tables = draw(st.sampled_from([*both, *both, "leads", "leads", "contacts", "contacts", "off"]))
    rule = {
        "tables": tables,
        "by": draw(st.sampled_from(["email", "email_or_name", "email_or_name"])),
        "without_key": draw(st.sampled_from(["create", "skip"])),
        "inactive": draw(st.sampled_from(["ignore", "ignore", "reactivate"])),
    }
    dates = ["most_recently_updated", "most_recently_created", "least_recently_updated", "least_recently_created"]
    creates = ["lead", "lead", "contact", "contact", "lead" if tables == "off" else "none"]
    return SyncAction.model_validate(
        {
            "id": draw(st.uuids()).hex,
            "connection": "contoso",
            "match": rule,
            "on_duplicate": draw(st.sampled_from(dates)),
            "note": draw(st.booleans()),
            "account": draw(st.sampled_from([None, None, {"on_missing": "create"}, {"on_missing": "leave"}])),
            "campaigns": draw(st.lists(CAMPAIGNS, max_size=3)),
            "on_match": draw(st.sampled_from(["update", "update", "update", "none"])),
            "create": draw(st.sampled_from(creates)),
            "enabled": draw(st.sampled_from([True] * 19 + [False])),
        }
    )


def _moment(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


CAPTURES = st.fixed_dictionaries(
    {
        "event": st.sampled_from([*["captured"] * 16, "updated", "released", "released", "withdrawn"]),
        "occurred_at": st.sampled_from([*map(_moment, (0, 1, 2, 3, 4, 999)), None]),
        "submission": st.fixed_dictionaries(
            {"activity_id": st.sampled_from([None, 1, 2]), "hold_request_id": st.sampled_from([None] * 9 + [5])}
        ),
        "prospect": st.fixed_dictionaries(
            {
                "id": st.sampled_from([1, 1, 1, 2, 2, 3, None]),
                "fields": st.fixed_dictionaries(
                    {"Email": SAID_ADDRESSES, "FirstName": FIRST, "LastName": LAST},
                    optional={
                        "Email2": SAID_ADDRESSES,
                        "Company": COMPANIES,
                        **dict.fromkeys(("Title", "Nick", "Remark"), WORDS),
                    },
                ),
            }
        ),
        "answers": st.lists(
            st.fixed_dictionaries({"id": st.sampled_from([7, 8]), "value": SAID_ADDRESSES | WORDS}),
            max_size=2,
            unique_by=lambda answer: str(answer["id"]),
        ),
    }
)
OTHER_PEOPLES = st.sampled_from(["x@x.example", "y@x.example", "z@x.example", None])
EDITS = st.fixed_dictionaries({"emailaddress1": OTHER_PEOPLES, "jobtitle": st.sampled_from(["edited", "r1", None])})
BY_HAND = (
    EDITS
    | EDITS
    | EDITS
    | st.none()
    | st.fixed_dictionaries({"statecode": st.sampled_from([0, 1, 2])})
    | st.fixed_dictionaries({"merged": st.just(True), "_masterid_value": st.sampled_from(ROW_IDS)})
    | st.fixed_dictionaries({"statecode": st.just(1), "_parentcontactid_value": st.sampled_from(ROW_IDS)})
)
SAID = st.builds(Said, st.integers(0, 1), CAPTURES)
STEPS = SAID | SAID | SAID | st.builds(ByHand, st.integers(0, 5), BY_HAND) | st.builds(Repeated, st.integers(0, 5))


@st.composite
def mappings(draw: st.DrawFn) -> Mappings:
    """For both tables; now and then contacts have none."""
    has_none = draw(st.integers(0, 30)) == 30
    return {"lead": draw(mapping_rows())} | ({} if has_none else {"contact": draw(mapping_rows())})


STORIES = st.builds(
    Story,
    steps=st.lists(STEPS, min_size=2, max_size=8).map(tuple),
    rows=seeded(),
    mappings=mappings(),
    actions=st.lists(actions(), min_size=1, max_size=2, unique_by=lambda action: action.id).map(tuple),
    accounts=st.lists(st.sampled_from(["Acme", "Globex", "globex "]), max_size=2).map(tuple),
)


@settings(max_examples=300)
@given(STORIES)
def test_the_engine_does_what_the_product_says(story: Story) -> None:
    """Rows, values, outcomes and links are those of the rules as product.md writes them, delivery after delivery."""
    tell(story)


# --- Examples that were found -----------------------------------------------------------------------------------------

ADA = {"Email": "ada@x.example", "LastName": "Lovelace"}
NAME_AND_ADDRESS = ({"column": "lastname", "source": "LastName"}, {"column": "emailaddress1", "source": "Email"})


def _said(minute: int, **fields: Any) -> Said:
    capture = {"occurred_at": _moment(minute), "prospect": {"id": 1, "fields": ADA | fields}}
    return Said(0, capture)


def _leads(*steps: Step, rows: tuple[dict[str, Any], ...], by: str = "email", **seed: Any) -> Story:
    """Leads that are searched, from none on, or from the one that is given."""
    rule = {"tables": "leads", "by": by}
    action = SyncAction.model_validate(
        {"id": "booth", "connection": "contoso", "match": rule, "create": "lead", "note": False}
    )
    made = tuple(MappingRow.model_validate(row) for row in rows)
    seeds = {("lead", "r1"): row_of("lead", **seed)} if seed else {}
    return Story(steps, seeds, {"lead": made}, (action,))


def test_an_address_that_only_fills_does_no_more_when_it_comes_late() -> None:
    """In time it would have left the row as it is; late, it used to go to another e-mail column."""
    name, email = NAME_AND_ADDRESS
    edit = ByHand(0, {"emailaddress1": "z@x.example"})
    tell(_leads(_said(2), edit, _said(1), rows=(name, email | {"policy": "fill_if_empty"})))


def test_an_address_that_comes_late_goes_beside_the_newer_one() -> None:
    """The row keeps what somebody wrote into it, and nothing is lost."""
    tell(_leads(_said(2), ByHand(0, {"emailaddress1": "z@x.example"}), _said(1), rows=NAME_AND_ADDRESS))


@pytest.mark.parametrize("policy", ["overwrite", "fill_if_empty", "append", "create_only", "clear_if_blank"])
@pytest.mark.parametrize("edited", ["edited", None])
@pytest.mark.parametrize("words", ["older", ""])
def test_what_comes_late_only_fills(policy: str, edited: str | None, words: str) -> None:
    """Under every policy, whether the column was emptied in between or not."""
    title = {"column": "jobtitle", "source": "Title", "policy": policy}
    edit = ByHand(0, {"jobtitle": edited})
    tell(_leads(_said(2), edit, _said(1, Title=words), _said(0, Title="oldest"), rows=(*NAME_AND_ADDRESS, title)))


def test_a_link_that_rested_on_a_name_does_so_no_more_once_its_row_is_gone() -> None:
    """The row that was made instead is the person's own, and follows their address."""
    first = {"column": "firstname", "source": "FirstName"}
    named, again, moved = _said(0, FirstName="Ada"), _said(1), _said(2, Email="new@x.example")
    names = {"firstname": "Ada", "lastname": "Lovelace", "emailaddress1": "z@x.example"}
    steps = (named, ByHand(0, None), again, moved)
    tell(_leads(*steps, rows=(first, *NAME_AND_ADDRESS), by="email_or_name", **names))


def test_a_placeholder_clears_nothing() -> None:
    """It says as little as a hidden question, also of a field that was left blank before."""
    title = {"column": "jobtitle", "source": "Title", "policy": "clear_if_blank"}
    blank, token = _said(1, Title=""), _said(2, Title="{{Title}}")
    tell(_leads(_said(0), blank, ByHand(0, {"jobtitle": "edited"}), token, rows=(*NAME_AND_ADDRESS, title)))
