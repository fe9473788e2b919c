"""Duplicate detection: which rules there are, and whether a row would break one.

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/manage-duplicate-detection-create-update

Duty: the match itself. That it is off unless a request asks for it, `writing` sees to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.local.dynamics.database import Database
from infra.local.dynamics.schema import Table


@dataclass(frozen=True, slots=True)
class DuplicateRule:
    """A published rule: two rows are duplicates when all these columns are equal and none is empty."""

    table: str
    columns: tuple[str, ...]


def shipped_rules() -> list[DuplicateRule]:
    return [
        DuplicateRule("account", ("name",)),
        DuplicateRule("contact", ("emailaddress1",)),
        DuplicateRule("lead", ("emailaddress1",)),
    ]


def breaks_a_rule(
    rules: Sequence[DuplicateRule], database: Database, table: Table, row_id: str, values: Mapping[str, Any]
) -> bool:
    return any(_breaks(rule, database, table, row_id, values) for rule in rules if rule.table == table.name)


def _breaks(rule: DuplicateRule, database: Database, table: Table, row_id: str, values: Mapping[str, Any]) -> bool:
    wanted = {name: values.get(name) for name in rule.columns}
    if any(value is None for value in wanted.values()):
        return False
    return any(found != row_id for found in database.ids_where(table, wanted))
