"""Values into messages, messages into bodies."""

import pytest
from azure.functions.meta import Datum
from hypothesis import given
from hypothesis import strategies as st

from infra.local.functions_host.queue_messages import bodies, body_of, encoded


@given(st.binary())
def test_base64_comes_back_as_it_went(body: bytes) -> None:
    """Whatever the bytes."""
    assert body_of(encoded(body, is_base64=True), is_base64=True) == body


@pytest.mark.parametrize("content", ["!", "abc", "é", "YQ", "=", "YQ==YQ=="])
def test_what_is_not_base64_has_no_body(content: str) -> None:
    """Without an exception, and without guessing."""
    assert body_of(content, is_base64=True) is None


def test_white_space_in_base64_does_not_matter() -> None:
    """Senders break lines."""
    assert body_of("YW\r\nJj\n", is_base64=True) == b"abc"


@pytest.mark.parametrize(
    ("value", "kind", "messages"),
    [
        ("plain", "string", ["plain"]),
        ("", "string", [""]),
        ("{", "string", ["{"]),
        (' {"a":1} ', "string", ['{\n  "a": 1\n}']),
        ('["a", 1, {"b": []}]', "string", ["a", "1", '{\n  "b": []\n}']),
        ("[]", "string", []),
        ('["{\\"a\\":1}"]', "json", ['{"a":1}']),
        ('{"id": null, "body": "x"}', "json", ['{\n  "id": null,\n  "body": "x"\n}']),
        (b"[1]", "bytes", ["[1]"]),
    ],
)
def test_what_an_output_sends(value: object, kind: str, messages: list[str]) -> None:
    """Arrays are split, objects written anew, bytes and other text left alone."""
    assert [body.decode() for body in bodies(Datum(value, kind))] == messages


def test_broken_json_is_an_error() -> None:
    """Text that begins and ends like JSON must be JSON."""
    with pytest.raises(ValueError, match="Expecting"):
        list(bodies(Datum("{a}", "string")))
