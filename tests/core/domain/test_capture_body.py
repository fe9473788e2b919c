"""Every documented body is read; every other one is `Unreadable` with a reason, and nothing is ever raised."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.capture import Capture, Event, identity
from core.domain.capture_body import Unreadable, read_capture
from core.domain.values import FieldValue
from tests.builders import document
from tests.strategies import json_documents

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
FLAT: dict[str, Any] = {
    "occurred_at": "2026-05-04T10:00:00Z",
    "form_id": 42,
    "form_name": "Booth",
    "form_event": "Expo 26",
    "activity_id": 9001,
    "submission_type": "barcode",
    "captured_by": "Ann Lee",
    "rating": 3,
    "prospect_id": 777,
    "owner": "ann@x.example",
    "FirstName": "Mara",
    "LastName": "O'Hara",
    "Email": "mara@x.example",
    "Company": "Fabrikam",
    "q.12": "A;B",
}


def _read(body: bytes, content_type: str = JSON, **query: str) -> Capture:
    read = read_capture(body=body, content_type=content_type, query=query)
    assert isinstance(read, Capture), read
    return read


def _reason(body: bytes, content_type: str = JSON) -> str:
    read = read_capture(body=body, content_type=content_type, query={})
    assert isinstance(read, Unreadable), read
    return read.reason


def _values(capture: Capture) -> dict[str, FieldValue]:
    return dict(capture.values())


# --- Documented bodies ------------------------------------------------------------------------------------------------


def test_the_documented_nested_body() -> None:
    """Every part of the contract's example stands where its name says."""
    capture = _read(json.dumps(document()).encode())
    assert capture.event is Event.CAPTURED
    assert capture.occurred_at == datetime(2026, 5, 4, 10, tzinfo=UTC)
    assert (capture.form.id, capture.form.name, capture.form.event) == ("42", "Booth", "Expo 26")
    submission = capture.submission
    assert (submission.activity_id, submission.hold_request_id, submission.type) == ("9001", None, "barcode")
    assert (submission.captured_by, submission.rating) == ("Ann Lee", 3)
    assert (capture.prospect.id, capture.prospect.owner) == ("777", "ann@x.example")
    assert capture.prospect.fields["LastName"] == "O'Hara"
    (answer,) = capture.answers
    assert (answer.id, answer.title, answer.type, answer.value) == ("12", "Interests", "checkbox", ["A", "B"])


@pytest.mark.parametrize(
    ("body", "content_type", "query"),
    [
        (json.dumps(FLAT).encode(), JSON, {}),
        (urlencode(FLAT).encode(), FORM, {}),
        (b"", "", {name: str(value) for name, value in FLAT.items()}),
        (urlencode({"FirstName": "Mara", "q.12": "A;B"}).encode(), FORM, {n: str(v) for n, v in FLAT.items()}),
    ],
    ids=["flat JSON", "form", "query only", "form and query"],
)
def test_the_documented_flat_bodies(body: bytes, content_type: str, query: dict[str, str]) -> None:
    """JSON, form and query say the same in the flat form as the nested form does."""
    capture = _read(body, content_type, **query)
    assert (capture.form.id, capture.form.name, capture.form.event) == ("42", "Booth", "Expo 26")
    assert (capture.submission.activity_id, capture.submission.type) == ("9001", "barcode")
    assert (capture.submission.captured_by, str(capture.submission.rating)) == ("Ann Lee", "3")
    assert (capture.prospect.id, capture.prospect.owner) == ("777", "ann@x.example")
    assert capture.prospect.fields == {
        "FirstName": "Mara",
        "LastName": "O'Hara",
        "Email": "mara@x.example",
        "Company": "Fabrikam",
    }
    assert _values(capture)["q.12"] == "A;B"


def test_the_services_own_parameters_are_no_fields() -> None:
    """The function key in the URL, `wait` and `test` never reach a mapping, a row or the store."""
    capture = _read(b"", "", code="secret", clientId="x", wait="0", test="1", Email="a@b.example")
    assert capture.prospect.fields == {"Email": "a@b.example"}
    assert "secret" not in capture.model_dump_json()


