"""BulkDelete: rows by their ids. A job in Dataverse; here it is over when the answer comes."""

import uuid
from collections.abc import Mapping
from typing import Any

from infra.local.dynamics import errors
from infra.local.dynamics.schema import Table
from infra.local.dynamics.values import guid
from infra.local.dynamics.work import Work
from infra.local.dynamics.writing import delete_row


def bulk_delete(work: Work, given: Mapping[str, Any]) -> dict[str, Any]:
    for query in given.get("QuerySet") or ():
        table = work.schema.tables.get(str(query.get("EntityName")))
        if table is None:
            raise errors.table_unknown(str(query.get("EntityName")))
        for row_id in _ids(table, query):
            row = work.database.fetch(table, row_id)
            if row is not None:
                delete_row(work, table, row)
    return {"JobId": str(uuid.uuid4())}


def _ids(table: Table, query: Mapping[str, Any]) -> list[str]:
    match (query.get("Criteria") or {}).get("Conditions"):
        case [{"AttributeName": name, "Operator": "In" | "Equal", "Values": list(values)}] if name == table.id:
            found = (guid(str(value.get("Value"))) for value in values if isinstance(value, dict))
            return [row_id for row_id in found if row_id]
    raise errors.not_simulated("BulkDelete by anything but a list of ids")
