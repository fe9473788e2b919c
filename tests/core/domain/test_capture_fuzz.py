"""Whatever bytes a sender sends: a capture that everything behind the parser can take, or a reason."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.domain.capture import Capture, identity
from core.domain.capture_body import Unreadable, read_capture
from core.domain.delivery import Delivery
from core.domain.prospect import Prospect
from core.domain.settling import settled_without_search
from core.domain.subject import subject_of
from core.domain.submission import Heard, heard_keys, next_step
from core.storage.document import packed, unpacked
from core.storage.log_row import index_names, told
from tests.builders import NOON, action, delivery, document, mapping

TYPES = (
    "",
    "application/json",
    "application/json; charset=utf-16",
    "application/x-www-form-urlencoded",
    "text/plain",
    "multipart/form-data; boundary=x",
    "text/xml",
    "\x00\x7f",
)
DOCUMENT = json.dumps(document()).encode()
FLAT = (
    b"activity_id=9001&prospect_id=777&form_id=42&captured_by=Ann+Lee&FirstName=Mara&Email=mara%40x.example&q.12=A%3BB"
)
NAMES = (
    *("event", "delivery_id", "occurred_at", "form", "submission", "prospect", "answers", "fields", "id", "name"),
    *(
        "activity_id",
        "hold_request_id",
        "type",
        "rating",
        "owner",
        "title",
        "value",
        "Email",
        "q.12",
        "code",
        "signature",
    ),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["withdrawn", "released", "transcription", "{{Email}}", "2026-05-04T10:00:00Z", "0", " "]),
)
NESTED: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=8), inner, max_size=5)
    ),
    max_leaves=20,
)
JSON_BODIES = NESTED.map(lambda value: json.dumps(value).encode())
CONTRACT_BODIES = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("event", "occurred_at", "form", "submission", "prospect", "answers", "more"), NESTED)
).map(lambda value: json.dumps(value).encode())


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A body as it should be, with some bytes cut out and others put in."""
    body = draw(st.sampled_from([DOCUMENT, FLAT]))
    at = draw(st.integers(0, len(body)))
    gone = draw(st.integers(0, 12))
    return body[:at] + draw(st.binary(max_size=8)) + body[at + gone :]


BODIES = st.one_of(st.binary(max_size=200), mutated(), JSON_BODIES, CONTRACT_BODIES)
QUERIES = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=8), st.text(max_size=12), max_size=4)


@given(BODIES, st.sampled_from(TYPES), QUERIES)
@example(b'{"a": ' * 70 + b"1" + b"}" * 70, "", {})
@example(b'{"submission": {"activity_id": 1e400}}', "application/json", {})
@example(b'{"occurred_at": 1e18, "Email": "x"}', "application/json", {})
@example(b'{"occurred_at": "0001-01-01T00:00:00+14:00", "Email": "x"}', "application/json", {})
@example(b'{"occurred_at": "9999-12-31T23:59:59-14:00", "Email": "x"}', "application/json", {})
@example(b'{"Email": "\\ud800"}', "application/json", {})
@example(b"%F0%28=%00&=&&q.=x&q.12", "application/x-www-form-urlencoded", {"q.": "\ud800"})
def test_any_body_is_a_capture_or_a_reason(body: bytes, content_type: str, query: dict[str, str]) -> None:
    """And what is a capture can be named, stored, read back, ordered among others, settled and logged."""
    read = read_capture(body=body, content_type=content_type, query=query)
    if isinstance(read, Unreadable):
        assert read.reason.endswith(".")
        return
    received = delivery(read).model_copy(update={"id": identity("booth", read), "due_at": NOON + timedelta(seconds=30)})
    stored = unpacked(packed(received), Delivery)
    assert identity("booth", stored.capture) == received.id
    assert heard_keys(stored) == heard_keys(received)
    step = next_step(stored, Heard(), ())
    subject = subject_of(step.delivery, action(), {"lead": mapping()}, Prospect())
    settled = settled_without_search(subject)
    assert settled is None or settled.reason
    done = step.delivery.model_copy(update={"state": "done", "result": settled}) if settled else None
    assert done is None or index_names(done, [])
    _fits_a_table(told(step.delivery))


def _fits_a_table(entity: dict[str, Any]) -> None:
    """A text property holds 32 Ki UTF-16 units."""
    for name, value in entity.items():
        assert not isinstance(value, str) or len(value.encode("utf-16-le", "surrogatepass")) <= 64 * 1024, name


@pytest.mark.parametrize("name", ["form_id", "activity_id", "prospect_id", "event_name", "form_name", "FirstName"])
def test_ids_and_names_of_any_length_fit_the_log(name: str) -> None:
    """A template that puts a whole text where an id belongs must not keep a capture from being concluded."""
    read = read_capture(body=f"{name}={'x' * 200_000}&Email=a%40x.example".encode(), content_type="", query={})
    assert isinstance(read, Capture)
    _fits_a_table(told(delivery(read)))
