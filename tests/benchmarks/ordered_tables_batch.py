"""Transactions of `ordered_tables` on the wire: what each part asks for, and how the whole is answered.

https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

_QUOTED = r"'((?:[^']|''|%27%27)*)'"
_REQUEST = re.compile(
    rf"^(POST|PUT|PATCH|MERGE|DELETE) \S+?/(\w+)(?:\(PartitionKey={_QUOTED},RowKey={_QUOTED}\))?(?:\?\S*)? HTTP/1.1",
    re.MULTILINE,
)
_IF_MATCH = re.compile(r"^if-match: *(.+?)\r?$", re.MULTILINE | re.IGNORECASE)
_KEY = re.compile(r'"(PartitionKey|RowKey)": ?"((?:[^"\\]|\\.)*)"')
_BEGIN = (
    "--batchresponse_b\r\nContent-Type: multipart/mixed; boundary=changesetresponse_c\r\n\r\n"
    "{parts}--changesetresponse_c--\r\n--batchresponse_b--\r\n"
)
_PART = (
    "--changesetresponse_c\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    "HTTP/1.1 {status}\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-cache\r\nDataServiceVersion: 3.0;\r\n"
)


@dataclass(frozen=True, slots=True)
class Part:
    """A change of one entity."""

    method: str
    table: str
    partition: str
    row: str
    if_match: str | None
    body: bytes


def parts_of(body: bytes) -> list[Part]:
    boundary = re.search(rb"boundary=(changeset_\S+)", body)
    assert boundary, body[:200]
    return [_part(text.decode()) for text in body.split(b"--" + boundary[1])[1:-1]]


def _part(text: str) -> Part:
    request = _REQUEST.search(text)
    assert request, text
    head, _, body = text[request.start() :].partition("\r\n\r\n")
    if_match = _IF_MATCH.search(head)
    method, table, partition, row = request.groups()
    if partition is None:
        keys = {name: _text(value) for name, value in _KEY.findall(body)}
        partition, row = keys["PartitionKey"], keys["RowKey"]
    else:
        partition, row = (unquote(key).replace("''", "'") for key in (partition, row))
    return Part(method, table, partition, row, if_match[1] if if_match else None, body.strip().encode())


def _text(escaped: str) -> str:
    """A JSON string without its quotes."""
    return str(json.loads(f'"{escaped}"'))


def answer_of(etags: Iterable[str]) -> bytes:
    parts = (
        _PART.format(status="204 No Content") + (f"ETag: {etag}\r\n" if etag else "") + "\r\n\r\n" for etag in etags
    )
    return _BEGIN.format(parts="".join(parts)).encode()


def refusal_of(number: int, status: int, word: str, code: str) -> bytes:
    """Nothing was done, because of the part of that number."""
    problem = f'{{"odata.error":{{"code":"{code}","message":{{"lang":"en-US","value":"{number}:{code}"}}}}}}'
    head = _PART.format(status=f"{status} {word}")
    return _BEGIN.format(parts=f"{head}Content-Type: application/json\r\n\r\n{problem}\r\n").encode()
