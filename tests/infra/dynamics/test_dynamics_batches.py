"""$batch beyond the composed example: forms that are tolerated, limits, change sets, references."""

import httpx
import pytest

from tests.infra.dynamics.simulator import Crm, error, new_id, send_batch, statuses


def _part(line: str, body: str = "", *headers: str) -> str:
    head = "Content-Type: application/http\nContent-Transfer-Encoding: binary"
    inner = "\n".join((f"{line} HTTP/1.1", *headers, *(["Content-Type: application/json"] if body else [])))
    return f"--batch_a1\n{head}\n\n{inner}\n\n{body}\n"


def _change(content_id: str | None, line: str, body: str = "") -> str:
    head = "Content-Type: application/http\nContent-Transfer-Encoding: binary\n"
    head += f"Content-ID: {content_id}\n" if content_id else ""
    kind = "Content-Type: application/json\n" if body else ""
    return f"--changeset_c1\n{head}\n{line} HTTP/1.1\n{kind}\n{body}\n"


def _change_set(*changes: str) -> str:
    return f"--batch_a1\nContent-Type: multipart/mixed; boundary=changeset_c1\n\n{''.join(changes)}--changeset_c1--\n"


def _send(crm: Crm, *parts: str, goes_on: bool = True) -> httpx.Response:
    prefer = {"Prefer": "odata.continue-on-error"} if goes_on else {}
    return send_batch(crm, "".join(parts) + "--batch_a1--\n", **prefer)


def test_relative_and_absolute_addresses(crm: Crm) -> None:
    """A part may name its row below the root of the API, from the host, or as a whole URL."""
    row_id = crm.seed("lead", lastname="A")["leadid"]
    forms = (f"leads({row_id})", f"/api/data/v9.2/leads({row_id})", f"{crm.url}/api/data/v9.2/leads({row_id})")
    answer = _send(crm, *(_part(f"GET {form}?$select=leadid") for form in forms))
    assert statuses(answer) == [200, 200, 200]


def test_parts_have_headers_of_their_own(crm: Crm) -> None:
    """Conditions and preferences stand in the part; those outside do not reach inside."""
    row_id = crm.seed("lead", lastname="A")["leadid"]
    body = _part(f"PATCH leads({row_id})?$select=leadid", "{}", "If-None-Match: *")
    body += _part(f"PATCH leads({row_id})?$select=leadid", "{}", "Prefer: return=representation")
    body += _part(f"PATCH leads({row_id})", "{}")
    outer = "odata.continue-on-error,return=representation"
    answer = send_batch(crm, body + "--batch_a1--\n", Prefer=outer, **{"If-None-Match": "*"})
    assert statuses(answer) == [412, 200, 204]


def test_parts_see_what_came_before_them(crm: Crm) -> None:
    """They are carried out in their order."""
    row_id = new_id()
    answer = _send(
        crm,
        _part(f"GET leads({row_id})"),
        _part(f"PATCH leads({row_id})", '{"lastname":"A"}'),
        _part(f"GET leads({row_id})?$select=lastname"),
        _part(f"DELETE leads({row_id})"),
    )
    assert statuses(answer) == [404, 204, 200, 204]


def test_bare_line_feeds(crm: Crm) -> None:
    """They are read like CRLF."""
    body = _part("POST leads", '{"lastname":"A"}') + "--batch_a1--\n"
    headers = {"Content-Type": "multipart/mixed; boundary=batch_a1"}
    assert statuses(crm.api.post("$batch", content=body.encode(), headers=headers)) == [204]


def test_one_empty_line_after_a_read(crm: Crm) -> None:
    """Microsoft's client sends one, its documentation two: both are read."""
    reads = [f"--batch_a1\n{_HEAD}\nGET WhoAmI HTTP/1.1\n{lines}" for lines in ("\n", "\n\n")]
    assert statuses(_send(crm, *reads)) == [200, 200]


def test_inner_content_length_is_not_needed_and_does_no_harm(crm: Crm) -> None:
    """Some clients send it, Microsoft's does not."""
    assert statuses(_send(crm, _part("POST leads", '{"lastname":"A"}', "Content-Length: 16"))) == [204]


