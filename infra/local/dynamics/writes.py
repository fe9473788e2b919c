"""Writing rows: what a body may say, conditions, and what the server fills in by itself.

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/perform-conditional-operations-using-web-api
"""

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.dynamics import refusals
from infra.local.dynamics.shown import etag
from infra.local.dynamics.store import Row, Store
from infra.local.dynamics.tables import Column, Table
from infra.local.dynamics.values import guid, stored_value

_REFERENCE = re.compile(r"(?:.*/)?(\w+)\(([0-9a-fA-F-]{36})\)")
_BIND = "@odata.bind"
_NAMED_PEOPLE = {"lead", "contact"}


@dataclass(frozen=True)
class Caller:
    """The application user a request is made by."""

    user_id: str
    business_unit_id: str


class Writer:
    def __init__(self, store: Store, tables: Mapping[str, Table], now: Callable[[], str]) -> None:
        self._store = store
        self._tables = tables
        self._sets = {table.set_name: table for table in tables.values()}
        self._now = now

    def create(self, table: Table, body: Mapping[str, Any], caller: Caller, *, row_id: str | None = None) -> Row:
        """The row as created; its id may be chosen by the caller, in the address or in the body."""
        given = body.get(table.id_column)
        chosen = row_id or (guid(table, table.id_column, given) if given else str(uuid.uuid4()))
        if self._store.get(table, chosen) is not None:
            raise refusals.row_exists()
        values = self._values(table, body, for_create=True)
        row = {**self._filled_in(table, caller), **values, table.id_column: chosen}
        if values.get("overriddencreatedon"):
            row["createdon"] = _as_moment(values["overriddencreatedon"])
        self._settle(table, row)
        self._store.put(table, row)
        return self._stored(table, chosen)

    def update(
        self, table: Table, row_id: str, body: Mapping[str, Any], caller: Caller, *, if_match: str | None
    ) -> Row:
        row = self.existing(table, row_id, if_match)
        values = self._values(table, body, for_create=False)
        changed = {**values, table.id_column: row_id, "modifiedon": self._now(), "modifiedby": caller.user_id}
        if "statecode" in values and "statuscode" not in values:
            changed["statuscode"] = _default_status(table, values["statecode"])
        self._settle(table, merged := {**row, **changed})
        if "fullname" in table.columns:
            changed["fullname"] = merged.get("fullname")
        self._store.put(
            table, {name: value for name, value in changed.items() if name in table.columns or "__" in name}
        )
        return self._stored(table, row_id)

    def delete(self, table: Table, row_id: str, *, if_match: str | None) -> None:
        self.existing(table, row_id, if_match)
        self._store.delete(table, row_id)

    def existing(self, table: Table, row_id: str, if_match: str | None) -> Row:
        """The row, provided that it has the ETag asked for; `*` asks only that it is there."""
        row = self._store.get(table, row_id)
        if row is None:
            raise refusals.row_missing(table.name, row_id)
        if if_match not in (None, "*", etag(row)):
            raise refusals.stale_etag()
        return row

    def seed(self, table: Table, values: Mapping[str, Any], caller: Caller) -> Row:
        """A row put there by a test or a person: nothing is refused, so that any state can be made."""
        row = {**self._filled_in(table, caller)}
        for name, value in values.items():
            column = table.by_read_name.get(name) or table.columns.get(name)
            if column is None:
                raise refusals.unknown_property(name, table.name)
            row[column.name] = int(value) if isinstance(value, bool) else value
            if column.is_lookup:
                row[f"{column.name}__table"] = column.targets[0]
        row.setdefault(table.id_column, str(uuid.uuid4()))
        row.setdefault("modifiedon", row.get("createdon"))
        if "createdon" in values and "modifiedon" not in values:
            row["modifiedon"] = row["createdon"]
        self._settle(table, row)
        self._store.put(table, row)
        return self._stored(table, row[table.id_column])

    def _stored(self, table: Table, row_id: str) -> Row:
        row = self._store.get(table, row_id)
        assert row is not None
        return row

    # --- What a body says -------------------------------------------------------------------------------------------

    def _values(self, table: Table, body: Mapping[str, Any], *, for_create: bool) -> Row:
        values: Row = {}
        for name, value in body.items():
            if name.endswith(_BIND):
                values |= self._bound(table, name.removesuffix(_BIND), value, for_create=for_create)
            elif not name.startswith("@") and name != table.id_column:
                column = self._column(table, name, for_create=for_create)
                values[column.name] = stored_value(table, column, value)
        _check_state(table, values)
        return values

    def _column(self, table: Table, name: str, *, for_create: bool) -> Column:
        column = table.columns.get(name)
        if column is None or not column.is_stored or column.is_lookup:
            raise refusals.unknown_payload_property(table.set_name, table.name, name)
        _require_writable(table, column, for_create=for_create)
        return column

    def _bound(self, table: Table, name: str, value: Any, *, for_create: bool) -> Row:
        """`campaignid@odata.bind`: a wrong name is an undeclared property with annotations only."""
        if name not in table.binds:
            words = (
                f"An undeclared property '{name}' which only has property annotations in the payload but no property "
                "value was found in the payload."
            )
            raise refusals.bad_payload(table.set_name, words)
        column, target_name = table.binds[name]
        _require_writable(table, column, for_create=for_create)
        if value is None:
            return {column.name: None, f"{column.name}__table": None}
        found = _REFERENCE.fullmatch(str(value))
        target = self._sets.get(found[1]) if found else None
        if found is None or target is None or column.navigation.get(target.name) != name:
            raise refusals.bad_payload(
                table.set_name, f"The value of '{name}' is no reference to a row of {target_name}."
            )
        if self._store.get(target, found[2].lower()) is None:
            raise refusals.bind_target_missing(target.name, found[2])
        return {column.name: found[2].lower(), f"{column.name}__table": target.name}

    # --- What the server fills in -----------------------------------------------------------------------------------

    def _filled_in(self, table: Table, caller: Caller) -> Row:
        now = self._now()
        row: Row = {column.name: _default(column) for column in table.stored if column.default is not None}
        row |= {"createdon": now, "modifiedon": now, "createdby": caller.user_id, "modifiedby": caller.user_id}
        row |= {"createdby__table": "systemuser", "modifiedby__table": "systemuser"}
        row |= {"ownerid": caller.user_id, "ownerid__table": "systemuser"}
        row |= {"owningbusinessunit": caller.business_unit_id, "merged": 0, "statecode": 0}
        known = {column.name for column in table.stored}
        return {name: value for name, value in row.items() if name.partition("__")[0] in known}

    def _settle(self, table: Table, row: Row) -> None:
        """What follows from other columns."""
        if "statuscode" in table.columns and row.get("statuscode") is None:
            row["statuscode"] = _default_status(table, row.get("statecode") or 0)
        if table.name in _NAMED_PEOPLE:
            row["fullname"] = " ".join(filter(None, (row.get("firstname"), row.get("lastname")))) or None


def _require_writable(table: Table, column: Column, *, for_create: bool) -> None:
    if not (column.creatable if for_create else column.updatable):
        raise refusals.not_writable(column.name, table.name)


def _check_state(table: Table, values: Row) -> None:
    """A status reason belongs to a state; for a new row that is the initial one."""
    if values.get("statuscode") is None or "statuscode" not in table.columns:
        return
    state = values.get("statecode")
    options = {option.value: option for option in table.columns["statuscode"].options}
    belongs = options[values["statuscode"]].state
    if state is not None and belongs is not None and belongs != state:
        raise refusals.wrong_status("statuscode", values["statuscode"])


def _default_status(table: Table, state: int) -> int | None:
    if "statecode" not in table.columns:
        return None
    return next((option.default_status for option in table.columns["statecode"].options if option.value == state), None)


def _default(column: Column) -> Any:
    return int(column.default) if isinstance(column.default, bool) else column.default


def _as_moment(text: str) -> str:
    return text if "T" in text else f"{text}T00:00:00Z"
