"""Sends entity group transactions through a table client's own pipeline: its sign-in, retries and connections."""

import uuid
from collections.abc import Sequence

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.core.rest import HttpRequest
from azure.data.tables import TableErrorCode
from azure.data.tables.aio import TableClient

from core.errors import RetryableError
from core.storage.entity_batch import Operation, Refused, batch_answer, batch_body, error_code
from core.storage.failures import storage_failures

_ACCEPTED = 202
_DENIED = {401, 403}
_LOST_CONDITIONS = {
    TableErrorCode.ENTITY_ALREADY_EXISTS,
    TableErrorCode.ENTITY_NOT_FOUND,
    TableErrorCode.RESOURCE_NOT_FOUND,
    TableErrorCode.UPDATE_CONDITION_NOT_SATISFIED,
}


async def submitted(table: TableClient, operations: Sequence[Operation], *, what: str) -> list[str] | None:
    """The entities' ETags; None where a condition did not hold. `what` names the work, for engineers.

    Raises RetryableError for anything else.
    """
    service, name = table.url.rstrip("/"), str(uuid.uuid4())
    request = HttpRequest(
        "POST",
        f"{service}/$batch",
        headers={
            "Content-Type": f"multipart/mixed; boundary=batch_{name}",
            "Accept": "application/json",
            "x-ms-version": "2019-02-02",
            "DataServiceVersion": "3.0",
            "MaxDataServiceVersion": "3.0;NetFx",
        },
        content=batch_body(f"{service}/{table.table_name}", operations, name=name),
    )
    with storage_failures(what):
        # The client has no public way to send a request of one's own; its version is pinned, and tests compare the two.
        response = await table._client._client.send_request(request, stream=True)  # noqa: SLF001
        async with response:
            body = await response.read()
        if response.status_code != _ACCEPTED:
            raise _failure(response.status_code, error_code(body))
    answer = batch_answer(body)
    if isinstance(answer, Refused):
        if answer.code in _LOST_CONDITIONS:
            return None
        raise RetryableError(_MISSING if answer.code == "TableNotFound" else _REFUSED, code=answer.code, detail=what)
    if len(answer) != len(operations):
        raise RetryableError("Storage's answer to a transaction was not complete.", detail=what)
    return answer


_MISSING = "A storage table is missing: deploy the template again."
_REFUSED = "Storage refused a transaction."


def _failure(status: int, code: str) -> HttpResponseError:
    error = (ClientAuthenticationError if status in _DENIED else HttpResponseError)(message=f"HTTP {status} {code}")
    error.status_code = status
    error.error_code = code  # type: ignore[attr-defined]  # as the table client's own errors name it
    return error
