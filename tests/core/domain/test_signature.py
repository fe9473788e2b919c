"""Signed captures: what counts as signed, over which bytes, and for how long."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.signature import content_of, signature, signed, why_refused
from tests.builders import NOON

SECRET = "correct horse battery"
BODY = b'{"prospect": {"fields": {"Email": "mara@x.example"}}}'
AT = str(int(NOON.timestamp()))
RIGHT = signature(SECRET, AT, BODY)


def _refusal(header: str, *, body: bytes = BODY, secrets: tuple[str, ...] = (SECRET,), minutes: float = 0) -> str:
    claim = signed(header=header, query={}, body=body)
    assert claim is not None
    return why_refused(claim, secrets, NOON + timedelta(minutes=minutes))


def test_a_known_signature() -> None:
    """As openssl computes it: printf '1.{}' | openssl dgst -sha256 -hmac key."""
    assert signature("key", "1", b"{}") == "1ba6b8171186efc613e8bcc0cbdab2748f24984d7c5a84faa2637afa0e40d224"


@pytest.mark.parametrize(
    ("header", "minutes"),
    [
        (f"t={AT},v1={RIGHT}", 0),
        (f"t={AT}, v1={RIGHT.upper()}", 0),
        (f" v1={RIGHT} , t={AT} ", 0),
        (f"t={AT},v1={'0' * 64},v1={RIGHT},v0=old", 0),
        (f"t={AT},v1={RIGHT}", 5),
        (f"t={AT},v1={RIGHT}", -5),
    ],
)
def test_what_is_signed_rightly_comes_in(header: str, minutes: float) -> None:
    """In any order of the parts, with other versions beside it, up to five minutes off either way."""
    assert _refusal(header, minutes=minutes) == ""


@pytest.mark.parametrize(
    ("header", "minutes", "words"),
    [
        (f"t={AT},v1={RIGHT}", 5.1, "more than 5 minutes off"),
        (f"t={AT},v1={RIGHT}", -5.1, "more than 5 minutes off"),
        (f"t={AT},v1={RIGHT[:-1]}0", 0, "wrong"),
        (f"t={AT},v1={RIGHT[:32]}", 0, "wrong"),
        (f"t={int(AT) + 1},v1={RIGHT}", 0, "wrong"),
        (f"t={AT},v1=ключ", 0, "wrong"),
        (f"t={AT}", 0, "cannot be read"),
        (f"v1={RIGHT}", 0, "cannot be read"),
        (f"t=noon,v1={RIGHT}", 0, "cannot be read"),
        (f"t=-{AT},v1={RIGHT}", 0, "cannot be read"),
        (f"t={'9' * 11},v1={RIGHT}", 0, "minutes off"),
        (f"t={'9' * 12},v1={RIGHT}", 0, "cannot be read"),
        (RIGHT, 0, "cannot be read"),
        ("sha256=" + RIGHT, 0, "cannot be read"),
    ],
)
def test_what_is_not_is_refused_with_the_reason(header: str, minutes: float, words: str) -> None:
    """Never an exception, whatever stands in the header."""
    assert words in _refusal(header, minutes=minutes)


def test_each_of_two_secrets_counts_during_a_change() -> None:
    """And a third does not."""
    header = f"t={AT},v1={RIGHT}"
    assert _refusal(header, secrets=("new secret of mine", SECRET)) == ""
    assert "wrong" in _refusal(header, secrets=("new secret of mine", "another"))
    assert "wrong" in _refusal(header, secrets=())


def test_the_body_counts_byte_by_byte() -> None:
    """A blank more is another body."""
    assert "wrong" in _refusal(f"t={AT},v1={RIGHT}", body=BODY + b" ")


def test_a_query_is_signed_sorted_and_without_our_own_parameters() -> None:
    """So that the order, the function key and `wait` do not matter; the names of fields and their values do."""
    said = {"Email": "mara@x.example", "Company": "A&B ü", "code": "key", "wait": "0"}
    expected = signature(SECRET, AT, b"Company=A%26B%20%C3%BC&Email=mara%40x.example")
    claim = signed(header="", query={**said, "timestamp": AT, "signature": expected}, body=b" ")
    assert claim is not None
    assert claim.is_in_query
    assert why_refused(claim, (SECRET,), NOON) == ""
    by_header = signed(header=f"t={AT},v1={expected}", query=said, body=b"")
    assert by_header is not None
    assert why_refused(by_header, (SECRET,), NOON) == ""
    assert content_of({**said, "timestamp": AT, "signature": expected}) == {
        "Email": "mara@x.example",
        "Company": "A&B ü",
    }


def test_what_is_not_signed_at_all() -> None:
    """A `signature` beside a body is a field like any other."""
    assert signed(header="", query={"Email": "x"}, body=b"") is None
    assert signed(header=" ", query={"signature": "https://x.example/1.png"}, body=BODY) is None


@given(
    st.text(max_size=80), st.binary(max_size=30), st.dictionaries(st.text(max_size=5), st.text(max_size=10), max_size=3)
)
def test_nothing_but_the_right_signature_comes_in(header: str, body: bytes, query: dict[str, str]) -> None:
    """Whatever is sent: a reason, no exception."""
    claim = signed(header=header, query=query, body=body)
    assert claim is None or why_refused(claim, (SECRET,), NOON)
