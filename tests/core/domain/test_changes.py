"""What an update changes in a row, and what the row keeps."""

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.changes import Changes, changes_to
from core.domain.conversion import Content
from core.domain.mapping import ColumnValue, Policy
from core.domain.matching import Match
from core.domain.table import Column
from tests.builders import COLUMNS, row

By = Literal["link", "email", "name"]


def _changes(
    columns: dict[str, Any], *values: ColumnValue, by: By = "email", late: bool = False, **facts: Column
) -> Changes:
    return changes_to(
        Match(row(1, **columns), by, "lead", rests_on_name=by == "name"),
        values,
        COLUMNS | facts,
        late=late,
    )


def _value(column: str, value: Content | None, policy: Policy = Policy.OVERWRITE) -> ColumnValue:
    return ColumnValue(column, value, policy)


def test_only_columns_that_differ_are_written() -> None:
    """What stands there already would only fire plug-ins and audit; what stood there is kept as the before-image."""
    changes = _changes(
        {"firstname": "Ada", "jobtitle": "Clerk", "leadqualitycode": 1},
        _value("firstname", "Ada"),
        _value("jobtitle", "CEO"),
        _value("leadqualitycode", 1),
        _value("companyname", "Engines"),
    )
    assert changes.values == {"jobtitle": "CEO", "companyname": "Engines"}
    assert changes.before == {"jobtitle": "Clerk", "companyname": None}


def test_a_column_that_cannot_be_updated_is_left_alone() -> None:
    """Create-only columns of Dynamics are written with a new row, and never after."""
    fixed = COLUMNS["companyname"].model_copy(update={"updatable": False})
    assert not _changes({}, _value("companyname", "X"), companyname=fixed).values


def test_the_same_in_another_form_is_not_written() -> None:
    """As Dataverse shows numbers, moments and several options, they are what a capture said."""
    held: dict[str, Content] = {
        "revenue": 5.0,
        "estimatedclosedate": "2026-05-04T13:05:00.000Z",
        "interests": "3,1",
        "donotemail": False,
    }
    said: dict[str, Content] = {
        "revenue": 5,
        "estimatedclosedate": "2026-05-04T13:05:00Z",
        "interests": "1,3",
        "donotemail": False,
    }
    assert not _changes(held, *(_value(name, content) for name, content in said.items())).values
    other: dict[str, Content] = {
        "revenue": 5.5,
        "estimatedclosedate": "2026-05-04T13:05:01Z",
        "interests": "1",
        "donotemail": True,
    }
    assert _changes(held, *(_value(name, content) for name, content in other.items())).values == other


@pytest.mark.parametrize("most", [2, 100])
def test_a_column_is_cleared_whatever_its_length(most: int) -> None:
    """Nothing is not longer than two characters; nothing over nothing is no change."""
    short = COLUMNS["companyname"].model_copy(update={"max_length": most})
    clear = _value("companyname", None, Policy.CLEAR_IF_BLANK)
    assert _changes({"companyname": "X"}, clear, companyname=short).values == {"companyname": None}
    assert not _changes({"companyname": ""}, clear, companyname=short).values


def test_a_full_column_warns_and_keeps_what_it_has() -> None:
    """An append that has no room is told; nothing is cut from what stands there."""
    changes = _changes({"jobtitle": "x" * 90}, _value("jobtitle", "y" * 10, Policy.APPEND))
    assert not changes.values
    assert "jobtitle is full (100" in changes.warnings[0]
    assert [line.startswith("jobtitle: ") for line in changes.for_note] == [True]
    assert changes.is_in_doubt
    assert _changes({"jobtitle": "x" * 90}, _value("jobtitle", "y" * 9, Policy.APPEND)).values


# --- E-mail columns ---------------------------------------------------------------------------------------------------


def test_an_address_the_row_holds_is_not_written_again() -> None:
    """In whichever of the three columns, in whatever case."""
    held = {"emailaddress1": "a@x.example", "emailaddress2": "B@x.example"}
    for by in ("link", "email", "name"):
        assert not _changes(held, _value("emailaddress1", "b@X.example"), by=by).values


def test_a_person_who_is_known_may_change_their_address() -> None:
    """Found by link or e-mail, the mapped column is overwritten as its policy says."""
    held = {"emailaddress1": "a@x.example"}
    assert _changes(held, _value("emailaddress1", "b@x.example"), by="link").values == {"emailaddress1": "b@x.example"}
    assert not _changes(held, _value("emailaddress1", "b@x.example", Policy.FILL_IF_EMPTY), by="link").values


