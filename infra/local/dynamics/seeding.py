"""The rows that every environment begins with: organisation, business unit, currency, roles, application users.

Duty: to put them in where they are missing. All of them have ids of their own, so seeding twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from infra.local.dynamics.privileges import RIGHTS, Depth, all_privileges, privilege_id
from infra.local.dynamics.values import moment_text

if TYPE_CHECKING:  # the environment calls us
    from infra.local.dynamics.environment import Environment
    from infra.local.dynamics.schema import Table

FULL_ROLE: Final = "System Administrator"
_NON_INTERACTIVE: Final = 4
_BULK_MESSAGES: Final = ("CreateMultiple", "UpdateMultiple")  # UpsertMultiple is never listed

Seed = tuple[str, Mapping[str, Any]]


def seed(environment: Environment) -> None:
    with environment.database.transaction():
        for name, values in (*_organization(environment), *_security(environment), *_messages(environment)):
            put(environment, name, values)
        for client_id in environment.client_ids:
            add_application_user(environment, client_id)


def put(environment: Environment, name: str, values: Mapping[str, Any]) -> None:
    table = environment.schema.tables[name]
    if environment.database.fetch(table, values[table.id]) is None:
        stamped = {**_stamps(environment), **values}
        known = {column: value for column, value in stamped.items() if column in table.columns}
        typed = {name: value for name, value in stamped.items() if name.endswith("__type")}
        environment.database.insert(table, {**known, **typed})


def add_application_user(environment: Environment, client_id: str, *, roles: tuple[str, ...] | None = None) -> str:
    """A user with a full role, unless other roles (their ids) are given; `()` gives none."""
    client_id = client_id.lower()
    user_id = environment.ids.of(client_id)
    put(environment, "systemuser", _application_user(environment, client_id, user_id))
    for role_id in (environment.ids.full_role,) if roles is None else roles:
        grant(environment, user_id, role_id)
    return user_id


def grant(environment: Environment, user_id: str, role_id: str) -> None:
    pair = environment.ids.of(f"{user_id} {role_id}")
    put(environment, "systemuserroles", {"systemuserroleid": pair, "systemuserid": user_id, "roleid": role_id})


def put_role(environment: Environment, role_id: str, name: str, privileges: Mapping[str, int]) -> None:
    """A role with just these privileges (name to depth)."""
    role = {"roleid": role_id, "name": name, "businessunitid": environment.ids.business_unit}
    put(environment, "role", role)
    table = environment.schema.tables["roleprivileges"]
    for row_id in environment.database.ids_where(table, {"roleid": role_id}):
        environment.database.delete(table, row_id, at=moment_text(environment.clock.now()))
    for privilege, depth in privileges.items():
        pair = {
            "roleprivilegeid": environment.ids.of(f"{role_id} {privilege}"),
            "roleid": role_id,
            "privilegeid": privilege_id(privilege),
            "privilegedepthmask": depth,
        }
        put(environment, "roleprivileges", pair)


def _application_user(environment: Environment, client_id: str, user_id: str) -> dict[str, Any]:
    return {
        "systemuserid": user_id,
        "applicationid": client_id,
        "azureactivedirectoryobjectid": environment.ids.of(f"object {client_id}"),
        "firstname": "#",
        "lastname": f"Application {client_id}",
        "fullname": f"# Application {client_id}",
        "domainname": f"{client_id}@{environment.name}.example",
        "internalemailaddress": f"{client_id}@{environment.name}.example",
        "businessunitid": environment.ids.business_unit,
        "accessmode": _NON_INTERACTIVE,
        "isdisabled": 0,
        "islicensed": 0,
        "isintegrationuser": 0,
        "caltype": 0,
    }


def _stamps(environment: Environment) -> dict[str, Any]:
    now = moment_text(environment.clock.now())
    return {"createdon": now, "modifiedon": now}


def _organization(environment: Environment) -> Iterator[Seed]:
    ids = environment.ids
    yield (
        "transactioncurrency",
        {
            "transactioncurrencyid": ids.currency,
            "currencyname": "Euro",
            "isocurrencycode": "EUR",
            "currencysymbol": "€",
            "currencyprecision": 2,
            "exchangerate": 1.0,
            "statecode": 0,
            "statuscode": 1,
        },
    )
    organization = {"organizationid": environment.organization_id, "name": environment.name, "languagecode": 1033}
    organization |= {"isduplicatedetectionenabled": 1, "expirechangetrackingindays": 7, "basecurrencyid": ids.currency}
    organization |= {"pricingdecimalprecision": 2}
    yield "organization", organization
    yield "businessunit", {"businessunitid": ids.business_unit, "name": environment.name, "isdisabled": 0}
    team = {"teamid": ids.team, "name": environment.name, "teamtype": 0, "isdefault": 1}
    yield "team", {**team, "businessunitid": ids.business_unit}


def _security(environment: Environment) -> Iterator[Seed]:
    for name, verb in all_privileges(environment.schema):
        reaches = dict.fromkeys(("canbebasic", "canbelocal", "canbedeep", "canbeglobal"), 1)
        yield "privilege", {"privilegeid": privilege_id(name), "name": name, "accessright": RIGHTS[verb], **reaches}
    role_id = environment.ids.full_role
    yield "role", {"roleid": role_id, "name": FULL_ROLE, "businessunitid": environment.ids.business_unit}
    for name, _ in all_privileges(environment.schema):
        pair = {"roleid": role_id, "privilegeid": privilege_id(name), "privilegedepthmask": int(Depth.GLOBAL)}
        yield "roleprivileges", {"roleprivilegeid": environment.ids.of(f"{role_id} {name}"), **pair}
    yield (
        "systemuserroles",
        {
            "systemuserroleid": environment.ids.of(f"team {role_id}"),
            "systemuserid": environment.ids.team,
            "roleid": role_id,
        },
    )


def _messages(environment: Environment) -> Iterator[Seed]:
    for message in _BULK_MESSAGES:
        message_id = environment.ids.of(message)
        yield "sdkmessage", {"sdkmessageid": message_id, "name": message}
        for table in environment.schema.tables.values():
            if message in table.bulk:
                row = {"sdkmessagefilterid": environment.ids.of(f"{message} {table.name}")}
                yield "sdkmessagefilter", {**row, "sdkmessageid": message_id, "primaryobjecttypecode": table.name}


def touch(environment: Environment, table: Table, row_id: str) -> None:
    """A change by somebody else: a new version, and a later modification."""
    environment.database.update(table, row_id, {"modifiedon": moment_text(environment.clock.now())})
