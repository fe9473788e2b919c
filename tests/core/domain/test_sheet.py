"""Files of people become captures: every encoding, delimiter and way of quoting; whatever cannot be read says where."""

import contextlib
import csv
import io
import json
import string
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.domain.bulk_batch import Record
from core.domain.capture import Capture
from core.domain.sheet import Sheet
from core.domain.sheet_cells import protected, unprotected
from core.domain.sheet_writing import failed_row, table
from core.errors import InvalidInputError

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
DELIMITERS = [",", ";", "\t", "|"]
WORDS = st.text(st.sampled_from(string.ascii_letters + "äöüßéñ ,;|'\"\n\t=+-@"), min_size=1).filter(str.strip)


def read(content: bytes, *, block: int = 7, mapped: Sequence[str] = (), content_type: str = "") -> list[Record]:
    """In blocks so small that everything is cut somewhere."""
    sheet = Sheet(content_type, mapped)
    blocks = [content[at : at + block] for at in range(0, len(content), block)]
    return [record for each in blocks for record in sheet.feed(each)] + sheet.end()


def captures(records: Sequence[Record]) -> list[Capture]:
    assert [record.error for record in records] == [""] * len(records)
    return [record.capture for record in records if record.capture]


def one(content: bytes | str, **told: str) -> Capture:
    (capture,) = captures(read(content.encode() if isinstance(content, str) else content, **told))  # type: ignore[arg-type]
    return capture


def errors(content: str | bytes) -> list[tuple[int, str]]:
    raw = content.encode() if isinstance(content, str) else content
    return [(record.line, record.error) for record in read(raw) if record.error]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_table_in_any_encoding_with_any_delimiter(encoding: str, delimiter: str, line_end: str) -> None:
    """What Excel writes in Germany, on a Mac, as "Unicode text": the same two people."""
    rows = [["First Name", "E-Mail", "City"], ["Jürgen", "j@x.example", "Köln"], ["Zoë", "z@x.example", "Málaga"]]
    text = line_end.join(delimiter.join(row) for row in rows) + line_end
    found = captures(read(text.encode(encoding)))
    assert [capture.prospect.fields for capture in found] == [
        {"FirstName": name, "Email": email, "City": city} for name, email, city in rows[1:]
    ]


@given(
    st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=6),
    st.sampled_from(["utf-8", "utf-16", "cp1252"]),
    st.sampled_from(DELIMITERS),
    st.integers(1, 200),
)
def test_what_a_writer_quotes_is_read_as_it_was(
    people: list[tuple[str, str]], encoding: str, delimiter: str, block: int
) -> None:
    """Delimiters, quotes and line ends within cells, cut into blocks anywhere."""
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter)
    writer.writerow(["LastName", "Comments"])
    writer.writerows([protected(cell) for cell in person] for person in people)
    found = captures(read(written.getvalue().encode(encoding), block=block))
    assert [tuple(capture.prospect.fields.values()) for capture in found] == people


@given(st.binary(max_size=400), st.integers(1, 50), st.sampled_from(["", "text/csv", "application/x-ndjson"]))
def test_random_bytes_are_read_or_refused(content: bytes, block: int, content_type: str) -> None:
    """Nothing else is raised, and no record is without capture and reason."""
    with contextlib.suppress(InvalidInputError):
        records = read(content, block=block, content_type=content_type)
        assert all(record.error or record.capture for record in records)


@given(st.text(st.sampled_from('[]{}",:0a\n\\ prospects'), max_size=60), st.integers(1, 20))
def test_broken_json_is_read_or_told(text: str, block: int) -> None:
    """Whatever brackets and quotes do."""
    for begins in ("[", "{", '{"prospects": [', ""):
        with contextlib.suppress(InvalidInputError):
            assert all(record.error or record.capture for record in read((begins + text).encode(), block=block))


