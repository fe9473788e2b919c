"""Whether what stands after a history is what some one-at-a-time order of its deliveries would have given.

Orders are tried delivery by delivery, and left as soon as one says something else than was said; `updated` and
`unchanged` are one, for after a lost reply another delivery may have written equal values.
"""

from collections.abc import Iterator
from copy import deepcopy
from datetime import timedelta
from typing import Any

from core.domain.capture import Capture
from tests.core.sync.reference import Organization
from tests.core.sync.reference_columns import Columns, Key
from tests.histories.history import ACTIONS, EXPO, FANS, MAPPINGS, NOON, History, Said
from tests.histories.playing import Ended

SHOWN = (
    "firstname",
    "lastname",
    "emailaddress1",
    "emailaddress2",
    "emailaddress3",
    "jobtitle",
    "description",
    "statecode",
    "account",
    "campaign",
)
RECEIVED_AT = NOON + timedelta(days=1)
# What the control interface takes, as rows read.
_READ_AS = {"masterid": "_masterid_value", "parentcontactid": "_parentcontactid_value"}


def some_order(history: History, ended: Ended) -> tuple[int, ...] | None:
    """An order of delivery numbers that gives what stands; None where there is none."""
    created = {f"d{number}": went.row_id for number, went in ended.went.items() if went.outcome == "created"}
    start = Organization(
        MAPPINGS,
        {(row.table, row.row_id): _row(row.columns) for row in history.rows},
        campaigns={EXPO},
        lists={FANS: "lead"},
        new_ids=created,
    )
    return next(_orders(start, history.said, ended), None)


def _row(columns: dict[str, Any]) -> Columns:
    read = {_READ_AS.get(name, name): value for name, value in columns.items()}
    return {"statecode": 0, "merged": False, **read}


def _orders(organization: Organization, left: tuple[Said, ...], ended: Ended) -> Iterator[tuple[int, ...]]:
    if not left and _stands(organization, ended):
        yield ()
    for said in left:
        after = deepcopy(organization)
        if _says_the_same(after, said, ended):
            others = tuple(each for each in left if each is not said)
            yield from ((said.number, *order) for order in _orders(after, others, ended))


def _says_the_same(organization: Organization, said: Said, ended: Ended) -> bool:
    told = organization.deliver(f"d{said.number}", Capture.model_validate(said.body), ACTIONS[said.action], RECEIVED_AT)
    went = ended.went[said.number]
    return (_kind(told.outcome), told.table, told.row_id) == (_kind(went.outcome), went.table, went.row_id)


def _kind(outcome: str) -> str:
    return "matched" if outcome in ("updated", "unchanged") else outcome


def _stands(organization: Organization, ended: Ended) -> bool:
    rows, there = organization.rows, ended.standing
    return _shown(rows) == _shown(there.rows) and organization.beside() == there.beside


def _shown(rows: dict[Key, dict[str, Any]]) -> dict[Key, dict[str, Any]]:
    return {key: {name: row.get(name) or None for name in SHOWN} for key, row in rows.items()}