def test_the_query_fills_what_a_nested_body_does_not_say() -> None:
    """Captello's URL may carry tokens too; where both speak, the body is right."""
    body = json.dumps({"prospect": {"fields": {"Email": "body@x.example"}}, "answers": [{"id": 12, "value": "A"}]})
    query = {"form_id": "42", "Email": "query@x.example", "Title": "CEO", "q.12": "Z", "q.13": "C"}
    capture = _read(body.encode(), **query)
    assert capture.form.id == "42"
    assert capture.prospect.fields == {"Email": "body@x.example", "Title": "CEO"}
    assert (_values(capture)["q.12"], _values(capture)["q.13"]) == ("A", "C")


@pytest.mark.parametrize("event", ["captured", "updated", "released", "withdrawn", "Updated", " RELEASED "])
def test_events_in_any_case(event: str) -> None:
    """The four events are known however a template spells them."""
    assert _read(json.dumps({"event": event, "Email": "a@b.example"}).encode()).event == event.strip().lower()


# --- Unknown keys -----------------------------------------------------------------------------------------------------


def test_unknown_keys_are_kept_and_mappable() -> None:
    """Whatever a template adds, at any depth, has a name that a mapping can use."""
    said = document(region="EMEA", custom={"badge": {"color": "red"}, "list": [1, {"a": 2}]})
    said["form"]["language"] = "de"
    said["submission"]["station"] = 7
    said["prospect"]["score"] = 0
    values = _values(_read(json.dumps(said).encode()))
    assert values["region"] == "EMEA"
    assert values["custom.badge.color"] == "red"
    assert values["custom.list"] == ["1", '{"a": 2}']
    assert (values["form.language"], values["submission.station"], values["prospect.score"]) == ("de", 7, 0)


def test_answers_are_named_by_id_and_by_title() -> None:
    """A mapping may name a question either way."""
    values = _values(_read(json.dumps(document()).encode()))
    assert values["q.12"] == values["q.Interests"] == ["A", "B"]


def test_unknown_types_of_a_field_are_text() -> None:
    """An object or a list of objects in a field is kept as its JSON; a null in a list says nothing."""
    fields = {"Card": {"front": "https://x.example/ö"}, "Files": [{"a": 1}, "b", None, 2]}
    capture = _read(json.dumps({"prospect": {"fields": fields}}).encode())
    assert capture.prospect.fields == {"Card": '{"front": "https://x.example/ö"}', "Files": ['{"a": 1}', "b", "2"]}


@pytest.mark.parametrize(
    "value", [2026, 20.5, True, ["A", "B"], {"a": 1}], ids=["int", "float", "yes", "list", "object"]
)
def test_a_name_that_is_no_text_loses_nobody(value: object) -> None:
    """A form named 2026 is a form; the capture is read."""
    said = {"form": {"name": value}, "submission": {"captured_by": value, "type": value}, "prospect": {"owner": value}}
    capture = _read(json.dumps(said).encode())
    assert isinstance(capture.form.name, str)
    assert isinstance(capture.prospect.owner, str)


@pytest.mark.parametrize("part", ["form", "submission", "prospect", "answers", "event", "occurred_at", "delivery_id"])
@pytest.mark.parametrize("nothing", [None, "", " ", "{{Token}}"], ids=["null", "empty", "blank", "token"])
def test_a_part_that_says_nothing_is_no_part(part: str, nothing: str | None) -> None:
    """A template writes null, a blank or its own token where Captello has nothing to say."""
    without = document()
    without.pop(part, None)
    assert _read(json.dumps(document(**{part: nothing})).encode()) == _read(json.dumps(without).encode())


def test_fields_that_are_null_are_no_fields() -> None:
    """`"fields": null` does not lose the prospect's id."""
    assert _read(b'{"prospect": {"id": 7, "fields": null}}').prospect.fields == {}


