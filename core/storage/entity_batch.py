"""An entity group transaction as bytes, and what its answer says. No I/O.

The SDK's own takes 3 ms of a core for one entity and 30 ms for a hundred, most of it in the email package that it
builds and reads the parts with; this takes a tenth. Everything else stays the SDK's.
https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
https://learn.microsoft.com/rest/api/storageservices/payload-format-for-table-service-operations
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import quote

_encoded = json.JSONEncoder(separators=(",", ":")).encode
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.~|-]*")
_INT32 = range(-(2**31), 2**31)
_STATUS = re.compile(rb"^HTTP/1\.1 (\d{3})", re.MULTILINE)
_ETAG = re.compile(rb"^etag: *(.+?)\r?$", re.MULTILINE | re.IGNORECASE)
_BOUNDARY = re.compile(rb"--changesetresponse[^\r\n]*")
_CODE = re.compile(rb'"code" *: *"(\w+)"')


@dataclass(frozen=True, slots=True)
class Operation:
    """`insert` fails where the entity is there; the others replace or delete it on condition of `etag`, "*" for any
    that is there; `upsert` has no condition. `entity` holds its keys.
    """

    kind: Literal["insert", "upsert", "replace", "delete"]
    entity: Mapping[str, Any]
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was done."""

    status: int
    code: str


def batch_body(table_url: str, operations: Iterable[Operation], *, name: str) -> bytes:
    """`table_url`: of the table itself. `name`: a fresh one."""
    change_set = f"--changeset_{name}\r\n"
    parts = [f"--batch_{name}\r\nContent-Type: multipart/mixed; boundary=changeset_{name}\r\n\r\n"]
    for number, operation in enumerate(operations):
        parts += (change_set, _part(table_url, operation, number))
    parts.append(f"--changeset_{name}--\r\n\r\n--batch_{name}--\r\n")
    return "".join(parts).encode()


def _part(table_url: str, operation: Operation, number: int) -> str:
    method, address = _request_line(table_url, operation)
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary", f"Content-ID: {number}", ""]
    lines += [
        f"{method} {address} HTTP/1.1",
        "Accept: application/json;odata=minimalmetadata",
        "DataServiceVersion: 3.0",
    ]
    if operation.etag:
        lines.append(f"If-Match: {operation.etag}")
    if operation.kind == "delete":
        return "\r\n".join([*lines, "", "", ""])
    body = _encoded(_wire(operation.entity))  # ASCII, so its length is that of its bytes
    if operation.kind == "insert":
        lines.append("Prefer: return-no-content")
    lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", body, ""])


def _request_line(table_url: str, operation: Operation) -> tuple[str, str]:
    if operation.kind == "insert":
        return "POST", table_url
    partition, row = _quoted(operation.entity["PartitionKey"]), _quoted(operation.entity["RowKey"])
    method = "DELETE" if operation.kind == "delete" else "PUT"
    return method, f"{table_url}(PartitionKey='{partition}',RowKey='{row}')"


def _quoted(key: str) -> str:
    """For an address. Nearly all keys are of these characters, and quoting each byte takes its time."""
    return key.replace("|", "%7C") if _PLAIN_KEY.fullmatch(key) else quote(key.replace("'", "''"), safe="")


def _wire(entity: Mapping[str, Any]) -> dict[str, Any]:
    """Types that JSON does not tell apart are named. What is None is left out."""
    wire: dict[str, Any] = {}
    for name, value in entity.items():
        match value:
            case None:
                continue
            case bool() | str():
                wire[name] = value
            case int() if value in _INT32:
                wire[name] = value
            case float():
                wire |= {name: value, f"{name}@odata.type": "Edm.Double"}
            case datetime():
                text = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
                wire |= {name: text, f"{name}@odata.type": "Edm.DateTime"}
            case bytes():
                wire |= {name: base64.b64encode(value).decode(), f"{name}@odata.type": "Edm.Binary"}
            case _:
                raise TypeError(f"No table entity of ours holds such a {type(value).__name__} in {name}.")
    return wire


def batch_answer(body: bytes) -> list[str] | Refused:
    """The ETags of the entities in their order, "" for a deleted one; or why the transaction was refused."""
    etags: list[str] = []
    for part in _BOUNDARY.split(body)[1:]:
        status = _STATUS.search(part)
        if status is None:
            continue
        if not status[1].startswith(b"2"):
            code = _CODE.search(part)
            return Refused(int(status[1]), code[1].decode() if code else "")
        etag = _ETAG.search(part)
        etags.append(etag[1].decode() if etag else "")
    return etags


def error_code(body: bytes) -> str:
    """The service's own code in an answer that is no batch's."""
    found = _CODE.search(body) or re.search(rb"<Code>(\w+)</Code>", body)
    return found[1].decode() if found else ""
