"""CreateMultiple, UpdateMultiple, UpsertMultiple: all rows of a request or none.

https://learn.microsoft.com/power-apps/developer/data-platform/bulk-operations
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from infra.local.dynamics import errors
from infra.local.dynamics.addresses import ById, ByKey, RowKey, reference, row_key
from infra.local.dynamics.exchange import Answer, json_answer, no_content
from infra.local.dynamics.schema import Table
from infra.local.dynamics.values import guid
from infra.local.dynamics.work import Work
from infra.local.dynamics.writing import create_row, update_row

MESSAGES: Final = frozenset({"CreateMultiple", "UpdateMultiple", "UpsertMultiple", "DeleteMultiple"})

Target = Mapping[str, Any]


def carry_out(work: Work, table: Table, message: str, given: Mapping[str, Any], base: str) -> Answer:
    targets = _targets(table, message, given)
    # Whether duplicate rules can be asked for here is not documented; they are off.
    work = dataclasses.replace(work, checks_duplicates=False)
    if message == "CreateMultiple":
        ids = [create_row(work, table, target) for target in targets]
        context = f"{base}/$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse"
        answer = json_answer({"@odata.context": context, "Ids": ids})
    else:
        (_update_all if message == "UpdateMultiple" else _upsert_all)(work, table, targets)
        answer = no_content()
    answer.bulk_rows = len(targets)
    return answer


def _targets(table: Table, message: str, given: Mapping[str, Any]) -> list[Target]:
    targets = given.get("Targets")
    if not isinstance(targets, list) or not all(isinstance(target, dict) for target in targets):
        raise errors.payload(message, "The parameter 'Targets' must be a collection of rows.")
    if not targets:
        raise errors.invalid_argument("The Targets collection is empty.")
    for target in targets:
        _require_type(table, target)
    return targets


def _require_type(table: Table, target: Target) -> None:
    name = str(target.get("@odata.type", "")).removeprefix("#")
    if not name:
        raise errors.payload(table.set_name, "An entry without a type name was found; '@odata.type' is needed.")
    if name != f"Microsoft.Dynamics.CRM.{table.name}":
        raise errors.invalid_argument(f"All targets must be of the entity {table.name}, not {name}.")


def _update_all(work: Work, table: Table, targets: list[Target]) -> None:
    """A row that is there twice gets its first change only, without a word."""
    done: set[str] = set()
    for target in targets:
        row_id = _primary_key(table, target)
        if row_id is None:
            raise errors.payload(table.set_name, f"The primary key '{table.id}' is missing in a target.")
        row = work.require(table, ById(row_id))
        if row_id not in done:
            update_row(work, table, row, target)
        done.add(row_id)


def _upsert_all(work: Work, table: Table, targets: list[Target]) -> None:
    seen: set[str] = set()
    for target in targets:
        key = _upsert_key(table, target)
        mark = repr(key).lower()
        if mark in seen:
            raise errors.invalid_argument("A target is there twice; UpsertMultiple takes each row once.")
        seen.add(mark)
        if isinstance(key, ByKey) and key.values.keys() & target.keys():
            raise errors.invalid_argument("A column of the alternate key is in the body too.")
        row = work.find(table, key)
        if row is None:
            create_row(work, table, target, key=work.key_values(table, key))
        else:
            update_row(work, table, row, target)


def _upsert_key(table: Table, target: Target) -> RowKey:
    if address := target.get("@odata.id"):
        segment = reference(str(address))
        if segment.name != table.set_name or segment.arguments is None:
            raise errors.invalid_argument(f"'{address}' does not address a row of {table.set_name}.")
        return row_key(table, segment.arguments)
    row_id = _primary_key(table, target)
    if row_id is None:
        raise errors.payload(table.set_name, "A target has neither its primary key nor '@odata.id'.")
    return ById(row_id)


def _primary_key(table: Table, target: Target) -> str | None:
    value = target.get(table.id)
    found = guid(value) if isinstance(value, str) else None
    if value is not None and found is None:
        raise errors.payload(table.set_name, f"Cannot convert the literal '{value}' to the expected type 'Edm.Guid'.")
    return found
