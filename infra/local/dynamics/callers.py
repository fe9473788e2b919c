"""Who asks, and what they may: application users, their roles, the privileges these add up to.

Duty: from an application's id to a `Caller`, and the checks with their documented refusals. Whether the token is good,
`verify` says, which is handed in.

https://learn.microsoft.com/power-platform/admin/manage-application-users
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from infra.local.dynamics import errors
from infra.local.dynamics.database import Database, Row
from infra.local.dynamics.privileges import Depth, Verb, privilege_id, privilege_name
from infra.local.dynamics.schema import Schema, Table

_TABLES: Final = ("systemuser", "systemuserroles", "roleprivileges", "role", "privilege")
_PRIVILEGES_OF: Final = """
    SELECT privilege.name, max(roleprivileges.privilegedepthmask) FROM systemuserroles
    JOIN roleprivileges ON roleprivileges.roleid = systemuserroles.roleid
    JOIN privilege ON privilege.privilegeid = roleprivileges.privilegeid
    WHERE systemuserroles.systemuserid = ? GROUP BY privilege.name
"""


@dataclass(frozen=True, slots=True)
class Caller:
    user_id: str
    business_unit_id: str
    access_mode: int
    roles: int
    privileges: Mapping[str, int]
    """Name to depth."""

    def depth(self, verb: Verb, table: Table) -> int:
        return self.privileges.get(privilege_name(verb, table), 0)

    def require(self, verb: Verb, table: Table) -> None:
        if self.depth(verb, table):
            return
        name = privilege_name(verb, table)
        raise errors.privilege_missing(
            self._principal(), privilege=name, privilege_id=privilege_id(name), code=table.code, table=table.name
        )

    def require_row(self, verb: Verb, table: Table, row: Row) -> None:
        """With user depth only own rows can be reached."""
        self.require(verb, table)
        if not self.reaches(verb, table, row):
            raise errors.row_access_denied(table.name, row[table.id])

    def reaches(self, verb: Verb, table: Table, row: Row) -> bool:
        own = row.get("ownerid") in {None, self.user_id}
        return own or not table.is_owned or self.depth(verb, table) > Depth.BASIC

    def _principal(self) -> str:
        return (
            f"Principal user (Id={self.user_id}, type=8, roleCount={self.roles}, "
            f"privilegeCount={len(self.privileges)}, accessMode={self.access_mode})"
        )


class Callers:
    """Read again only after users, roles or privileges have changed."""

    def __init__(self, database: Database, schema: Schema) -> None:
        self._database = database
        self._schema = schema
        self._known: dict[str, Caller] = {}
        self._as_of: tuple[int, ...] = ()

    def application(self, client_id: str) -> Caller:
        """Raises what the Web API answers to somebody it does not know, or who may nothing."""
        users = self._schema.tables["systemuser"]
        return self._caller("applicationid", client_id.lower(), users)

    def user(self, user_id: str) -> Caller:
        return self._caller("systemuserid", user_id, self._schema.tables["systemuser"])

    def privileges(self, user_id: str) -> dict[str, int]:
        return dict(self._database.select(_PRIVILEGES_OF, (user_id,)))

    def _caller(self, column: str, value: str, users: Table) -> Caller:
        as_of = tuple(self._database.changes[name] for name in _TABLES)
        if as_of != self._as_of:
            self._known.clear()
            self._as_of = as_of
        if value not in self._known:
            self._known[value] = self._read(column, value, users)
        return self._known[value]

    def _read(self, column: str, value: str, users: Table) -> Caller:
        ids = self._database.ids_where(users, {column: value})
        row = self._database.fetch(users, ids[0]) if ids else None
        if row is None:
            raise errors.not_a_member()
        user_id = row["systemuserid"]
        if row["isdisabled"]:
            raise errors.user_disabled(user_id)
        roles = self._database.select("SELECT count(*) FROM systemuserroles WHERE systemuserid = ?", (user_id,))[0][0]
        if not roles:
            raise errors.no_roles(user_id)
        return Caller(user_id, row["businessunitid"], row["accessmode"] or 0, roles, self.privileges(user_id))