@pytest.mark.parametrize("nothing", ["{{ActivityId}}", "[Id]", "%Id%", "##Id##", "", " ", 0, "0", None])
def test_what_is_no_id_never_becomes_one(nothing: object) -> None:
    """A token that was never replaced would make one person, one delivery or one held capture of everybody."""
    said = document(delivery_id=nothing)
    said["form"]["id"] = said["prospect"]["id"] = nothing
    said["submission"] |= {"activity_id": nothing, "hold_request_id": nothing}
    capture = _read(json.dumps(said).encode())
    assert (capture.delivery_id, capture.form.id, capture.prospect.id) == (None, None, None)
    assert (capture.submission.activity_id, capture.submission.hold_request_id) == (None, None)
    assert not capture.is_held


# --- Content types ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type", [JSON, "application/json; charset=utf-8", "text/plain", "", FORM, "application/xml", "nonsense"]
)
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["plain", "BOM"])
@pytest.mark.parametrize("lead_in", [b"", b"\r\n  "], ids=["at once", "after blanks"])
def test_json_is_read_whatever_it_is_called(content_type: str, bom: bytes, lead_in: bytes) -> None:
    """Senders get the content type wrong, and some write a byte order mark."""
    body = bom + lead_in + b'{"Email": "a@b.example", "Note": "1=1&x=2"}'
    assert _read(body, content_type).prospect.fields == {"Email": "a@b.example", "Note": "1=1&x=2"}


@pytest.mark.parametrize("content_type", [FORM, FORM.upper() + "; charset=UTF-8", "text/plain", ""])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"], ids=["plain", "BOM"])
def test_a_form_is_read_unless_it_is_called_json(content_type: str, bom: bytes) -> None:
    """A body with `=` in it that does not begin like JSON is a form."""
    assert _read(bom + b"Email=a%40b.example&Note=", content_type).prospect.fields == {
        "Email": "a@b.example",
        "Note": "",
    }


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"LastName=M%FCller", FORM),
        (b"LastName=M\xfcller", FORM),
        (b"LastName=M%C3%BCller", FORM),
        ("LastName=Müller".encode(), FORM),
        (b'{"LastName": "M\xfcller"}', JSON),
        ('{"LastName": "Müller"}'.encode(), JSON),
        (b'{"LastName": "M\\u00fcller"}', JSON),
    ],
    ids=["cp1252 escaped", "cp1252", "UTF-8 escaped", "UTF-8", "JSON cp1252", "JSON UTF-8", "JSON escaped"],
)
def test_old_code_pages_are_understood(body: bytes, content_type: str) -> None:
    """What is no UTF-8 is Windows' Western code page; nobody becomes M�ller."""
    assert _read(body, content_type).prospect.fields == {"LastName": "Müller"}


def test_signs_that_a_form_escapes_come_back() -> None:
    """`+` is a blank, `%2B` a plus; apostrophes and ampersands survive."""
    body = b"Email=a%2Bb%40x.example&LastName=O%27Hara+%26+Co&Note=a%3Db"
    assert _read(body, FORM).prospect.fields == {"Email": "a+b@x.example", "LastName": "O'Hara & Co", "Note": "a=b"}


def test_a_name_that_repeats_in_a_form_is_a_list() -> None:
    """Check boxes arrive as one pair each."""
    capture = _read(b"q.12=A&q.12=B&q.12=C&Interest=X&Interest=Y", FORM)
    assert _values(capture)["q.12"] == ["A", "B", "C"]
    assert capture.prospect.fields == {"Interest": ["X", "Y"]}


def test_of_a_name_that_repeats_in_json_the_last_counts() -> None:
    """So every parser understands it."""
    assert _read(b'{"Email": "a@x.example", "Email": "b@x.example"}').prospect.fields == {"Email": "b@x.example"}