@given(st.text())
def test_cells_are_safe_and_come_back(text: str) -> None:
    """What begins like a formula does not any more; taking the protection off gives back every text."""
    assert protected(text)[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n")
    assert unprotected(protected(text)) == text


@pytest.mark.parametrize(
    ("heading", "path"),
    [
        ("firstname", "FirstName"),
        ("First_Name", "FirstName"),
        ("E-mail Address", "Email"),
        ("Vorname", "FirstName"),
        ("Shirt size", "Shirt size"),
        ("Budget (EUR)", "Budget (EUR)"),
    ],
)
def test_a_heading_is_a_field(heading: str, path: str) -> None:
    """Standard fields by their usual names, anything else as it stands."""
    assert one(f"{heading},LastName\nx,y\n").prospect.fields == {path: "x", "LastName": "y"}


def test_headings_of_the_contract() -> None:
    """Flat names, dotted names, answers; unknown parts are kept where they belong."""
    capture = one(
        "Activity ID;form.name;Form ID;q.12;prospect.id;Captured By;submission.badge;event;rating\n"
        "9001;Booth;42;A;777;Ann;B-7;Expo 26;3\n"
    )
    assert (capture.submission.activity_id, capture.form.name, capture.form.id) == ("9001", "Booth", "42")
    assert (capture.prospect.id, capture.submission.captured_by, capture.submission.rating) == ("777", "Ann", "3")
    assert [(answer.id, answer.value) for answer in capture.answers] == [("12", "A")]
    assert (capture.form.event, dict(capture.values())["submission.badge"]) == ("Expo 26", "B-7")


def test_what_the_mapping_calls_a_field_comes_first() -> None:
    """A customer's own `Organization` is not taken for the company where a mapping names it."""
    assert captures(read(b"organization,Email\nX,a@x.example\n", mapped=["Organization"]))[0].prospect.fields == {
        "Organization": "X",
        "Email": "a@x.example",
    }


def test_two_columns_of_one_meaning_are_both_kept() -> None:
    """Whichever is called like the field has it; the other one keeps its own name."""
    assert one("Phone,WorkPhone\n1,2\n").prospect.fields == {"Phone": "1", "WorkPhone": "2"}


def test_the_same_column_twice_counts_once_and_is_told() -> None:
    """The first one."""
    sheet = Sheet()
    assert not sheet.feed(b"LastName,LastName\n")
    (record,) = sheet.feed(b"A,B\n") + sheet.end()
    assert record.capture
    assert record.capture.prospect.fields == {"LastName": "A"}
    assert sheet.warnings == ("The column 'LastName' stands there twice; the first one counts.",)


def test_what_no_mapping_takes_is_told() -> None:
    """Parts of a capture and answers are no fields; without mappings there is nothing to tell."""
    heading = b"LastName,Shirt size,Badge,form.name,q.12,Activity ID\n"
    for mapped, warnings in (
        (["lastname"], ("No mapping takes 'Shirt size', 'Badge': kept with the person, and written to no column.",)),
        (["LastName", "badge", "Shirt Size"], ()),
        ([], ()),
    ):
        sheet = Sheet("", mapped)
        assert not sheet.feed(heading) + sheet.end()
        assert sheet.warnings == warnings


def test_a_part_of_a_capture_stays_one_where_a_mapping_names_it() -> None:
    """A row that takes `form.event` or `q.12` means the event and the answer."""
    (capture,) = captures(read(b"LastName,form.event,q.12\nA,Expo,B\n", mapped=["form.event", "q.12", "LastName"]))
    assert (capture.form.event, [answer.value for answer in capture.answers]) == ("Expo", ["B"])
    assert capture.prospect.fields == {"LastName": "A"}


def test_an_empty_cell_says_nothing() -> None:
    """It is no blank, which could erase."""
    assert one("LastName,Title\nHopper,\n").prospect.fields == {"LastName": "Hopper"}


def test_each_bad_row_says_its_line_and_stops_nobody() -> None:
    """Too many values, a row of nothing, a quotation mark that never closes."""
    text = 'LastName,Email\nA,a@x.example\nB,b@x.example,extra\n\n,,\nC,"c\nD,d@x.example\n'
    assert [record.capture.prospect.fields["LastName"] for record in read(text.encode()) if not record.error] == [  # type: ignore[union-attr]
        "A",
        "D",
    ]
    assert errors(text) == [
        (3, "It holds 3 values, but the first row names 2 columns. Put values that hold a comma in quotes."),
        (6, "A quotation mark in this line is never closed."),
    ]


def test_lines_are_counted_through_quoted_line_ends() -> None:
    """The line is where the row begins in the file."""
    assert errors('LastName,Comments\nA,"one\ntwo"\nB,1,2\n')[0][0] == 4


def test_a_heading_that_comes_again_is_passed_over() -> None:
    """Files that were joined as they are."""
    part = b"\xef\xbb\xbfLastName,Email\nA,a@x.example\n"
    assert len(captures(read(part + part))) == 2


def test_excels_own_word_for_the_delimiter() -> None:
    """`sep=;` is no heading."""
    assert one("sep=|\nLastName|Email\nA|a@x.example\n").prospect.fields["LastName"] == "A"


@pytest.mark.parametrize(
    "text",
    [
        '{"LastName": "A"}\n{"LastName": "B"}\n',
        '[{"LastName": "A"}, {"LastName": "B"}]',
        '[\n  {"LastName": "A"},\n  {"prospect": {"fields": {"LastName": "B"}}}\n]\n',
        '{"prospects": [{"LastName": "A"}, {"LastName": "B"}]}',
        '{\n "note": [1, 2],\n "prospects": [\n {"LastName": "A"},\n {"LastName": "B"}],\n "more": {}\n}',
        '[{"LastName": "A"}]\n[{"LastName": "B"}]',
    ],
)
@pytest.mark.parametrize("block", [1, 5, 1000])
def test_json_in_every_shape(text: str, block: int) -> None:
    """One a line, an array, an array under `prospects`, and documents that follow each other."""
    found = captures(read(text.encode(), block=block))
    assert [capture.prospect.fields["LastName"] for capture in found] == ["A", "B"]


def test_a_large_object_around_the_array_is_gone_through() -> None:
    """Larger than what is read as one piece."""
    people = [{"LastName": f"L{number}", "Comments": "x" * 1000} for number in range(1500)]
    text = json.dumps({"before": ["[", {"a": "}"}], "prospects": people, "after": 1})
    assert len(captures(read(text.encode(), block=100_000))) == 1500


def test_lines_are_what_they_are_declared_to_be_whatever_the_first_one_is() -> None:
    """A bad first line used to make a table with that heading of them all."""
    records = read(b'5\n{"LastName": "A"}\nnull\n"x"\n', content_type="application/x-ndjson")
    assert [(record.line, bool(record.error)) for record in records] == [(1, True), (2, False), (3, True), (4, True)]


@pytest.mark.parametrize("before", ["", '"batch": "b", "action": "booth", '])
@pytest.mark.parametrize("gap", ["", "\n"])
@pytest.mark.parametrize("block", [1, 11, 1000])
def test_captures_within_an_object_are_read_up_to_where_it_breaks(before: str, gap: str, block: int) -> None:
    """Each on its line, also the one that says nothing; the break at its line and character."""
    parts = [f'{{{before}"prospects": [', '{"LastName": "A"},', "{},", '{"LastName": "B"},', '{"LastName": }]}']
    records = read(gap.join(parts).encode(), block=block)
    assert [(record.line, bool(record.error)) for record in records] == [
        (line if gap else 1, is_bad) for line, is_bad in ((2, False), (3, True), (4, False), (5, True))
    ]
    character = 14 if gap else len("".join(parts)) - 2
    assert records[-1].error.endswith(f"cannot be read: Expecting value, at character {character}.")


def test_a_bad_line_costs_itself_and_a_bad_array_its_rest() -> None:
    """Both say the line; in an array nobody can tell where the next one begins."""
    assert errors('{"LastName": "A"}\n{"LastName": }\n{"LastName": "C"}\n')[0][0] == 2
    records = read(b'[\n{"LastName": "A"},\n{"LastName": },\n{"LastName": "C"}\n]')
    assert [(record.line, bool(record.error)) for record in records] == [(2, False), (3, True)]
    assert records[-1].error.startswith("From here on the JSON cannot be read")
    assert errors('[\n{"LastName": "A"},\n')[-1][0] == 3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04....", "save it as CSV"),
        (b"\x1f\x8b\x08....", "unpacked"),
        (b"mara@x.example,Mara\n", "name the columns"),
        (b"Mara,OHara\nAnn,Lee\n", "name the columns"),
    ],
)
def test_what_is_no_such_file_is_refused_in_plain_words(content: bytes, words: str) -> None:
    """An Excel workbook, a packed file, a table without a heading: its first person would be one."""
    with pytest.raises(InvalidInputError, match=words):
        read(content, block=1000)


