"""Generators for properties: what Captello may send, and what may stand in Dynamics."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from core.domain.row import Row
from tests.builders import row

# Everything that UTF-8 can hold.
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
blanks = st.sampled_from(["", " ", "\t\n", "\u200b", "\x00", None, [], [""]])
placeholders = st.sampled_from(["Scanned", " anonymous ", "{{Email}}", "[Email]", "%Email%", "{{First}} {{Last}}"])
field_values = st.one_of(
    any_text, st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.lists(any_text)
)
said_values = st.one_of(field_values, blanks, placeholders)

times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(lambda naive: naive.replace(tzinfo=UTC))  # noqa: DTZ001
distances = st.timedeltas(timedelta(seconds=1), timedelta(days=400))

json_documents: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=15,
)

people = st.sampled_from(["ada@x.example", "ADA@X.example", "bob@x.example", "cyd@x.example"])
names = st.sampled_from([("Ada", "Lovelace"), ("ADA", " lovelace"), ("Ada", ""), ("Bob", "Hope"), ("Adá", "Lovelace")])


@st.composite
def rows(draw: st.DrawFn) -> Row:
    """A row in any state, that may be somebody we look for."""
    table = draw(st.sampled_from(["lead", "contact"]))
    first, last = draw(names)
    return row(
        draw(st.integers(1, 8)),
        table,
        firstname=first,
        lastname=last,
        **{f"emailaddress{number}": draw(st.none() | people) for number in (1, 2, 3)},
        createdon=f"2026-01-0{draw(st.integers(1, 3))}T08:00:00Z",
        modifiedon=f"2026-02-0{draw(st.integers(1, 3))}T08:00:00Z",
        statecode=draw(st.sampled_from([0, 0, 0, 1, 2])),
        merged=draw(st.sampled_from([False, False, True])),
        _masterid_value=draw(st.none() | st.integers(1, 8).map(lambda number: row(number).id)),
        _parentcontactid_value=draw(st.none() | st.integers(1, 8).map(lambda number: row(number).id)),
    )
