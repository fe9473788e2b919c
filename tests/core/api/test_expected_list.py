"""Lists of submission ids as people have them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.api.expected_list import LARGEST, submission_ids
from core.errors import InvalidInputError


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("9001\n9002\n9001\n", ""),
        ("\ufeffactivity_id\r\n9001\r\n9002", "activity_id"),
        ("Name,Activity ID\nMara,9001\nLi, 9002 \nshort\n", "Activity ID"),
        ("Activity-Id;Name\n9001;Mara\n9002;Li", "Activity-Id"),
        ("Lead,Activity\n1,9001\n2,9002", "Activity"),
        ("Id\tSubmission ID\tName\n1\t9001\tMara\n2\t9002\tLi", "Submission ID"),
        ('sep=;\n"Name";"activity_id"\n"O;Hara";9001\n\nLi;9002', "activity_id"),
        ('["9001", 9002]', ""),
        ('[{"activity_id": 9001}, {"Activity Id": "9002"}]', ""),
        ('{"submissions": ["9001", "9002"]}', ""),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le"])
def test_one_a_line_tables_and_json_say_the_same(text: str, column: str, encoding: str) -> None:
    """Whichever program wrote them; the column that was taken is told."""
    read = submission_ids(text.encode(encoding))
    assert (read.ids, read.column) == (["9001", "9002"], column)


def test_a_column_of_another_name_is_named_by_whoever_asks() -> None:
    """In any case, as headings are compared everywhere."""
    assert submission_ids(b"Aktivitaet,Name\n9001,Mara", column="aktivitaet").ids == ["9001"]


@pytest.mark.parametrize("body", [b"Lead,Name\n1,9001", b"9001,Mara\n9002,Li", b"Aktivitaet\n9001\n9002"])
def test_no_column_is_guessed(body: bytes) -> None:
    """The wrong one would make everything look lost; what to do is said."""
    with pytest.raises(InvalidInputError, match="activity_id") as refused:
        submission_ids(body)
    assert (refused.value.field, refused.value.status) == ("column", 422)


@pytest.mark.parametrize("body", [b"", b"[", b"\xff\xfe", b"{}", b"[[]]", b'{"submissions": 3}'])
def test_what_is_no_list_is_refused_by_field(body: bytes) -> None:
    """With what it would look like."""
    with pytest.raises(InvalidInputError) as refused:
        submission_ids(body)
    assert refused.value.field == "body"


def test_a_list_that_is_too_large_is_refused() -> None:
    """413."""
    with pytest.raises(InvalidInputError) as refused:
        submission_ids(b"1" * (LARGEST + 1))
    assert refused.value.status == 413


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_body_breaks_it(body: bytes) -> None:
    """Ids, or a refusal."""
    try:
        assert submission_ids(body).ids
    except InvalidInputError:
        return