@pytest.mark.parametrize(("count", "status"), [(1000, 200), (1001, 400)])
def test_the_limit_of_requests(crm: Crm, count: int, status: int) -> None:
    """1,000 requests are the most; beyond, none is carried out, and the answer is no multipart."""
    answer = _send(crm, *(_part("GET WhoAmI") for _ in range(count)))
    assert answer.status_code == status
    assert status == 200 or answer.json()["error"]["code"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", "{}"),
        ("multipart/mixed", "--batch_a1--"),
        ("multipart/mixed; boundary=batch_a1", "nothing of the kind"),
        ("multipart/mixed; boundary=batch_a1", "--batch_a1\nContent-Type: text/plain\n\nx\n--batch_a1--"),
        ("multipart/mixed; boundary=batch_a1", "--batch_a1\nContent-Type: application/http\n\nnonsense\n--batch_a1--"),
    ],
)
def test_a_batch_that_cannot_be_read(crm: Crm, content_type: str, body: str) -> None:
    """It is a 400, and an ordinary answer."""
    answer = crm.api.post("$batch", content=body.encode(), headers={"Content-Type": content_type})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


_HEAD = "Content-Type: application/http\nContent-Transfer-Encoding: binary\n"
_POST = 'POST leads HTTP/1.1\nContent-Type: application/json\n\n{"lastname":"A"}\n'
_IN_CHANGE_SET = f"--changeset_c1\n{_HEAD}Content-ID: 1\n\n{_POST}"


@pytest.mark.parametrize(
    "body",
    [
        f"--batch_a1\n{_HEAD}\n{_POST}",
        f"--batch_a1\n{_HEAD}\n{_POST}--batch_a1\n",
        f"--batch_a1\n{_HEAD}\n{_POST}--batch_a1\n{_HEAD}\n{_POST}",
        f"--batch_a1\nContent-Type: multipart/mixed; boundary=changeset_c1\n\n{_IN_CHANGE_SET}\n--batch_a1--\n",
        f"--batch_a1\nContent-Type: application/http\n\n{_POST}--batch_a1--\n",
        f"--batch_a1\n{_HEAD}\n{_POST.replace('leads', 'https://elsewhere.example/api/data/v9.2/leads')}--batch_a1--\n",
    ],
)
def test_a_batch_that_is_not_whole(crm: Crm, body: str) -> None:
    """No end, no transfer encoding, another host: nothing of it is carried out."""
    assert send_batch(crm, body).status_code == 400
    assert crm.rows("lead") == []


def test_the_same_content_id_twice(crm: Crm) -> None:
    """Within a change set it is refused; two change sets may each have their own 1."""
    change = _change("1", "POST leads", '{"lastname":"A"}')
    assert statuses(_send(crm, _change_set(change, change))) == [400]
    assert crm.rows("lead") == []
    assert statuses(_send(crm, _change_set(change), _change_set(change))) == [204, 204]


def test_content_ids_of_ordinary_parts(crm: Crm) -> None:
    """They are allowed and name nothing: references are for change sets."""
    head = f"--batch_a1\n{_HEAD}Content-ID: 7\n\n{_POST}"
    assert statuses(_send(crm, head, _part("GET $7"))) == [204, 404]


def test_words_of_headers_in_any_case(crm: Crm) -> None:
    """Media types and parameters are the same in capitals."""
    headers = {"Content-Type": "Multipart/Mixed; Boundary=batch_a1"}
    assert statuses(send_batch(crm, f"--batch_a1\n{_HEAD}\n{_POST}--batch_a1--\n", **headers)) == [204]


def test_parts_that_fail_carry_a_request_id(crm: Crm) -> None:
    """It is what support asks for."""
    answer = _send(crm, _part("POST leads", '{"nothing":1}'), _part("GET WhoAmI"))
    assert answer.text.count("\r\nREQ_ID: ") == 1


