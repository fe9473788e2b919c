"""ETags of configuration, and what a request has to say of what is stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.api.editions import Precondition, changed_since, etag_of
from core.errors import InvalidInputError

BEFORE = {"create": "lead", "match": {"tables": "leads"}, "owner": None}
AFTER = {**BEFORE, "create": "contact", "owner": {"by": "fixed"}}
SETTINGS = st.dictionaries(st.sampled_from("abcdef"), st.integers() | st.text() | st.none(), min_size=1)


@given(SETTINGS)
def test_the_same_settings_have_the_same_etag_in_any_order(settings: dict[str, object]) -> None:
    """Whoever wrote them down."""
    assert etag_of(dict(reversed(settings.items()))) == etag_of(settings)
    assert changed_since(etag_of(settings), settings) == []


@given(SETTINGS, st.sampled_from("abcdef"))
def test_another_setting_is_another_etag_and_is_named(settings: dict[str, object], name: str) -> None:
    """Also where nobody has kept what it was before."""
    changed = {**settings, name: "something else entirely"}
    assert (etag_of(changed) == etag_of(settings)) == (changed == settings)
    if name in settings and changed != settings:
        assert changed_since(etag_of(settings), changed) == [name]


def _said(precondition: Precondition, current: dict[str, object] | None, wanted: dict[str, object] | None) -> object:
    try:
        precondition.check("action booth", current, wanted)
    except InvalidInputError as error:
        return error.status, error.field
    return "saved"


@pytest.mark.parametrize(
    ("if_match", "if_none_match", "current", "wanted", "said"),
    [
        ([], [], None, BEFORE, "saved"),
        ([], ["*"], None, BEFORE, "saved"),
        (["*"], [], None, BEFORE, (412, "If-Match")),
        ([], [], BEFORE, BEFORE, "saved"),
        ([], [], BEFORE, AFTER, (428, "If-Match")),
        ([], [], BEFORE, None, (428, "If-Match")),
        ([], ["*"], BEFORE, BEFORE, (412, "If-None-Match")),
        ([etag_of(BEFORE)], [], BEFORE, AFTER, "saved"),
        (['"x"', etag_of(BEFORE)], [], BEFORE, AFTER, "saved"),
        ([etag_of(AFTER)], [], BEFORE, AFTER, (412, "If-Match")),
        ([f"W/{etag_of(BEFORE)}"], [], BEFORE, AFTER, (412, "If-Match")),
        (["*"], [], BEFORE, AFTER, "saved"),
    ],
)
def test_what_exists_is_changed_on_condition_only(
    if_match: list[str],
    if_none_match: list[str],
    current: dict[str, object] | None,
    wanted: dict[str, object] | None,
    said: object,
) -> None:
    """New things, and what would change nothing, need no condition."""
    assert _said(Precondition(if_match, if_none_match), current, wanted) == said


@pytest.mark.parametrize(
    ("said", "words"), [("W/" + etag_of(BEFORE), "weak"), ("garbage", "no ETag"), ('"x"', "no ETag")]
)
def test_what_is_no_etag_blames_nobody_else(said: str, words: str) -> None:
    """Nobody has changed anything; how the thing stands now is told."""
    with pytest.raises(InvalidInputError, match=words) as refused:
        Precondition([said], []).check("action booth", BEFORE, AFTER)
    assert "Somebody else" not in refused.value.message
    assert etag_of(BEFORE) in refused.value.message


def test_whoever_comes_late_is_told_what_has_changed() -> None:
    """By name, with the ETag to go on with."""
    with pytest.raises(InvalidInputError, match=r"\(create, owner\)") as late:
        Precondition([etag_of(BEFORE)], []).check("action booth", AFTER, BEFORE)
    assert etag_of(AFTER) in late.value.message
