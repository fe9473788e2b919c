"""Who is to own a row: a user or a team of Dynamics, by e-mail address or name (webapi-facts, section 15).

https://learn.microsoft.com/power-apps/developer/data-platform/security-access-coding
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.references import Answer, NotAnswered, ReferenceQuery, References, can_be_asked_for, named_rows
from core.domain.row import Row
from core.domain.table import Target

USER = Target(table="systemuser", set_name="systemusers", navigation="ownerid")
TEAM = Target(table="team", set_name="teams", navigation="ownerid")
# systemuser.accessmode: support, non-interactive and delegated administrators own nothing that anybody looks at
_NOBODY = {3, 4, 5}
_OWNER_TEAM = 0  # team.teamtype; access teams own no rows


@dataclass(frozen=True, slots=True)
class Owner:
    target: Target
    row_id: str


def owner_queries(name: str) -> tuple[ReferenceQuery, ...]:
    """What to ask for a user's e-mail address or sign-in name, or the name of a user or team."""
    if not can_be_asked_for(name):
        return ()
    if "@" in name:
        return tuple(
            ReferenceQuery("systemuser", "systemusers", by, name) for by in ("internalemailaddress", "domainname")
        )
    return (
        ReferenceQuery("systemuser", "systemusers", "fullname", name),
        ReferenceQuery("team", "teams", "name", name),
    )


def owner_named(name: str, references: References) -> Owner | str:
    """The one owner that bears the name, or why there is none."""
    answers = [named_rows(query, references) for query in owner_queries(name)]
    found = {row.key: row for rows in answers if not isinstance(rows, NotAnswered) for row in rows}
    able = [row for row in found.values() if _can_own(row)]
    match able:
        case [row]:
            return Owner(USER if row.table == USER.table else TEAM, row.id)
        case []:
            return _why_nobody(name, answers)
        case _:
            return f"names {len(able)} owners in Dynamics"


def _why_nobody(name: str, answers: Sequence[Answer]) -> str:
    if not can_be_asked_for(name):
        return "is too long to be searched by"
    if refused := next((answer for answer in answers if isinstance(answer, NotAnswered)), None):
        return f"could not be looked up: {refused.why.removesuffix('.')}"
    return "is disabled or cannot own rows" if any(answers) else "is not known in Dynamics"


def _can_own(row: Row) -> bool:
    if row.table == TEAM.table:
        return row.columns.get("teamtype") in (None, _OWNER_TEAM)
    columns = row.columns
    return not (columns.get("isdisabled") or columns.get("applicationid") or columns.get("accessmode") in _NOBODY)