# --- Hostile bodies ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "not valid JSON"),
        (b'{"Note": "he said "hi""}', "not valid JSON"),
        (b'{"Note": "a\nb"}', "not valid JSON"),
        (b"\xff\xfe{\x00", "not valid JSON"),
        (b"\x00\x01\x02", "not valid JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b'{"a":' * 300 + b"1" + b"}" * 300, "not valid JSON"),
        (b'[{"Email": "a@b.example"}]', "JSON object"),
        (b'"text"', "JSON object"),
        (b"12", "JSON object"),
        (b"null", "JSON object"),
        (b'{"prospect": "nobody"}', "prospect"),
        (b'{"prospect": {"fields": ["a"]}}', "prospect.fields"),
        (b'{"answers": {"a": 1}}', "answers"),
        (b'{"answers": ["a"]}', "answers.0"),
        (b'{"event": "exploded", "Email": "a@b.example"}', "event"),
        (b'{"occurred_at": "yesterday", "Email": "a@b.example"}', "occurred_at"),
        (b'{"prospect": {"id": true}}', "prospect.id"),
        (b'{"prospect": {"id": [7]}}', "prospect.id"),
        (b'{"delivery_id": {"a": 1}, "Email": "a@b.example"}', "delivery_id"),
    ],
)  # fmt: skip
def test_an_unreadable_body_says_why(body: bytes, reason: str) -> None:
    """The reason names the place, in a sentence, and quotes no more than a line."""
    said = _reason(body)
    assert reason in said
    assert said.endswith(".")
    assert len(said) < 300


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400"])
def test_endless_numbers_are_texts(number: str) -> None:
    """JSON cannot carry them on to the store or to Dynamics."""
    capture = _read(b'{"Score": %s, "form": {"size": %s}}' % (number.encode(), number.encode()))
    json.dumps(capture.model_dump(mode="json"), allow_nan=False)


def test_half_characters_are_replaced() -> None:
    """A lone surrogate in a key or a value would break whoever encodes it next."""
    capture = _read(b'{"prospect": {"fields": {"A\\ud83d": "x\\udc00y"}}, "z\\ud800": ["\\ud800"]}')
    assert capture.prospect.fields == {"A?": "x?y"}
    capture.model_dump_json().encode()


@pytest.mark.parametrize("depth", [40, 55, 70, 150, 220, 260, 400, 900])
def test_what_is_read_can_be_stored_and_read_again(depth: int) -> None:
    """Depth that the store could not read back is refused at the door, not when the delivery is woken."""
    body = b'{"prospect": {"id": 7}, "x": ' + b'{"x":' * depth + b"1" + b"}" * (depth + 1)
    read = read_capture(body=body, content_type=JSON, query={})
    if isinstance(read, Capture):
        assert Capture.model_validate_json(read.model_dump_json()) == read
        assert identity("booth", read)
    assert isinstance(read, Capture) == (depth < 60)


@pytest.mark.parametrize("body", [b"", b" \r\n", b"\xef\xbb\xbf", b"{}", b"prospect=", b'{"prospect": {}}'])
def test_empty_bodies_are_empty_captures(body: bytes) -> None:
    """An empty capture is told from an unreadable one: the trigger refuses it, for nothing is lost."""
    read = _read(body, JSON if body.startswith(b"{") else FORM)
    assert read.is_empty or read.prospect.fields == {"prospect": ""}


@given(
    body=st.one_of(
        st.binary(max_size=300),
        st.binary(max_size=100).map(lambda raw: b'{"prospect": {"fields": {"a": "' + raw + b'"}}}'),
        st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.lists(st.sampled_from([b"Email", b"=", b"&", b"%", b"%FF", b"q.", b"a@b", b"{", b'"']), max_size=30).map(
            b"".join
        ),
    ),
    content_type=st.sampled_from([JSON, FORM, "", "text/plain"]),
    query=st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3),
)
def test_no_bytes_are_too_strange(body: bytes, content_type: str, query: dict[str, str]) -> None:
    """Whatever is sent is a capture that can be stored and read again, or unreadable with a reason."""
    _check(read_capture(body=body, content_type=content_type, query=query))


@given(
    tree=json_documents
    | st.fixed_dictionaries(
        {},
        optional=dict.fromkeys((*document(), "activity_id", "prospect_id", "q.1", "delivery_id"), json_documents),
    )
)
def test_no_json_is_too_strange(tree: object) -> None:
    """Wrong types anywhere in a document are unreadable at worst."""
    _check(read_capture(body=json.dumps(tree).encode(), content_type=JSON, query={}))


def _check(read: Capture | Unreadable) -> None:
    if isinstance(read, Unreadable):
        assert read.reason
        return
    stored = read.model_dump_json()
    assert Capture.model_validate_json(stored) == read
    assert identity("booth", Capture.model_validate_json(stored)) == identity("booth", read)
    dict(read.values())
