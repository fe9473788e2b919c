"""Reads one document through a table client's own pipeline: its sign-in, retries and connections.

The SDK's own reading takes a millisecond of a core, most of it in finding out types that a document of ours does not
have: it stands in text, or in binary properties that their names tell.
https://learn.microsoft.com/rest/api/storageservices/query-entities
"""

import base64
import json
from typing import Any
from urllib.parse import quote

from azure.core.rest import HttpRequest
from azure.data.tables.aio import TableClient

from core.storage.entity_batch import error_code
from core.storage.failures import failure_for, storage_failures

_OK, _NOT_FOUND = 200, 404
_ABSENT = {"ResourceNotFound", "EntityNotFound"}


async def document_at(table: TableClient, partition: str, row: str, *, what: str) -> tuple[dict[str, Any], str] | None:
    """The properties that hold a document, with the entity's ETag; None where it is not there. Raises RetryableError
    for anything else. `what` names the work, for engineers.
    """
    with storage_failures(what):
        # The client has no public way to send a request of one's own; its version is pinned, and tests compare the two.
        response = await table._client._client.send_request(_request(table, partition, row), stream=True)  # noqa: SLF001
        async with response:
            body = await response.read()
        if response.status_code != _OK:
            code = error_code(body)
            if response.status_code == _NOT_FOUND and code in _ABSENT:
                return None
            raise failure_for(response.status_code, code)
    return dict(map(_property, json.loads(body).items())), str(response.headers["ETag"])


def _request(table: TableClient, partition: str, row: str) -> HttpRequest:
    service = table.url.rstrip("/")
    partition, row = (quote(key.replace("'", "''"), safe="") for key in (partition, row))
    headers = {
        "Accept": "application/json;odata=nometadata",
        "x-ms-version": "2019-02-02",
        "DataServiceVersion": "3.0",
        "MaxDataServiceVersion": "3.0;NetFx",
    }
    address = f"{service}/{table.table_name}(PartitionKey='{partition}',RowKey='{row}')"
    return HttpRequest("GET", address, headers=headers)


def _property(named: tuple[str, Any]) -> tuple[str, Any]:
    name, value = named
    return (name, base64.b64decode(value)) if name.startswith("document_") else named
