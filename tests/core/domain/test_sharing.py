"""Which captures of a file wait for which."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.capture import Capture
from core.domain.sharing import CAPTURE_MOST, TOGETHER_MOST, followers, predecessors


def _captures(*people: dict[str, Any]) -> list[Capture]:
    return [
        Capture.model_validate({"prospect": {"id": person.pop("id", None), "fields": person}})
        for person in map(dict, people)
    ]


@pytest.mark.parametrize(
    ("people", "before"),
    [
        ([{"Email": "a@x.example"}, {"Email": "b@x.example"}], [[], []]),
        ([{"Email": "a@x.example"}, {"Email": " A@X.example"}, {"email": "a@x.example"}], [[], [0], [1]]),
        ([{"id": 1, "Email": "a@x.example"}, {"id": 1, "Email": "b@x.example"}], [[], [0]]),
        ([{"FirstName": "Ann", "LastName": "Lee"}, {"FirstName": "ANN", "LastName": "lee"}], [[], [0]]),
        ([{"FirstName": "Ann"}, {"FirstName": "Ann"}], [[], []]),
        ([{"FirstName": "Scanned", "LastName": "Lee"}, {"FirstName": "Scanned", "LastName": "Lee"}], [[], []]),
        (
            [{"Email": "a@x.example"}, {"Mail2": "b@x.example"}, {"Email": "a@x.example", "Mail2": "b@x.example"}],
            [[], [], [0, 1]],
        ),
        ([{"Company": "Acme"}, {"Company": "acme "}], [[], []]),
    ],
)
def test_whoever_shares_a_name_waits_for_the_last_one_who_has_it(
    people: list[dict[str, Any]], before: list[list[int]]
) -> None:
    """By Captello's id, by any e-mail address, by both names; companies are no names of people."""
    assert predecessors(_captures(*people), with_companies=False) == before


def test_all_of_a_new_company_wait_for_its_first_alone() -> None:
    """Once it is there, nobody has to make it, and the others go side by side."""
    captures = _captures(*({"Email": f"p{number}@x.example", "Company": "Acme"} for number in range(4)))
    assert predecessors(captures, with_companies=True) == [[], [0], [0], [0]]


@given(
    st.lists(
        st.fixed_dictionaries(
            {"Email": st.sampled_from(["a@x.example", "b@x.example", ""]), "Company": st.sampled_from(["A", "B", ""])}
        ),
        max_size=20,
    )
)
def test_nobody_waits_for_himself_or_for_later_ones(people: list[dict[str, Any]]) -> None:
    """So every file comes to an end."""
    before = predecessors(_captures(*people), with_companies=True)
    assert all(other < number for number, others in enumerate(before) for other in others)


@pytest.mark.parametrize(
    ("people", "following"),
    [
        ([{"id": 1}, {"id": 2}, {"id": 1}, {"id": 1}], [[2, 3], [], [3], []]),
        ([{"Email": "a@x.example"}, {"Email": "A@x.example "}], [[1], []]),
        ([{"id": 1, "Email": "a@x.example"}, {"id": 2, "Email": "a@x.example"}], [[], []]),
        (
            [{"id": 1}, {"id": 2, "Email": "a@x.example"}, {"id": 1, "Email": "a@x.example"}, {"id": 1}],
            [[], [], [3], []],
        ),
        ([{"id": 1}, {"id": 1, "Bio": "x" * CAPTURE_MOST}, {"id": 1}], [[], [2], []]),
        ([{"FirstName": "Ann"}, {"FirstName": "Ann"}], [[], []]),
    ],
)
def test_whoever_comes_right_after_is_taken_along(people: list[dict[str, Any]], following: list[list[int]]) -> None:
    """Of the same prospect, unless somebody else is to be over first, or it is too long to be stored with others."""
    captures = _captures(*people)
    assert followers(captures, predecessors(captures, with_companies=False)) == following


def test_no_more_are_taken_along_than_a_transaction_takes() -> None:
    """The next in the row goes on with the rest."""
    captures = _captures(*({"id": 1} for _ in range(3 * TOGETHER_MOST)))
    following = followers(captures, predecessors(captures, with_companies=False))
    assert max(map(len, following)) == TOGETHER_MOST - 1