def test_text_that_looks_like_a_reference(crm: Crm) -> None:
    """Only binds and addresses are replaced."""
    change = _change("2", "POST leads", '{"lastname":"$1","subject":"x@odata.bind: $1"}')
    assert statuses(_send(crm, _change_set(_change("1", "POST accounts", '{"name":"A"}'), change))) == [204, 204]
    (row,) = crm.rows("lead")
    assert (row["lastname"], row["subject"]) == ("$1", "x@odata.bind: $1")


def test_a_batch_within_a_batch(crm: Crm) -> None:
    """It is refused."""
    assert statuses(_send(crm, _part("POST $batch", "x"))) == [404]


def test_a_change_set_holds_no_reads(crm: Crm) -> None:
    """A GET inside is an error for all of it."""
    answer = _send(crm, _change_set(_change("1", "POST leads", '{"lastname":"A"}'), _change("2", "GET leads")))
    assert statuses(answer) == [400]
    assert crm.rows("lead") == []


def test_change_sets_need_content_ids(crm: Crm) -> None:
    """Without one, the change set is refused (as a client found)."""
    answer = _send(crm, _change_set(_change(None, "POST leads", '{"lastname":"A"}')))
    assert statuses(answer) == [400]
    assert "0x80060888" in answer.text


def test_references_in_addresses(crm: Crm) -> None:
    """A later part of a change set may change the row that an earlier one made."""
    answer = _send(
        crm,
        _change_set(
            _change("1", "POST leads", '{"lastname":"A"}'),
            _change("2", "PATCH $1", '{"jobtitle":"B"}'),
            _change("3", "PUT $1/lastname", '{"value":"C"}'),
        ),
    )
    assert statuses(answer) == [204, 204, 204]
    (row,) = crm.rows("lead")
    assert (row["lastname"], row["jobtitle"]) == ("C", "B")


def test_a_reference_before_its_time(crm: Crm) -> None:
    """An id that nothing has yet is refused, and nothing of the change set stays."""
    bind = '{"lastname":"A","parentcustomerid_account@odata.bind":"$2"}'
    answer = _send(crm, _change_set(_change("1", "POST contacts", bind), _change("2", "POST accounts", '{"name":"B"}')))
    assert statuses(answer) == [400]
    assert crm.rows("account") == []


def test_after_a_failed_change_set(crm: Crm) -> None:
    """The batch goes on only where it was asked to."""
    failing = _change_set(_change("1", "POST leads", '{"nothing":1}'))
    after = _part("POST leads", '{"lastname":"After"}')
    assert statuses(_send(crm, failing, after, goes_on=False)) == [400]
    assert crm.rows("lead") == []
    assert statuses(_send(crm, failing, after)) == [400, 204]
    assert len(crm.rows("lead")) == 1


def test_a_long_address_fits_into_a_part(crm: Crm) -> None:
    """65,536 characters there, 32,768 outside."""
    query = (
        "leads?$top=1&$filter=" + "statecode eq 1 or ".replace(" ", "%20") * 400 + f"lastname%20eq%20'{'x' * 30_000}'"
    )
    assert crm.api.get(query).status_code == 414
    assert statuses(_send(crm, _part(f"GET {query}"))) == [200]


def test_the_list_of_requests_shows_the_parts(crm: Crm) -> None:
    """Each with method, address and status; the batch itself is one request."""
    crm.control.post("reset")
    _send(crm, _part("GET leads?$top=1"), _part("POST leads", '{"nothing":1}'))
    (entry,) = crm.requests()
    assert (entry["method"], entry["path"], entry["status"]) == ("POST", "/api/data/v9.2/$batch", 200)
    assert entry["parts"] == [
        {"method": "GET", "path": "/api/data/v9.2/leads?$top=1", "status": 200},
        {"method": "POST", "path": "/api/data/v9.2/leads", "status": 400},
    ]


def test_a_batch_without_a_token(crm: Crm) -> None:
    """It is refused as a whole."""
    assert httpx.post(f"{crm.url}/api/data/v9.2/$batch", content=b"x").status_code == 401


def test_a_batch_by_get(crm: Crm) -> None:
    """Batches are posted."""
    assert error(crm.api.get("$batch"))[0] == 405
