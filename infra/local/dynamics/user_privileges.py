"""What a user may, as functions tell it: all privileges, or one by its name.

https://learn.microsoft.com/power-apps/developer/data-platform/security-access-coding
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from infra.local.dynamics import errors
from infra.local.dynamics.database import Row
from infra.local.dynamics.privileges import Depth
from infra.local.dynamics.work import Work

Document = dict[str, Any]
_NO_FILTER: Final = {"RecordFilterId": "00000000-0000-0000-0000-000000000000", "RecordFilterUniqueName": ""}


def retrieve_user_privileges(work: Work, user: Row, _parameters: Mapping[str, str]) -> Document:
    held = work.environment.callers.privileges(user["systemuserid"])
    return {
        "RolePrivileges": [
            {**_role_privilege(work, user, name, depth), **_NO_FILTER} for name, depth in sorted(held.items())
        ]
    }


def retrieve_user_privilege_by_name(work: Work, user: Row, parameters: Mapping[str, str]) -> Document:
    """An empty collection says that the user lacks it [D]; a name that no privilege has is refused [P], code [K]."""
    name = parameters.get("PrivilegeName", "")
    if _privilege_id(work, name) is None:
        raise errors.invalid_argument(f"There is no privilege with the name '{name}'.")
    depth = work.environment.callers.privileges(user["systemuserid"]).get(name)
    return {"RolePrivileges": [] if depth is None else [_role_privilege(work, user, name, depth)]}


def _role_privilege(work: Work, user: Row, name: str, depth: int) -> Document:
    return {
        "Depth": Depth(depth).name.title(),
        "PrivilegeId": _privilege_id(work, name),
        "BusinessUnitId": user["businessunitid"],
        "PrivilegeName": name,
    }


def _privilege_id(work: Work, name: str) -> str | None:
    found = work.database.select("SELECT privilegeid FROM privilege WHERE name = ?", (name,))
    return found[0][0] if found else None


USER_FUNCTIONS: Final[Mapping[str, Callable[[Work, Row, Mapping[str, str]], Document]]] = {
    "RetrieveUserPrivileges": retrieve_user_privileges,
    "RetrieveUserPrivilegeByPrivilegeName": retrieve_user_privilege_by_name,
}
