"""A history: a few captures about few people, said at the same time to several hosts, some of them more than once, one
by one or several in one bulk action.

Duty: what is in it, and making one from a seed. Everything in it bears a tag of its own, so that many histories can
be played in one organisation.
"""

import random
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from core.domain.action import SyncAction
from core.domain.mapping import MappingRow

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
DELIVERIES_MOST = 6
HELD_MOST = 4
CONNECTION = "histories"
# The same columns in both tables; a lead has a subject beside.
ROWS = tuple(
    MappingRow.model_validate(row)
    for row in (
        {"column": "firstname", "source": "FirstName"},
        {"column": "lastname", "source": "LastName"},
        {"column": "emailaddress1", "source": "Email"},
        {"column": "emailaddress2", "source": "Email2"},
        {"column": "jobtitle", "source": "Title"},
        {"column": "description", "source": "Remark", "policy": "append"},
    )
)
SUBJECT = MappingRow.model_validate({"column": "subject", "constant": "Booth", "policy": "create_only"})
MAPPINGS = {"lead": (*ROWS, SUBJECT), "contact": ROWS}


EXPO, FANS = "History 26", "History fans"
BESIDE = [{"name": EXPO, "as": "response"}, {"name": EXPO, "as": "source"}, {"name": FANS, "as": "list"}]


def _action(number: int, tables: str, by: str = "email", **settings: Any) -> SyncAction:
    match = {"tables": tables, "by": by, **settings.pop("match", {})}
    usual = {"id": f"history-{number}", "connection": CONNECTION, "create": "lead", "note": False}
    return SyncAction.model_validate({**usual, **settings, "match": match})


ACTIONS = {
    action.id: action
    for action in (
        _action(0, "contacts_then_leads"),
        _action(1, "contacts_then_leads", "email_or_name"),
        _action(2, "leads", "email_or_name", on_duplicate="least_recently_updated"),
        _action(3, "leads_then_contacts", create="contact"),
        _action(4, "contacts_then_leads", create="none"),
        _action(5, "off"),
        _action(6, "contacts_then_leads", "email_or_name", on_match="none"),
        _action(7, "contacts", create="contact", match={"without_key": "skip"}),
        _action(8, "leads_then_contacts", "email_or_name", on_duplicate="most_recently_created"),
        _action(9, "contacts_then_leads", note=True, account={"on_missing": "create"}, campaigns=BESIDE),
        _action(10, "contacts", "email_or_name", create="contact", note=True, account={}, campaigns=BESIDE[:1]),
        _action(12, "contacts", "email_or_name", create="contact", match={"without_key": "create"}),
        _action(13, "contacts", filter={"all": [{"field": "Company", "contains": "acme"}]}),
        _action(11, "leads", note=True, match={"inactive": "reactivate"}, account={"on_missing": "leave"}),
    )
}


@dataclass(frozen=True, slots=True)
class Said:
    """One delivery: the body that is posted, under which action, and at which hosts."""

    number: int
    action: str
    body: dict[str, Any]
    hosts: tuple[int, ...]
    in_bulk: bool = False  # with the history's others that are, in one bulk action


@dataclass(frozen=True, slots=True)
class Seeded:
    """A row that is there already."""

    table: str
    row_id: str
    columns: dict[str, Any]


@dataclass(frozen=True, slots=True)
class History:
    seed: int
    tag: str
    said: tuple[Said, ...]
    rows: tuple[Seeded, ...]
    faults: int  # how many may strike at each host

    def without(self, number: int) -> "History":
        return replace(self, said=tuple(each for each in self.said if each.number != number))

    def without_row(self, row_id: str) -> "History":
        return replace(self, rows=tuple(each for each in self.rows if each.row_id != row_id))


