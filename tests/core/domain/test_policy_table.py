"""The five policies over everything a capture may say and everything that may stand in Dynamics."""

from typing import Any

import pytest

from core.domain.changes import changes_to
from core.domain.mapping import Policy, Sources, map_fields
from core.domain.matching import Match
from core.domain.prospect import merged
from tests.builders import NOON, capture, known, mapping, row

# What was said before, and what this capture says.
SAID: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "said": ({}, {"Title": "new"}),
    "said again": ({"Title": "k"}, {"Title": "new"}),
    "zero": ({}, {"Title": 0}),
    "blank": ({}, {"Title": " "}),
    "blank now": ({"Title": "k"}, {"Title": ""}),
    "placeholder": ({"Title": "k"}, {"Title": "Scanned"}),
    "hidden": ({}, {}),
    "hidden now": ({"Title": "k"}, {}),
}
W, F, A, C, B = Policy.OVERWRITE, Policy.FILL_IF_EMPTY, Policy.APPEND, Policy.CREATE_ONLY, Policy.CLEAR_IF_BLANK
# Policy: what "old" becomes, what nothing becomes.
TABLE: dict[str, dict[Policy, tuple[str | None, str | None]]] = {
    "said": {W: ("new", "new"), F: ("old", "new"), A: ("old\nnew", "new"), C: ("old", None), B: ("new", "new")},
    "said again": {W: ("new", "new"), F: ("old", "new"), A: ("old\nnew", "new"), C: ("old", None), B: ("new", "new")},
    "zero": {W: ("0", "0"), F: ("old", "0"), A: ("old\n0", "0"), C: ("old", None), B: ("0", "0")},
    "blank": {W: ("old", None), F: ("old", None), A: ("old", None), C: ("old", None), B: (None, None)},
    "blank now": {W: ("old", "k"), F: ("old", "k"), A: ("old", "k"), C: ("old", None), B: (None, None)},
    "placeholder": {W: ("old", "k"), F: ("old", "k"), A: ("old", "k"), C: ("old", None), B: ("old", "k")},
    "hidden": {W: ("old", None), F: ("old", None), A: ("old", None), C: ("old", None), B: ("old", None)},
    "hidden now": {W: ("old", "k"), F: ("old", "k"), A: ("old", "k"), C: ("old", None), B: ("old", "k")},
}
CREATED = {"said": "new", "said again": "new", "zero": "0", "blank": None, "blank now": "k", "placeholder": "k"}


@pytest.mark.parametrize("policy", Policy)
@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("content", ["old", None, ""], ids=["existing", "null", "empty"])
def test_what_an_existing_row_holds_afterwards(policy: Policy, said: str, content: str | None) -> None:
    """A blank never erases but under the one policy; what is not said now only fills; zero is a value."""
    before, now = SAID[said]
    under = mapping({"source": "Title", "column": "jobtitle", "policy": policy})
    person = merged(known(**before), capture(**now), NOON)
    match = Match(row(jobtitle=content), "email", "lead")
    mapped = map_fields(under, Sources(person, capture(**now)))
    changes = changes_to(match, mapped.values, under.columns, late=False)
    over_old, over_empty = TABLE[said][policy]
    assert (changes.values.get("jobtitle", content) or None) == (over_old if content else over_empty)


@pytest.mark.parametrize("policy", Policy)
@pytest.mark.parametrize("said", SAID)
def test_what_a_new_row_holds(policy: Policy, said: str) -> None:
    """Whatever is known; only a blank that clears leaves out what was known before."""
    before, now = SAID[said]
    under = mapping({"source": "Title", "column": "jobtitle", "policy": policy})
    mapped = map_fields(under, Sources(merged(known(**before), capture(**now), NOON), capture(**now)))
    expected = CREATED.get(said, before.get("Title"))
    cleared = policy is Policy.CLEAR_IF_BLANK and said == "blank now"
    assert [value.value for value in mapped.values if value.value is not None] == (
        [] if cleared or expected is None else [expected]
    )
