"""Roles and users on the order of a test: who may what."""

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from infra.local.control import BadOrderError
from infra.local.dynamics.environment import Environment
from infra.local.dynamics.privileges import Depth, all_privileges
from infra.local.dynamics.seeding import add_application_user, grant, put_role
from infra.local.dynamics.values import moment_text

DepthName = Literal["basic", "local", "deep", "global"]


class RoleOrder(BaseModel):
    """`privileges` names them, with a depth for each or one for all, or `"all"`; `without` takes some away again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    privileges: tuple[str, ...] | dict[str, DepthName] | Literal["all"] = "all"
    without: tuple[str, ...] = ()
    depth: DepthName = "global"

    def depths(self, known: Iterable[str]) -> dict[str, int]:
        wanted = known if self.privileges == "all" else self.privileges
        named = wanted if isinstance(wanted, dict) else dict.fromkeys(wanted, self.depth)
        return {name: int(Depth[depth.upper()]) for name, depth in sorted(named.items()) if name not in self.without}


class UserOrder(BaseModel):
    """An application user by its client id, or any user by id; `roles` in place of those it had."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_id: str | None = None
    systemuserid: str | None = None
    roles: tuple[str, ...] | None = None
    disabled: bool | None = None


def order_role(environment: Environment, order: RoleOrder) -> dict[str, Any]:
    known = {name for name, _ in all_privileges(environment.schema)}
    depths = order.depths(known)
    if unknown := (depths.keys() | set(order.without)) - known:
        raise BadOrderError(f"There is no privilege {min(unknown)}.")
    role_id = environment.ids.of(f"role {order.name}")
    put_role(environment, role_id, order.name, depths)
    return {"roleid": role_id, "name": order.name, "privileges": len(depths)}


def order_user(environment: Environment, order: UserOrder) -> dict[str, Any]:
    user_id = order.systemuserid
    if order.client_id is not None:
        user_id = add_application_user(environment, order.client_id, roles=() if order.roles is not None else None)
    users = environment.schema.tables["systemuser"]
    if user_id is None or environment.database.fetch(users, user_id) is None:
        raise BadOrderError("There is no such user.")
    if order.roles is not None:
        _set_roles(environment, user_id, order.roles)
    if order.disabled is not None:
        environment.database.update(users, user_id, {"isdisabled": int(order.disabled)})
    return {"systemuserid": user_id}


def _set_roles(environment: Environment, user_id: str, names: tuple[str, ...]) -> None:
    roles, pairs = environment.schema.tables["role"], environment.schema.tables["systemuserroles"]
    for pair in environment.database.ids_where(pairs, {"systemuserid": user_id}):
        environment.database.delete(pairs, pair, at=moment_text(environment.clock.now()))
    for name in names:
        found = environment.database.ids_where(roles, {"name": name})
        if not found:
            raise BadOrderError(f"There is no role {name}.")
        grant(environment, user_id, found[0])