def random_history(seed: int, *, hosts: int, run: str = "") -> History:
    """The same seed, the same history, but for the names of a run."""
    choice = random.Random(seed)
    tag = f"h{seed}{run}"
    times = choice.sample(range(20), choice.randint(2, DELIVERIES_MOST))
    said = [_said(choice, tag, number, minute, hosts) for number, minute in enumerate(times)]
    made = choice.choice([_as_they_are, _as_they_are, _partly_in_bulk, _partly_held, _partly_timeless])(choice, said)
    ids = [str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{tag}-{number}")) for number in range(choice.randrange(4))]
    rows = tuple(_seeded(choice, tag, row_id, ids) for row_id in ids)
    return History(seed, tag, made, rows, faults=choice.choice([0, 1, 2, 4]))


def one_person_often(number: int) -> History:
    """Captures of one address at two hosts, by prospects that Captello does not know to be one."""
    tag = f"often{number}"
    said = tuple(
        Said(
            number,
            "history-0",
            {
                "occurred_at": (NOON + timedelta(minutes=number)).isoformat(),
                "form": {"id": tag},
                "submission": {"activity_id": number + 1},
                "prospect": {
                    "id": f"{tag}-{number}",
                    "fields": {"Email": f"a@{tag}.example", "LastName": f"Lee {tag}"},
                },
            },
            (number % 2,),
        )
        for number in range(4)
    )
    return History(number, tag, said, (), faults=0)


def _said(choice: random.Random, tag: str, number: int, minute: int, hosts: int) -> Said:
    fields = {
        "Email": _address(choice, tag, "aab "),
        "FirstName": choice.choice(["Ann", "Ann", ""]),
        "LastName": f"{choice.choice(['Lee', 'Ray'])} {tag}",
        "Title": choice.choice(["", f"t{number}"]),
        "Remark": choice.choice(["", f"r{number}"]),
        "Company": choice.choice(["", f"Acme {tag}", f"ACME {tag} ", f"Globex {tag}"]),
    }
    if choice.random() < 0.4:
        fields["Email2"] = _address(choice, tag, "abc ")
    prospect = choice.choice([1, 1, 2, None])
    body = {
        "event": "captured",
        "occurred_at": (NOON + timedelta(minutes=minute)).isoformat(),
        "form": {"id": tag},
        "submission": {"activity_id": choice.choice([1, number + 1])},
        "prospect": {"id": prospect and f"{tag}-{prospect}", "fields": fields},
        "answers": [{"id": 12, "title": "Wishes", "value": choice.choice(["", f"w{number}"])}],
    }
    sent_to = tuple(choice.randrange(hosts) for _ in range(choice.choice([1, 1, 2])))
    return Said(number, choice.choice(list(ACTIONS)), body, sent_to)


def _as_they_are(choice: random.Random, said: list[Said]) -> tuple[Said, ...]:
    return tuple(said)


def _partly_held(choice: random.Random, said: list[Said]) -> tuple[Said, ...]:
    """Some are of one submission, by one action: held, released, withdrawn. Few, for orders have more steps then."""
    action, few = choice.choice(list(ACTIONS)), said[:HELD_MOST]
    together = choice.randint(2, len(few))
    return tuple(_in_submission(choice, each, action) if each.number < together else each for each in few)


def _partly_timeless(choice: random.Random, said: list[Said]) -> tuple[Said, ...]:
    """Some say no time of their own: when they come in decides, whoever is carried out first. Few, as above."""
    return tuple(_timeless(each) if choice.random() < 0.5 else each for each in said[:HELD_MOST])


def _timeless(said: Said) -> Said:
    own = {"activity_id": said.number + 1}  # the order of receiving in one submission need not be that of the clocks
    return replace(said, body={**said.body, "occurred_at": None, "submission": own})


def _in_submission(choice: random.Random, said: Said, action: str) -> Said:
    event = choice.choice(["captured", "captured", "updated", "released", "released", "withdrawn"])
    hold = f"{said.body['form']['id']}-hold"
    names = {"activity_id": 1, "hold_request_id": choice.choice([None, hold, hold])}
    if choice.random() < 0.2:
        names["activity_id"] = None
    return replace(said, action=action, body={**said.body, "event": event, "submission": names})


def _partly_in_bulk(choice: random.Random, said: list[Said]) -> tuple[Said, ...]:
    """A bulk action has one action for all. Lines without an id would get one of the batch."""
    together, action = choice.choice([2, len(said)]), choice.choice(list(ACTIONS))
    return tuple(_in_bulk(each, action) if each.number < together else each for each in said)


def _in_bulk(said: Said, action: str) -> Said:
    named = {**said.body, "delivery_id": f"{said.body['form']['id']}-{said.number}"}
    return replace(said, action=action, body=named, in_bulk=True)


def _address(choice: random.Random, tag: str, letters: str) -> str:
    letter = choice.choice(letters).strip()
    return f"{letter}@{tag}.example" if letter else ""


def _seeded(choice: random.Random, tag: str, row_id: str, ids: list[str]) -> Seeded:
    table, other = choice.choice(["lead", "contact"]), choice.choice(ids)
    closed: list[dict[str, Any]] = [{"statecode": 2 if table == "lead" else 1}]
    if other != row_id:
        closed.append({"statecode": 1, "merged": True, "masterid": other})
        if table == "lead":
            closed.append({"statecode": 1, "parentcontactid": other})
    columns = {
        "emailaddress1": _address(choice, tag, "abz"),
        "emailaddress2": choice.choice([None, None, f"b@{tag}.example"]),
        "firstname": "Ann",
        "lastname": f"{choice.choice(['Lee', 'Ray', 'Other'])} {tag}",
        "createdon": f"2026-01-0{choice.randint(1, 3)}T08:00:00Z",
        "modifiedon": f"2026-02-0{choice.randint(1, 3)}T08:00:00Z",
        **choice.choice([{}, {}, {}, *closed]),
    }
    return Seeded(table, row_id, columns)