def test_a_declared_charset_counts() -> None:
    """Where the sender knows better than a guess."""
    told = {"content_type": "text/csv; charset=windows-1250"}
    assert one("LastName\nDvořák\n".encode("cp1250"), **told).prospect.fields == {"LastName": "Dvořák"}
    with pytest.raises(InvalidInputError, match="charset"):
        Sheet("text/csv; charset=punycode")


_NAMES = st.text(st.sampled_from(string.ascii_letters + "0123456789 _.:=+-@äé'\""), min_size=1, max_size=12).map(
    str.strip
)
_PEOPLE = st.fixed_dictionaries(
    {
        "form": st.fixed_dictionaries({}, optional={"id": st.just("42"), "name": WORDS, "extra": WORDS}),
        "submission": st.fixed_dictionaries({}, optional={"activity_id": st.just("9001"), "rating": WORDS}),
        "prospect": st.fixed_dictionaries(
            {
                "fields": st.dictionaries(_NAMES.filter(bool), WORDS, min_size=1, max_size=5).filter(
                    lambda fields: len({name.lower() for name in fields}) == len(fields)
                )
            },
            optional={"owner": WORDS},
        ),
        "answers": st.lists(
            st.fixed_dictionaries(
                {"id": st.integers(1, 99).map(str), "value": WORDS}, optional={"title": WORDS.map(str.strip)}
            ),
            max_size=3,
            unique_by=lambda answer: answer["id"],
        ),
    }
)


