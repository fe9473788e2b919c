"""Lists of submission ids as people have them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.api.expected_list import LARGEST, submission_ids
from core.errors import InvalidInputError


@pytest.mark.parametrize(
    "text",
    [
        "9001\n9002\n9001\n",
        "\ufeffactivity_id\r\n9001\r\n9002",
        "Name,Activity ID\nMara,9001\nLi, 9002 \nshort\n",
        "Activity-Id;Name\n9001;Mara\n9002;Li",
        '["9001", 9002]',
        '[{"activity_id": 9001}, {"Activity Id": "9002"}]',
        '{"submissions": ["9001", "9002"]}',
    ],
)
def test_one_a_line_csv_and_json_say_the_same(text: str) -> None:
    """With a header or without, with a byte order mark or without."""
    assert submission_ids(text.encode()) == ["9001", "9002"]


@pytest.mark.parametrize("body", [b"", b"[", b"\xff\xfe", b"{}", b"[[]]", b'{"submissions": 3}'])
def test_what_is_no_list_is_refused_by_field(body: bytes) -> None:
    """With what it would look like."""
    with pytest.raises(InvalidInputError) as refused:
        submission_ids(body)
    assert (refused.value.field, refused.value.status) == ("body", 422)


def test_a_list_that_is_too_large_is_refused() -> None:
    """413."""
    with pytest.raises(InvalidInputError) as refused:
        submission_ids(b"1" * (LARGEST + 1))
    assert refused.value.status == 413


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_body_breaks_it(body: bytes) -> None:
    """Ids, or a refusal."""
    try:
        assert submission_ids(body)
    except InvalidInputError:
        return
