"""Nonsense is refused, never a crash: whatever words a query or a batch is made of."""

from collections.abc import Callable
from typing import Final

from hypothesis import example, given, settings
from hypothesis import strategies as st

from infra.local.dynamics import errors
from infra.local.dynamics.addresses import key_values, segments
from infra.local.dynamics.collation import fold, matches
from infra.local.dynamics.filter_parser import parse_filter
from infra.local.dynamics.multipart import read_batch
from infra.local.dynamics.query_options import parse_options

_WORDS: Final = [
    "lastname",
    "eq",
    "ne",
    "and",
    "or",
    "not",
    "(",
    ")",
    "'a'",
    "''",
    "'O''Hara'",
    "5",
    "-1",
    "1.5",
    "1e9",
    "null",
    "true",
    "contains(",
    ",",
    "/",
    "any(",
    "x:",
    "x/",
    "all(",
    "2026-05-04",
    "2026-05-04T00:00:00Z",
    "11111111-1111-1111-1111-111111111111",
    "Microsoft.Dynamics.CRM.In(",
    "PropertyName=",
    'PropertyValues=["a"]',
    "@p",
    "[",
    "]",
    '"',
    "%",
    ":",
    "=",
]
_LINES: Final = (
    "--b",
    "--b--",
    "--c",
    "--c--",
    "",
    "Content-Type: application/http",
    "Content-Type: multipart/mixed; boundary=c",
    "Content-ID: 1",
    "GET leads HTTP/1.1",
    "POST leads",
    "{}",
)
_ANSWERS: Final = {200, 400, 404, 501}


def _status(text: str, read: Callable[[str], object]) -> int:
    try:
        read(text)
    except errors.DataverseError as error:
        return error.status
    return 200


@given(st.lists(st.sampled_from(_WORDS), max_size=12).map(" ".join) | st.text(max_size=40))
@settings(deadline=None)
def test_filters_of_any_words(text: str) -> None:
    """A filter is read or refused."""
    assert _status(text, lambda given_: parse_filter(given_, {"@p": "'a'"})) in _ANSWERS


@given(st.text(alphabet="$=&;,()/'%2selctxpandfir @", max_size=60))
@settings(deadline=None)
def test_queries_of_any_signs(text: str) -> None:
    """So are options, keys and addresses."""
    for read in (parse_options, key_values, segments):
        assert _status(text, read) in _ANSWERS


@given(st.lists(st.sampled_from(_LINES), max_size=20), st.sampled_from(["\n", "\r\n"]))
@settings(deadline=None)
def test_batches_of_any_lines(lines: list[str], end: str) -> None:
    """So are batches."""
    content_type = "multipart/mixed; boundary=b"
    assert _status(end.join(lines), lambda body: read_batch(body.encode(), content_type, "/api/data/v9.2")) in _ANSWERS


@given(st.text(max_size=20), st.text(max_size=20) | st.text(alphabet="[]^%_-az\\&|~", max_size=12))
@example(text="\N{MATHEMATICAL FRAKTUR CAPITAL A}", pattern="[^]")
@settings(deadline=None)
def test_text_is_like_itself(text: str, pattern: str) -> None:
    """Folding twice is folding once, any text is LIKE %, and no pattern is too odd to try."""
    assert fold(fold(text)) == fold(text)
    assert matches(text, "%")
    matches(text, pattern)
