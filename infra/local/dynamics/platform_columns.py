"""What the platform itself puts into rows: names put together, composites, money in base currency, timestamps.

Duty: values for read-only columns and defaults. State and status are `states`'.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from infra.local.dynamics.schema import Table
from infra.local.dynamics.work import Work

_PEOPLE: Final = frozenset({"lead", "contact", "systemuser"})
_ADDRESS_LINES: Final = ("line1", "line2", "line3")


def for_new_row(work: Work, table: Table, values: dict[str, Any]) -> None:
    """Defaults, timestamps and lookups of a row that is being made."""
    _set(table, values, createdon=work.moment, modifiedon=work.moment)
    _point(table, values, "createdby", "systemuser", work.caller.user_id)
    _point(table, values, "modifiedby", "systemuser", work.caller.user_id)
    if values.get("overriddencreatedon"):
        # The client's date becomes the creation date; the column keeps when the row really came in.
        values["createdon"], values["overriddencreatedon"] = values["overriddencreatedon"], work.moment
    _set_defaults(table, values)
    _set_currency(work, table, values)
    if table.is_activity:
        _set(table, values, activitytypecode=table.name)
    if table.name == "annotation":
        _set(table, values, objecttypecode=values.get("objectid__type"))


def for_changed_row(work: Work, table: Table, values: dict[str, Any]) -> None:
    _set(table, values, modifiedon=work.moment)
    _point(table, values, "modifiedby", "systemuser", work.caller.user_id)


def derive(table: Table, values: dict[str, Any], current: Mapping[str, Any]) -> None:
    """Columns that follow from others, as they will be after the change."""
    after = {**current, **values}
    if table.name in _PEOPLE and values.keys() & {"firstname", "lastname"}:
        values["fullname"] = " ".join(filter(None, (after.get("firstname"), after.get("lastname")))) or None
    for name in _composites(table):
        prefix = name.removesuffix("composite")
        if any(column.startswith(prefix) for column in values):
            values[name] = _composite(after, prefix)
    for name in _money(table):
        if name in values or "exchangerate" in values:
            amount, rate = after.get(name), after.get("exchangerate") or 1.0
            values[f"{name}_base"] = None if amount is None else round(amount / rate, 4)
    if table.name == "annotation" and "documentbody" in values:
        body = values["documentbody"]
        values["isdocument"] = int(body is not None)
        values["filesize"] = len(body or "") * 3 // 4


def set_owner(work: Work, table: Table, values: dict[str, Any], owner_table: str, owner_id: str) -> None:
    _point(table, values, "ownerid", owner_table, owner_id)
    _point(table, values, "owninguser", "systemuser", owner_id if owner_table == "systemuser" else None)
    _point(table, values, "owningteam", "team", owner_id if owner_table == "team" else None)
    _point(table, values, "owningbusinessunit", "businessunit", work.environment.ids.business_unit)


def _set(table: Table, values: dict[str, Any], **given: Any) -> None:
    values |= {name: value for name, value in given.items() if name in table.columns}


def _point(table: Table, values: dict[str, Any], name: str, target: str, row_id: str | None) -> None:
    column = table.columns.get(name)
    if column is None:
        return
    values[name] = row_id
    if column.type_name:
        values[column.type_name] = target if row_id else None


def _set_defaults(table: Table, values: dict[str, Any]) -> None:
    for column in table.columns.values():
        if column.default is not None and values.get(column.name) is None and column.is_stored:
            values[column.name] = int(column.default) if isinstance(column.default, bool) else column.default


def _set_currency(work: Work, table: Table, values: dict[str, Any]) -> None:
    """Rows with money have a currency; the organisation's, when none is given."""
    if "transactioncurrencyid" not in table.columns or not any(_money(table)):
        return
    if values.get("transactioncurrencyid") is None:
        values["transactioncurrencyid"] = work.environment.ids.currency
    if "exchangerate" in table.columns:
        currency = work.database.fetch(work.schema.tables["transactioncurrency"], values["transactioncurrencyid"])
        values["exchangerate"] = currency["exchangerate"] if currency else 1.0


def _money(table: Table) -> Iterable[str]:
    return (
        name for name, column in table.columns.items() if column.kind == "Money" and f"{name}_base" in table.columns
    )


def _composites(table: Table) -> Iterable[str]:
    return (name for name in table.columns if name.endswith("_composite"))


def _composite(values: Mapping[str, Any], prefix: str) -> str | None:
    """An address as its lines."""
    city = " ".join(filter(None, (values.get(f"{prefix}stateorprovince"), values.get(f"{prefix}postalcode"))))
    lines = [values.get(f"{prefix}{line}") for line in _ADDRESS_LINES]
    lines += [", ".join(filter(None, (values.get(f"{prefix}city"), city))), values.get(f"{prefix}country")]
    return "\r\n".join(line for line in lines if line) or None
