"""What a drill-down shows of a request."""

from core.dataverse.notes import call_of
from core.dataverse.protocol import Request, Response

BATCH = Request(
    "POST",
    "/api/data/v9.2/$batch",
    body=(
        b"--b\r\n\r\nGET /api/data/v9.2/WhoAmI HTTP/1.1\r\n\r\n--b\r\n\r\n"
        b"GET /api/data/v9.2/leads?$filter=emailaddress1%20eq%20'mara@x.example' HTTP/1.1\r\n\r\n--b--"
    ),
)


def test_a_batch_is_shown_by_its_parts_without_what_was_asked_for() -> None:
    """Each with its status; whom it asked for is left out."""
    answer = Response(200, {"x-ms-service-request-id": "r-1"}, b"--c\r\n\r\nHTTP/1.1 200 OK\r\n\r\nHTTP/1.1 404 No\r\n")
    call = call_of(BATCH, answer, ms=12)
    assert (call.status, call.request_id, call.ms) == (200, "r-1", 12)
    assert call.parts == ("GET WhoAmI 200", "GET leads 404")
    assert "mara" not in call.model_dump_json()


def test_keys_that_are_no_ids_are_left_out() -> None:
    """An alternate key is what somebody said; an id is how people find the row."""
    row = "/api/data/v9.2/leads(90aa3b6e-4e50-4e11-8dee-000d3a4f1a01)"
    assert call_of(Request("PATCH", row), Response(204, {}, b""), ms=1).path == row
    by_email = Request("GET", "/api/data/v9.2/leads(emailaddress1='mara@x.example')?$select=leadid")
    assert call_of(by_email, Response(200, {}, b""), ms=1).path == "/api/data/v9.2/leads(…)"


def test_a_refusal_tells_dynamics_own_code_and_no_answer_is_told_too() -> None:
    """What an engineer hands to Microsoft's support."""
    refused = Response(400, {}, b'{"error": {"code": "0x80040333", "message": "mara@x.example exists"}}')
    assert call_of(Request("PATCH", "/leads"), refused, ms=1).code == "0x80040333"
    lost = call_of(BATCH, None, ms=60_000)
    assert (lost.status, lost.parts) == (0, ("GET WhoAmI no answer", "GET leads no answer"))
