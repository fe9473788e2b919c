"""What an existing row keeps under each policy."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.conversion import Content
from core.domain.mapping import ColumnValue, Policy
from core.domain.update_policy import updated
from tests.strategies import any_text

POLICIES = list(Policy)
OLD, NEW = "old", "new"


def _updated(content: Any, value: Content | None, policy: Policy, *, late: bool = False) -> Any:
    return updated(content, ColumnValue("jobtitle", value, policy), late=late)


@pytest.mark.parametrize("empty", [None, ""], ids=["null", "empty"])
@pytest.mark.parametrize(
    ("policy", "over_old", "over_empty"),
    [
        (Policy.OVERWRITE, NEW, NEW),
        (Policy.FILL_IF_EMPTY, OLD, NEW),
        (Policy.APPEND, "old\nnew", NEW),
        (Policy.CREATE_ONLY, OLD, None),
        (Policy.CLEAR_IF_BLANK, NEW, NEW),
    ],
)
def test_a_value(policy: Policy, over_old: str, over_empty: str | None, empty: str | None) -> None:
    """What each policy makes of a value, over another one and over nothing."""
    assert _updated(OLD, NEW, policy) == over_old
    assert (_updated(empty, NEW, policy) or None) == over_empty


@pytest.mark.parametrize(("old", "new"), [(0, 5), (5, 0), (True, False), (False, True), (1.5, 2), ("1,3", "2")])
def test_zero_and_false_are_values(old: Any, new: Any) -> None:
    """Also where they stand already: only what is empty is filled, and only a blank clears."""
    assert _updated(old, new, Policy.OVERWRITE) == new
    assert _updated(old, new, Policy.CLEAR_IF_BLANK) == new
    assert _updated(old, new, Policy.FILL_IF_EMPTY) == old
    assert _updated(old, new, Policy.CREATE_ONLY) == old
    assert _updated(None, new, Policy.FILL_IF_EMPTY) == new
    assert _updated(old, new, Policy.OVERWRITE, late=True) == old


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("blank", [None, ""], ids=["null", "empty"])
@pytest.mark.parametrize("content", [OLD, None, "", 0])
def test_a_blank_never_erases_but_where_it_is_asked_to(policy: Policy, blank: str | None, content: Any) -> None:
    """Clear-if-blank erases; nothing else does, zero stays as well."""
    assert _updated(content, blank, policy) == (None if policy is Policy.CLEAR_IF_BLANK else content)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("value", [NEW, None, ""])
@pytest.mark.parametrize("content", [OLD, None, ""])
def test_a_late_capture_only_fills_blanks(policy: Policy, value: str | None, content: str | None) -> None:
    """Whatever the policy, nothing that stands there goes; what it appends is news all the same."""
    after = _updated(content, value, policy, late=True)
    if content == OLD:
        assert after == ("old\nnew" if policy is Policy.APPEND and value == NEW else OLD)
    elif value == NEW and policy is not Policy.CREATE_ONLY:
        assert after == NEW
    else:
        assert after == content


@pytest.mark.parametrize(
    ("content", "value", "after"),
    [
        ("a", "b", "a\nb"),
        ("a", "a", "a"),
        ("a\r\nb\nc", "b", "a\r\nb\nc"),
        ("ab", "a", "ab\na"),
        ("x\na\nb\ny", "a\nb", "x\na\nb\ny"),
        ("x\na\r\nb", "a\nb", "x\na\r\nb"),
        ("a\nx\nb", "a\nb", "a\nx\nb\na\nb"),
        (0, "b", "0\nb"),
    ],
    ids=["new", "same", "a line of it", "part of a line", "several lines", "other breaks", "apart", "zero"],
)
def test_what_stands_there_is_not_appended_again(content: Any, value: str, after: str) -> None:
    """Whole lines count, one or several in a row; however often a capture is repeated."""
    assert _updated(content, value, Policy.APPEND) == after
    assert _updated(after, value, Policy.APPEND) == after


@given(
    content=st.none() | any_text,
    value=any_text.map(str.strip),
    policy=st.sampled_from(POLICIES),
    late=st.booleans(),
)
def test_applied_twice_is_applied_once(content: str | None, value: str, policy: Policy, *, late: bool) -> None:
    """A row that was updated is not updated again by the same value."""
    once = _updated(content, value, policy, late=late)
    assert _updated(once, value, policy, late=late) == once
