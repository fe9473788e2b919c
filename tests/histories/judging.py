"""Whether what stands after a history is what some one-at-a-time order of its deliveries would have given.

Orders are tried delivery by delivery, and left as soon as one says something else than was said; `updated` and
`unchanged` are one, for after a lost reply another delivery may have written equal values.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from core.domain.capture import Capture
from tests.core.sync.reference import Organization
from tests.core.sync.reference_columns import Columns, Key
from tests.core.sync.reference_submissions import Told
from tests.histories.history import ACTIONS, EXPO, FANS, MAPPINGS, NOON, History, Said
from tests.histories.playing import Ended, Went

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
RECEIVED_AT = NOON + timedelta(days=1)  # the first; the next a second later each
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
    orders = _Orders(ended, _later(history.said))
    return next(orders.found(start, history.said), None)


def _row(columns: dict[str, Any]) -> Columns:
    read = {_READ_AS.get(name, name): value for name, value in columns.items()}
    return {"statecode": 0, "merged": False, **read}


@dataclass(frozen=True, slots=True)
class _Orders:
    """Orders of receiving, with each carried out at once; or later too, where that it came in first matters."""

    ended: Ended
    later: frozenset[str]

    def found(self, organization: Organization, left: tuple[Said, ...]) -> Iterator[tuple[int, ...]]:
        waiting = organization.waiting()
        if not left and not waiting and _stands(organization, self.ended):
            yield ()
        at_once = [name for name in waiting if name not in self.later]
        for name in at_once or waiting:
            after = deepcopy(organization)
            after.carry_out(name)
            if _may_become(after.submissions.delivered[name].told, self.ended.went[_number(name)]):
                yield from self.found(after, left)
        for said in left if not at_once else ():
            after = deepcopy(organization)
            received_at = RECEIVED_AT + timedelta(seconds=len(after.submissions.answered_by))
            after.receive(f"d{said.number}", Capture.model_validate(said.body), ACTIONS[said.action], received_at)
            others = tuple(each for each in left if each is not said)
            yield from ((said.number, *order) for order in self.found(after, others))


def _number(name: str) -> int:
    return int(name.removeprefix("d"))


def _later(said: tuple[Said, ...]) -> frozenset[str]:
    """Those that may be carried out after others that came in later. All of them, where one is held, ends what is, or
    says no time of its own; else those of one submission that give its person an id, or none.
    """
    matters = any(_is_of_a_submission(each) or not each.body.get("occurred_at") for each in said)
    return frozenset(f"d{each.number}" for each in said if matters or any(_says_who(each, other) for other in said))


def _says_who(one: Said, other: Said) -> bool:
    """Whether both are of one submission, and who that is hangs on which of them came first."""
    submissions = [(each.action, each.body.get("submission", {}).get("activity_id")) for each in (one, other)]
    named = [bool(each.body["prospect"].get("id")) for each in (one, other)]
    return submissions[0] == submissions[1] and submissions[0][1] is not None and not all(named) and one is not other


def _is_of_a_submission(said: Said) -> bool:
    """Held, or ending what is."""
    is_held = bool(said.body.get("submission", {}).get("hold_request_id"))
    return is_held or said.body.get("event", "captured") != "captured"


def _may_become(told: Told | None, went: Went) -> bool:
    """What is held can still become something else."""
    return told is not None and (told.outcome == "held" or _is_said(told, went))


def _is_said(told: Told, went: Went) -> bool:
    return (_kind(told.outcome), told.table, told.row_id) == (_kind(went.outcome), went.table, went.row_id)


def _kind(outcome: str) -> str:
    return "matched" if outcome in ("updated", "unchanged") else outcome


def _stands(organization: Organization, ended: Ended) -> bool:
    rows, there = organization.rows, ended.standing
    if not all(_is_said(organization.told(f"d{number}"), went) for number, went in ended.went.items()):
        return False
    return _shown(rows) == _shown(there.rows) and organization.beside() == there.beside


def _shown(rows: dict[Key, dict[str, Any]]) -> dict[Key, dict[str, Any]]:
    return {key: {name: row.get(name) or None for name in SHOWN} for key, row in rows.items()}
