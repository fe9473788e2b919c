"""A `$batch` out and in."""

from email import message_from_bytes
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dataverse.batch import batch, batch_parts, change_set
from core.dataverse.failures import error_code
from core.dataverse.protocol import Request, Response, look_up, who_am_i, write_request
from core.domain.delivery import RowWrite
from core.domain.matching import LookUp
from tests.builders import row_id
from tests.strategies import any_text

# In the shapes of Microsoft's documentation: mixed results, an error part, a change set.
ANSWER = b"""--batchresponse_7b0c
Content-Type: application/http
Content-Transfer-Encoding: binary

HTTP/1.1 204 No Content
OData-Version: 4.0
OData-EntityId: https://contoso.crm4.dynamics.com/api/data/v9.2/leads(21f7a0b4-2a01-f011-bae3-6045bd95a001)


--batchresponse_7b0c
Content-Type: application/http
Content-Transfer-Encoding: binary

HTTP/1.1 400 Bad Request
REQ_ID: 5f0f5d6e-0000-4000-8000-000000000002
Content-Type: application/json; odata.metadata=minimal
OData-Version: 4.0

{"error":{"code":"0x80044331","message":"The length of the 'mobilephone' attribute of the 'lead' entity is over '20'."}}
--batchresponse_7b0c
Content-Type: application/http
Content-Transfer-Encoding: binary

HTTP/1.1 200 OK
Content-Type: application/json; odata.metadata=minimal
OData-Version: 4.0

{"value":[{"@odata.etag":"W/\\"5510042\\"","contactid":"a3b1c9d0-6e11-f011-9989-000d3aa8c101"}]}
--batchresponse_7b0c
Content-Type: multipart/mixed; boundary=changesetresponse_9d1e

--changesetresponse_9d1e
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 1

HTTP/1.1 204 No Content
OData-EntityId: https://contoso.crm4.dynamics.com/api/data/v9.2/accounts(31f7a0b4-2a01-f011-bae3-6045bd95a001)


--changesetresponse_9d1e
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 2

HTTP/1.1 204 No Content
OData-EntityId: https://contoso.crm4.dynamics.com/api/data/v9.2/contacts(41f7a0b4-2a01-f011-bae3-6045bd95a001)


--changesetresponse_9d1e--
--batchresponse_7b0c--
"""
CRLF = ANSWER.replace(b"\n", b"\r\n")


def _parts(body: bytes, status: int = 200, boundary: str = "batchresponse_7b0c") -> list[Response]:
    return batch_parts(Response(status, {"content-type": f"multipart/mixed; boundary={boundary}"}, body))


def _sent(*requests: Request) -> list[bytes]:
    body = batch(requests, boundary="batch_a1").body or b""
    first, *parts, last = body.split(b"--batch_a1")
    assert (first, last) == (b"", b"--\r\n")
    return parts


# --- Out --------------------------------------------------------------------------------------------------------------


def test_the_outer_request() -> None:
    """One POST, whose content type names the boundary."""
    request = batch([who_am_i()], boundary="batch_a1")
    assert (request.method, request.path) == ("POST", "/api/data/v9.2/$batch")
    assert request.headers["Content-Type"] == 'multipart/mixed; boundary="batch_a1"'


def test_a_part_is_a_request_of_its_own() -> None:
    """With its own headers, for those of the outer request do not reach it."""
    (part,) = _sent(
        write_request(RowWrite(table="lead", row_id=row_id(1), etag='W/"1"', values={"lastname": "O'Hara"}))
    )
    head, inner, body = part.split(b"\r\n\r\n", 2)
    assert head.split(b"\r\n")[1:] == [b"Content-Type: application/http", b"Content-Transfer-Encoding: binary"]
    line, *headers = inner.decode().split("\r\n")
    assert line == f"PATCH /api/data/v9.2/leads({row_id(1)}) HTTP/1.1"
    assert {'If-Match: W/"1"', "OData-Version: 4.0", "Content-Type: application/json; charset=utf-8"} <= set(headers)
    assert body == b'{"lastname": "O\'Hara"}\r\n'


def test_a_get_ends_with_two_empty_lines() -> None:
    """Dataverse asks for them."""
    (part,) = _sent(who_am_i())
    assert part.endswith(b"\r\n\r\n\r\n")


