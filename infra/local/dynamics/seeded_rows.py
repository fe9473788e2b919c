"""Rows as the control interface sees them: all columns, read and put in as they are.

Duty: what the Web API would refuse to set (createdon, statecode, merged) can be set here; types and lengths are
checked all the same, so that no test builds on a row that could not exist.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from infra.local.dynamics import errors
from infra.local.dynamics.callers import Caller
from infra.local.dynamics.database import Row
from infra.local.dynamics.environment import Environment
from infra.local.dynamics.platform_columns import derive, for_new_row, set_owner
from infra.local.dynamics.privileges import Depth, all_privileges
from infra.local.dynamics.representation import etag, lookup_target
from infra.local.dynamics.schema import Column, Table
from infra.local.dynamics.states import settle_state
from infra.local.dynamics.values import guid, shown_value, stored_value
from infra.local.dynamics.work import Work


def all_rows(environment: Environment, table: Table) -> list[dict[str, Any]]:
    """Every column that has a value; lookups as `_x_value`, with the table they point at."""
    return [_shown(table, row) for row in environment.database.fetch_all(table)]


def seed_row(environment: Environment, table: Table, given: Mapping[str, Any]) -> dict[str, Any]:
    work = Work(environment, _system(environment), environment.clock.now())
    values = _values(work, table, given)
    values.setdefault(table.id, str(uuid.uuid4()))
    chosen = dict(values)
    with environment.database.transaction():
        if environment.database.fetch(table, values[table.id]) is not None:
            raise errors.row_exists()
        settle_state(table, values, {})
        for_new_row(work, table, values)
        if table.is_owned and not values.get("ownerid"):
            set_owner(work, table, values, "systemuser", _first_user(environment))
        if table.name == "systemuser":
            values.setdefault("businessunitid", environment.ids.business_unit)
            values["isdisabled"] = values.get("isdisabled") or 0
        values |= chosen
        derive(table, values, {})
        environment.database.insert(table, values | {name: chosen[name] for name in ("fullname",) if name in chosen})
    row = environment.database.fetch(table, values[table.id])
    assert row is not None
    return _shown(table, row)


def _shown(table: Table, row: Row) -> dict[str, Any]:
    shown: dict[str, Any] = {"@odata.etag": etag(row)}
    for column in table.columns.values():
        if not column.is_stored or row[column.name] is None:
            continue
        shown[column.read_name] = shown_value(column, row[column.name])
        if column.is_lookup:
            shown[f"{column.read_name}@Microsoft.Dynamics.CRM.lookuplogicalname"] = lookup_target(column, row)
    return shown


def _values(work: Work, table: Table, given: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name.endswith("@odata.bind"):
            _bound(work, table, values, name.removesuffix("@odata.bind"), value)
        elif "@" not in name:
            column = table.readable_names.get(name) or table.columns.get(name)
            if column is None or not column.is_stored:
                raise errors.property_unknown(name, table.name)
            _put(work, table, values, column, value, given.get(f"{name}@Microsoft.Dynamics.CRM.lookuplogicalname"))
    return values


def _bound(work: Work, table: Table, values: dict[str, Any], name: str, value: Any) -> None:
    single = table.singles.get(name)
    if single is None:
        raise errors.unknown_bind(table.set_name, name)
    target, row_id = work.target(str(value))
    _put(work, table, values, table.columns[single.column], row_id, target.name)


def _put(work: Work, table: Table, values: dict[str, Any], column: Column, value: Any, target: Any) -> None:
    if not column.is_lookup:
        values[column.name] = stored_value(table, column, value)
        return
    row_id = guid(str(value)) if value is not None else None
    if value is not None and row_id is None:
        raise errors.invalid_argument(f"'{value}' is not a guid.")
    values[column.name] = row_id
    if column.type_name and row_id:
        values[column.type_name] = target or _holder(work, column, row_id)


def _holder(work: Work, column: Column, row_id: str) -> str:
    """The table that has this row, when a lookup of several tables is given without it."""
    tables = [work.schema.tables[name] for name in column.targets if name in work.schema.tables]
    for table in tables:
        if work.database.fetch(table, row_id):
            return table.name
    raise errors.invalid_argument(f"No row of {', '.join(column.targets)} has the id {row_id}.")


def _system(environment: Environment) -> Caller:
    privileges = {name: int(Depth.GLOBAL) for name, _ in all_privileges(environment.schema)}
    return Caller(_first_user(environment), environment.ids.business_unit, 0, 1, privileges)


def _first_user(environment: Environment) -> str:
    return environment.ids.of(environment.client_ids[0].lower()) if environment.client_ids else environment.ids.team