def test_a_row_found_by_name_keeps_its_own_address() -> None:
    """Two John Smiths must not become one: the other address goes to an empty column, with a warning."""
    held = {"emailaddress1": "a@x.example"}
    changes = _changes(held, _value("emailaddress1", "b@x.example"), by="name")
    assert changes.values == {"emailaddress2": "b@x.example"}
    assert changes.before == {"emailaddress2": None}
    assert "found by its name only" in changes.warnings[0]


def test_a_row_found_by_name_without_an_address_gets_it() -> None:
    """There is nothing to keep."""
    changes = _changes({"emailaddress1": None}, _value("emailaddress1", "b@x.example"), by="name")
    assert (changes.values, changes.warnings) == ({"emailaddress1": "b@x.example"}, [])


def test_a_row_found_by_name_with_three_addresses_gets_none() -> None:
    """The warning says so; the note takes the address."""
    held = {f"emailaddress{number}": f"{number}@x.example" for number in (1, 2, 3)}
    changes = _changes(held, _value("emailaddress1", "b@x.example"), by="name")
    assert not changes.values
    assert "left to the note" in changes.warnings[0]
    assert len(changes.for_note) == 1


def test_a_row_found_by_name_is_not_cleared() -> None:
    """A blank does not take the address of somebody who may be somebody else."""
    clear = _value("emailaddress1", None, Policy.CLEAR_IF_BLANK)
    assert not _changes({"emailaddress1": "a@x.example"}, clear, by="name").values
    assert _changes({"emailaddress1": "a@x.example"}, clear, by="link").values == {"emailaddress1": None}


@pytest.mark.parametrize("by", ["name", "link"])
@pytest.mark.parametrize("late", [False, True])
def test_create_only_is_for_creation_in_e_mail_columns_too(by: By, *, late: bool) -> None:
    """The address goes to no other column either."""
    value = _value("emailaddress1", "b@x.example", Policy.CREATE_ONLY)
    assert not _changes({"emailaddress1": "a@x.example"}, value, by=by, late=late).values
    assert not _changes({"emailaddress1": None}, value, by=by, late=late).values


@pytest.mark.parametrize("turn", [1, -1], ids=["as mapped", "the other way round"])
def test_two_addresses_do_not_fight_for_a_column(turn: int) -> None:
    """One that has to go elsewhere waits until the mapped ones stand."""
    values = [_value("emailaddress1", "b@x.example"), _value("emailaddress2", "c@x.example")][::turn]
    changes = _changes({"emailaddress1": "a@x.example"}, *values, by="name")
    assert changes.values == {"emailaddress2": "c@x.example", "emailaddress3": "b@x.example"}


@pytest.mark.parametrize("turn", [1, -1], ids=["as mapped", "the other way round"])
def test_an_address_may_move_to_another_column(turn: int) -> None:
    """An address that is overwritten in one column is not taken for held when it belongs in another."""
    values = [_value("emailaddress1", "c@x.example"), _value("emailaddress2", "a@x.example")][::turn]
    changes = _changes({"emailaddress1": "a@x.example", "emailaddress2": "b@x.example"}, *values)
    assert changes.values == {"emailaddress1": "c@x.example", "emailaddress2": "a@x.example"}


def test_one_address_is_written_once() -> None:
    """Two sources with the same address fill one column."""
    values = _value("emailaddress1", "a@x.example"), _value("emailaddress2", "A@x.example")
    assert _changes({}, *values).values == {"emailaddress1": "a@x.example"}


addresses = st.sampled_from([None, "", "a@x.example", "A@x.example", "b@x.example", "c@x.example", "no address"])
said = st.sampled_from([None, "a@x.example", "B@x.example", "c@x.example", "d@x.example"])


@given(
    held=st.tuples(addresses, addresses, addresses),
    said=st.lists(st.tuples(st.sampled_from([1, 2, 3]), said, st.sampled_from(list(Policy))), unique_by=lambda s: s[0]),
    by=st.sampled_from(["link", "email", "name"]),
    late=st.booleans(),
)
def test_e_mail_rules_settle_at_once(
    held: tuple[str | None, ...], said: list[tuple[int, str | None, Policy]], by: By, *, late: bool
) -> None:
    """Applied, they ask for nothing more; and a row found by name never loses an address."""
    before = {f"emailaddress{number}": text for number, text in enumerate(held, 1)}
    values = [
        _value(f"emailaddress{number}", text, policy)
        for number, text, policy in said
        if policy is not Policy.APPEND and (text is not None or policy is Policy.CLEAR_IF_BLANK)
    ]
    changes = _changes(before, *values, by=by, late=late)
    assert not _changes(before | changes.values, *values, by=by, late=late).values
    assert changes.before == {name: before[name] for name in changes.values}
    if by == "name" or late:
        assert all(not before[name] for name in changes.values)