@given(text=any_text.filter(bool), count=st.integers(1, 5))
def test_what_is_written_is_multipart_for_every_reader(text: str, count: int) -> None:
    """All lines end with CRLF; Python's own parser finds each request again."""
    requests = [
        look_up(LookUp("lead", emails=(text,)), ("leadid",)),
        write_request(RowWrite(table="lead", row_id=row_id(1), etag=None, values={"lastname": "x"})),
    ]
    request = batch(requests * count, boundary="batch_a1")
    body = request.body or b""
    assert b"\n" not in body.replace(b"\r\n", b"")
    read: Any = message_from_bytes(f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode() + body)
    assert not read.defects
    parts = [part.get_payload(decode=True) for part in read.get_payload()]
    assert [part.split(b" ")[:2] for part in parts] == [
        [each.method.encode(), each.path.encode()] for each in requests * count
    ]


# --- In ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [CRLF, ANSWER], ids=["CRLF", "bare LF"])
def test_the_answers_in_their_order(body: bytes) -> None:
    """Status, headers and body of each; those of a change set one by one."""
    parts = _parts(body)
    assert [part.status for part in parts] == [204, 400, 200, 204, 204]
    assert parts[0].headers["odata-entityid"].endswith("leads(21f7a0b4-2a01-f011-bae3-6045bd95a001)")
    assert error_code(parts[1]) == "0x80044331"
    assert parts[1].headers["req_id"].endswith("2")
    assert parts[2].json["value"][0]["@odata.etag"] == 'W/"5510042"'
    assert [part.headers["odata-entityid"][-40:-38] for part in parts[3:]] == ["ts", "ts"]
    assert all(not part.body for part in (parts[0], *parts[3:]))


def test_a_failed_batch_holds_the_answers_so_far() -> None:
    """Without continue-on-error the first failure ends it; the outer status is that failure's."""
    cut = b"--batchresponse_7b0c".join(CRLF.split(b"--batchresponse_7b0c")[:3]) + b"--batchresponse_7b0c--\r\n"
    assert [part.status for part in _parts(cut, status=400)] == [204, 400]


def test_a_part_without_a_status_line_is_left_out() -> None:
    """Also when its body speaks of one."""
    odd = b'--b\r\nContent-Type: application/http\r\n\r\n{"note": "HTTP/1.1 200 OK"}\r\n'
    good = b"--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 404 Not Found\r\nX: caf\xe9\r\n\r\n\r\n--b--"
    (part,) = _parts(odd + good, boundary="b")
    assert (part.status, part.headers, part.body) == (404, {"x": "café"}, b"")


@pytest.mark.parametrize("boundary", ["b_1", '"b_1"', "b_1; charset=utf-8"])
def test_a_boundary_may_stand_in_quotes(boundary: str) -> None:
    """Servers write it either way."""
    name = boundary.split(";", maxsplit=1)[0].strip('"')
    body = f"--{name}\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{{}}\r\n--{name}--".encode()
    assert [part.status for part in _parts(body, boundary=boundary)] == [200]


@pytest.mark.parametrize("content_type", ["application/json", "text/html", ""])
def test_an_answer_to_the_whole_batch_has_no_parts(content_type: str) -> None:
    """A 429 or 401 for all of it arrives as an ordinary answer."""
    assert batch_parts(Response(429, {"content-type": content_type}, b'{"error":{"code":"0x80072322"}}')) == []


@given(body=st.binary(max_size=200))
def test_no_answer_is_too_strange(body: bytes) -> None:
    """Whatever a proxy cuts short, what can be read is read."""
    assert all(100 <= part.status < 1000 for part in _parts(body + CRLF[: len(body) * 20]))


def test_a_change_set_is_one_part_with_numbered_requests() -> None:
    """Dataverse wants a Content-ID on each; the set stands within the batch."""
    writes = [RowWrite(table="lead", row_id=row_id(number), etag=None, values={"lastname": "x"}) for number in (1, 2)]
    request = change_set([write_request(write) for write in writes], name="n")
    assert request.headers["Content-Type"] == 'multipart/mixed; boundary="batch_n"'
    body = (request.body or b"").decode()
    assert body.startswith(
        '--batch_n\r\nContent-Type: multipart/mixed; boundary="changeset_n"\r\n\r\n--changeset_n\r\n'
    )
    assert body.endswith("--changeset_n--\r\n--batch_n--\r\n")
    assert [line for line in body.split("\r\n") if line.startswith("Content-ID")] == ["Content-ID: 1", "Content-ID: 2"]