@given(st.lists(_PEOPLE, min_size=1, max_size=3), st.sampled_from([",", ";", "\t"]))
@example([{"prospect": {"fields": {"0@0.0": ";"}}}], ",")
def test_what_failed_comes_back_as_it_was(people: list[dict[str, Any]], delimiter: str) -> None:
    """Written, not touched, and sent again: every word where it was, whatever it begins with and is called."""
    sent = [Capture.model_validate(person) for person in people]
    rows = [failed_row(line=number, reason="=1+1", capture=capture, raw="") for number, capture in enumerate(sent, 2)]
    text = table(rows, delimiter=delimiter)
    assert not [row for row in csv.reader(io.StringIO(text[1:]), delimiter=delimiter) if row[1].startswith("=")]
    back = captures(read(text.encode(), block=50))
    assert [_said(capture) for capture in back] == [_said(capture) for capture in sent]


def _said(capture: Capture) -> dict[str, Any]:
    said = capture.model_dump(mode="json", exclude_none=True)
    said["answers"] = sorted(said["answers"], key=lambda answer: str(answer.get("id")))
    return said


def test_lists_numbers_and_what_could_not_be_read_are_written_for_people() -> None:
    """Several answers stand beside each other; the line that failed stands under a heading that is passed over."""
    capture = Capture.model_validate(
        {
            "event": "updated",
            "prospect": {"fields": {"Budget": 1200.0, "Vip": True}},
            "answers": [{"id": 12, "value": ["A", "B"]}],
        }
    )
    rows = [
        failed_row(line=2, reason="why", capture=capture, raw=""),
        failed_row(line=3, reason="why not", capture=None, raw="a,b,c"),
    ]
    records = read(table(rows).encode())
    assert records[0].capture
    assert records[0].capture.prospect.fields == {"Budget": "1200", "Vip": "yes"}
    assert (records[0].capture.event.value, records[0].capture.answers[0].value) == ("updated", "A; B")
    assert records[1].error == "It holds no field."
